//! An operator names a tree by its root: in lists, and to end all of its keys.

use super::*;

#[test]
fn an_operator_lists_and_ends_the_keys_of_a_tree() {
    wait(async {
        let desk = Desk::of(100).await;
        for account in [
            json!({"id": "org_1", "is_organization": true, "policy": "operator"}),
            json!({"id": "acct_2", "parent": "org_1"}),
        ] {
            desk.good("POST", "/v2/keyward/accounts", &account, None)
                .await;
        }
        desk.make(&new_key(), None).await;
        for (id, owner, kind) in [
            ("mk_org", "org_1", "organization"),
            ("mk_live", "acct_2", "restricted"),
        ] {
            let new = json!({
                "type": "secret_key", "permissions": ["customer_read"],
                "keyward": {"owner": owner, "id": id, "kind": kind, "livemode": true},
            });
            desk.make(&new, None).await;
        }
        let listed = async |query: &str| {
            let path = format!("/v2/iam/api_keys?{query}");
            let page = desk.good("GET", &path, &json!({}), None).await;
            let all = page["data"].as_array().unwrap().iter();
            let ids = all.map(|key| key["id"].as_str().unwrap().to_owned());
            ids.collect::<Vec<String>>().join(" ")
        };
        assert_eq!(listed("owner=org_1").await, "mk_org");
        assert_eq!(listed("owner=org_1&scope=self").await, "mk_org");
        assert_eq!(listed("owner=org_1&scope=tree").await, "mk_live mk_org");
        assert_eq!(listed("owner=acct_2&scope=tree").await, "");
        let wide = "/v2/iam/api_keys?owner=org_1&scope=tree&has_permission=customer_read";
        let too_wide = (400, "filter_too_wide");
        assert_eq!(desk.refused("GET", wide, &json!({})).await, too_wide);

        let path = "/v2/keyward/api_keys/revoke";
        let plan = |owner: &str, scope: &str| json!({"filter": {"owner": owner, "scope": scope}, "dry_run": true});
        // A tree that is not named by its root would look as if all of its keys had ended.
        for (owner, scope) in [("acct_2", "tree"), ("acct_9", "tree"), ("org_1", "all")] {
            let refused = desk.refused("POST", path, &plan(owner, scope)).await;
            assert_eq!(refused, (400, "parameter_invalid"), "{owner} {scope}");
        }
        let own = desk.good("POST", path, &plan("org_1", "self"), None).await;
        assert_eq!(own["count"], 1);
        let tree = desk.good("POST", path, &plan("org_1", "tree"), None).await;
        assert_eq!(tree["count"], 2);
        let order = json!({"plan": tree["plan"], "confirm": 2});
        assert_eq!(desk.good("POST", path, &order, None).await["revoked"], 2);
        for id in ["mk_org", "mk_live"] {
            let path = format!("/v2/iam/api_keys/{id}");
            let key = desk.good("GET", &path, &json!({}), None).await;
            assert_eq!(key["status"], "expired", "{id}");
        }
        assert_eq!(listed("owner=acct_1").await.split(' ').count(), 1);
    });
}
