//! Keys by their digests, for callers that may not bring any.

use super::*;

fn head(path: &str) -> Parts {
    let request = Request::builder().method("POST").uri(path);
    request.body(()).unwrap().into_parts().0
}

#[test]
fn who_may_not_import_brings_no_digest_in_whatever_the_call() {
    wait(async {
        let desk = Desk::of(100).await;
        let of_desk = desk.make(&new_key(), None).await;
        let id = of_desk["id"].as_str().unwrap();
        let (one, other) = ("ab".repeat(32), "cd".repeat(32));
        let mut created = new_key();
        created["keyward"]["sha256"] = json!(one);
        let rotated = json!({"keyward": {"sha256": other}});
        let calls = [
            ("/v2/iam/api_keys".to_owned(), created, one),
            (format!("/v2/iam/api_keys/{id}/rotate"), rotated, other),
        ];
        let maker = ["api_key", "key_policy", "secret_api_key", "customer"];
        let importer = [&maker[..], &["api_key_import"]].concat();
        for (path, body, digest) in &calls {
            let before = desk.changes_made().await;
            let refused = desk
                .call_by(operator(&maker), &head(path), body, None)
                .await;
            let refused = refused.err().unwrap();
            assert!(refused.is(Code::MorePermissionsRequired), "{path}");
            assert!(refused.message().contains("api_key_import"), "{path}");
            assert_eq!(desk.changes_made().await, before, "{path}");
            let lookup = json!({"sha256": digest});
            let found = desk
                .refused("POST", "/v2/keyward/api_keys/lookup", &lookup)
                .await;
            assert_eq!(found, (404, "resource_missing"), "{path}");
            // The permission is all that was missing.
            let made = desk
                .call_by(operator(&importer), &head(path), body, None)
                .await;
            assert!(made.is_ok(), "{path}");
        }
    });
}
