//! Which keys see the accounts below the one they act on.

use super::held::{by_gateway, gateway};
use super::*;

const KEYS: &str = "/v2/iam/api_keys";
const REVOKE: &str = "/v2/keyward/api_keys/revoke";

impl Desk {
    async fn account(&self, body: Value) {
        self.good("POST", "/v2/keyward/accounts", &body, None).await;
    }

    /// A live key of an account, with these permissions there and on connected accounts.
    async fn live_key(&self, owner: &str, kind: &str, own: &[&str], connected: &[&str]) -> String {
        let new = json!({
            "type": "secret_key", "permissions": own, "connect_permissions": connected,
            "keyward": {"owner": owner, "kind": kind, "livemode": true},
        });
        let made = self.make(&new, None).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// The caller that a key is for a revocation.
    async fn caller(&self, key: &str, context: Option<&'static str>) -> Caller {
        let (mut head, ()) = by_gateway("POST", REVOKE, key, ()).into_parts();
        if let Some(context) = context {
            let value = axum::http::HeaderValue::from_static(context);
            head.headers.insert("stripe-context", value);
        }
        let need = Need::of(route_of("POST", REVOKE));
        let found = identify(&self.app, Entrance::Gateway, gateway(), need, &head).await;
        found.map_err(|unknown| unknown.failure).unwrap().caller
    }

    /// How many keys of a tree a revocation would end, or why it is refused.
    async fn found_in_tree(&self, caller: &Caller) -> Result<u64, &'static str> {
        let (head, ()) = by_gateway("POST", REVOKE, "mk_1", ()).into_parts();
        let body = json!({
            "filter": {"scope": "tree", "kind": ["restricted"], "livemode": true}, "dry_run": true,
        });
        let answer = self.call_by(caller.clone(), &head, &body, None).await;
        let answer = answer.map_err(|failure| failure.name())?;
        let plan: Value = serde_json::from_slice(&answer.body).unwrap();
        Ok(plan["count"].as_u64().unwrap())
    }
}

#[test]
fn an_accounts_key_sees_the_accounts_below_only_with_the_permission_there() {
    wait(async {
        let desk = Desk::of(100).await;
        desk.account(json!({"id": "acct_2", "parent": "acct_1"}))
            .await;
        let write = ["api_key_write"];
        desk.live_key("acct_2", "restricted", &["customer_read"], &[])
            .await;
        let alone = desk.live_key("acct_1", "restricted", &write, &[]).await;
        let reads = desk
            .live_key("acct_1", "restricted", &write, &["api_key_read"])
            .await;
        let writes = desk.live_key("acct_1", "restricted", &write, &write).await;
        for (key, expected) in [
            (&alone, Err("parameter_invalid")),
            (&reads, Err("parameter_invalid")),
            (&writes, Ok(4)),
        ] {
            let caller = desk.caller(key, None).await;
            assert_eq!(desk.found_in_tree(&caller).await, expected);
            let path = format!("{KEYS}?scope=tree");
            let (head, ()) = by_gateway("GET", &path, key, ()).into_parts();
            let listed = desk.call_by(caller, &head, &Value::Null, None).await;
            assert_eq!(listed.is_ok(), expected.is_ok());
        }
    });
}

#[test]
fn an_organizations_key_sees_its_tree_and_an_operators_everything() {
    wait(async {
        let desk = Desk::of(100).await;
        desk.account(json!({"id": "org_1", "is_organization": true, "policy": "operator"}))
            .await;
        desk.account(json!({"id": "acct_2", "parent": "org_1"}))
            .await;
        desk.live_key("acct_2", "restricted", &["customer_read"], &[])
            .await;
        desk.live_key("acct_1", "restricted", &["customer_read"], &[])
            .await;
        let write = ["api_key_write"];
        let of_org = desk.live_key("org_1", "organization", &write, &[]).await;
        let caller = desk.caller(&of_org, Some("org_1")).await;
        assert_eq!(desk.found_in_tree(&caller).await, Ok(1));
        // On one account of the tree, it is not at the root.
        let caller = desk.caller(&of_org, Some("acct_2")).await;
        assert_eq!(desk.found_in_tree(&caller).await, Err("parameter_invalid"));
        let of_operator = desk.live_key(OPERATOR, "restricted", &write, &[]).await;
        let caller = desk.caller(&of_operator, None).await;
        // Its own, the first one, and those of both accounts.
        assert_eq!(desk.found_in_tree(&caller).await, Ok(4));
        let local = Caller::local(Uid::own());
        assert_eq!(desk.found_in_tree(&local).await, Ok(4));
    });
}

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
