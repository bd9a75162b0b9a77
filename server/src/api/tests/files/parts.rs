//! The export of a part of the records.

use super::*;

#[test]
fn an_account_or_a_tree_is_exported_as_a_key_file() {
    wait(async {
        let desk = Desk::of(100).await;
        desk.applied(FILE).await;
        let made = json!({"type": "secret_key", "keyward": {"owner": "acct_1", "livemode": true}});
        desk.good("POST", "/v2/iam/api_keys", &made, None).await;
        let part = async |query: &str| {
            let path = format!("/v2/keyward/key_file?{query}");
            let answer = desk.call("GET", &path, &json!({}), None).await.unwrap();
            let file = read(std::str::from_utf8(&answer.body).unwrap());
            let ids = file.keys().map(|key| key.id.clone());
            let mut ids: Vec<String> = ids.collect();
            ids.sort_unstable();
            ids.join(" ")
        };
        let of_tree = "mk_desk mk_new mk_old mk_public";
        assert_eq!(part("owner=acct_3").await, "mk_public");
        assert_eq!(part("owner=acct_3&scope=self").await, "mk_public");
        assert_eq!(part("owner=acct_3&scope=tree").await, of_tree);
        assert_eq!(
            part("owner=acct_2&without_own=true").await,
            "mk_desk mk_new mk_old"
        );
        // The id of the key that was made is random, and stands anywhere among them.
        let all = part("scope=tree").await;
        for id in of_tree.split(' ') {
            assert!(all.split(' ').any(|there| there == id), "{id}: {all}");
        }
        let path = |query: &str| format!("/v2/keyward/key_file?{query}");
        for (query, expected) in [
            ("owner=acct_9", (404, "resource_missing")),
            ("owner=acct_2&scope=tree", (400, "parameter_invalid")),
            ("owner=acct_2&scope=all", (400, "parameter_invalid")),
            (
                "owner=acct_operator&without_own=true",
                (400, "parameter_invalid"),
            ),
            ("account=acct_2", (400, "parameter_unknown")),
        ] {
            assert_eq!(
                desk.refused("GET", &path(query), &json!({})).await,
                expected,
                "{query}"
            );
        }
        // Each export is in the trail.
        assert_eq!(desk.rows("key_file_exported").await.len(), 5);
    });
}
