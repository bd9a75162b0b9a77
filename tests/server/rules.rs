//! Every method of Stripe's SDK, its pagination and its error classes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sdk::Script;
use crate::world::World;

/// More than three pages of 100.
const MANY: usize = 350;

#[test]
fn stripes_sdk_finds_what_stripe_documents_and_what_is_better_here() {
    let mut world = World::start();
    world.account("acct_widgets");
    world.account("acct_many");
    import(&world);
    let Some(mut script) = Script::start("rules.py") else {
        return;
    };
    script.tell(&format!("http://{}", world.gateway));
    script.tell(&world.first);
    script.tell(&MANY.to_string());
    let mut seen = BTreeMap::new();
    while let Some(line) = script.line() {
        let what = line["what"].as_str().unwrap().to_owned();
        if what == "now with ends only" {
            world.kill();
            world.serve(&["--ends-only"]);
            script.tell("");
        }
        seen.insert(what, line);
    }
    script.ends_well();
    let saw = |what: &str| seen.get(what).unwrap_or_else(|| panic!("{what}: not seen"));
    let is = |what: &str, member: &str, expected: Value| {
        assert_eq!(saw(what)[member], expected, "{what}: {}", saw(what));
    };
    let fails = |what: &str, class: &str, status: u16, code: &str| {
        let expected = json!({"class": class, "status": status, "code": code});
        is(what, "error", expected);
    };

    is("pagination", "count", json!(MANY));
    is("pagination", "different", json!(MANY));
    is("pagination", "first", json!(100));
    is("created", "has_token", json!(true));
    is("created", "ips", json!(["203.0.113.0/24"]));
    is("updated", "name", json!("Two"));
    is("updated", "note", json!("vault: one"));
    // Unlike Stripe: an empty list removes everything, and a list of addresses can be changed.
    is("updated", "permissions", json!([]));
    is("updated", "token", Value::Null);
    is("updated again", "permissions", json!(["customer_write"]));
    is("updated again", "ips", json!([]));
    is("rotated", "has_token", json!(true));
    for member in ["is_new", "replaces", "replaced", "ends"] {
        is("rotated", member, json!(true));
    }
    is("rotated", "permissions", json!(["customer_write"]));
    is("rotated", "old", json!("active"));
    let tokens = saw("no token in a list")["tokens"].as_array().unwrap();
    assert!(tokens.len() >= 2 && tokens.iter().all(Value::is_null));

    fails("missing", "InvalidRequestError", 404, "resource_missing");
    fails(
        "unknown permission",
        "InvalidRequestError",
        400,
        "permission_unknown",
    );
    fails(
        "unknown member",
        "InvalidRequestError",
        400,
        "parameter_unknown",
    );
    fails("host bits", "InvalidRequestError", 400, "ip_has_host_bits");
    fails("replaced", "APIError", 409, "key_was_replaced");
    let unknown = json!({"class": "AuthenticationError", "status": 401, "code": null});
    is("bad key", "error", unknown);
    fails(
        "repeated",
        "IdempotencyError",
        409,
        "value_already_returned",
    );
    fails(
        "another request",
        "IdempotencyError",
        400,
        "idempotency_key_reused",
    );
    fails("same digest", "AlreadyExistsError", 409, "digest_exists");
    fails("public key", "FeatureNotEnabledError", 400, "public_key");
    fails("too many", "QuotaExceededError", 400, "max_keys");
    let of_file = "ControlledByAlternateResourceError";
    fails("of a file", of_file, 409, "controlled_by_file");
    fails("too often", "RateLimitError", 429, "rate_limited");
    fails("ends only", "ServiceUnavailableError", 503, "ends_only");
    is("management", "status", json!(200));
    is("own account", "count", json!(true));
    fails("test makes live", "PermissionError", 403, "live_from_test");
    fails(
        "makes a manager",
        "PermissionError",
        403,
        "management_key_refused",
    );
    fails(
        "makes an unrestricted key",
        "PermissionError",
        403,
        "unrestricted_key_refused",
    );
    fails(
        "another tenant",
        "InvalidRequestError",
        404,
        "resource_missing",
    );
    is("deleted", "status", json!(200));
    is("deleted", "state", json!("deleted"));
    is("activity", "newest", json!(true));
    assert_eq!(saw("activity")["types"][0], "api_key_deleted");
    world.assert_nowhere(&[&world.first]);
}

/// Imports many keys by their digests, in one request that can be repeated.
fn import(world: &World) {
    let rows: Vec<Value> = (0..MANY)
        .map(|number| {
            json!({
                "sha256": format!("{number:064x}"), "name": format!("Key {number}"),
                "keyward": {"owner": "acct_many", "livemode": number % 2 == 0, "kind": "restricted"},
            })
        })
        .collect();
    let path = "/v2/keyward/api_keys/import";
    let body = json!({"keys": rows});
    for expected in ["created", "exists"] {
        let taken = world.api("POST", path, Some(body.clone()));
        assert_eq!(taken.status, 200, "{}", taken.text());
        let results = taken.json();
        let results = results["results"].as_array().unwrap();
        assert_eq!(results.len(), MANY);
        assert!(
            results.iter().all(|row| row["result"] == expected),
            "{}",
            results[0]
        );
    }
    let other = json!({"keys": [
        {"sha256": format!("{:064x}", MANY), "keyward": {"owner": "acct_many", "livemode": false}},
        {"sha256": format!("{:064x}", 7), "name": "Another", "keyward": {"owner": "acct_many", "livemode": false}},
    ]});
    let refused = world.api("POST", path, Some(other));
    assert_eq!(refused.status, 400, "{}", refused.text());
    let rows = &refused.json()["error"]["keyward"]["results"];
    assert_eq!(rows[1]["error"]["code"], "digest_exists");
    let found = world.api(
        "POST",
        "/v2/keyward/api_keys/lookup",
        Some(json!({"sha256": format!("{:064x}", MANY)})),
    );
    assert_eq!(
        found.status, 404,
        "a row of a request that was refused was kept"
    );
}

#[test]
fn many_keys_are_ended_by_a_plan_that_still_holds() {
    let world = World::start();
    world.account("acct_widgets");
    let (_, first) = world.key("acct_widgets", &["customer_read"]);
    world.key("acct_widgets", &["customer_read"]);
    let path = "/v2/keyward/api_keys/revoke";
    let revoke = |body: Value| world.api("POST", path, Some(body));
    assert_eq!(revoke(json!({"filter": {}, "dry_run": true})).status, 400);
    let filter = json!({"filter": {"owner": "acct_widgets"}, "dry_run": true});
    let plan = revoke(filter.clone());
    assert_eq!(plan.status, 200, "{}", plan.text());
    assert_eq!(plan.json()["count"], 2);
    let carry_out =
        |plan: &Value, confirm: u64| revoke(json!({"plan": plan["plan"], "confirm": confirm}));
    world.key("acct_widgets", &["customer_read"]);
    let changed = carry_out(&plan.json(), 2);
    assert_eq!(
        changed.json()["error"]["code"],
        "plan_changed",
        "{}",
        changed.text()
    );
    let plan = revoke(filter).json();
    assert_eq!(carry_out(&plan, 2).json()["error"]["code"], "plan_changed");
    let gone = carry_out(&plan, 3);
    assert_eq!(
        gone.json()["error"]["code"],
        "plan_expired",
        "a plan is tried once"
    );
    let plan = revoke(json!({"filter": {"owner": "acct_widgets"}, "dry_run": true})).json();
    let done = carry_out(&plan, 3);
    assert_eq!(done.json()["revoked"], 3, "{}", done.text());
    keyward_harness::eventually("the key is denied", crate::world::PROPAGATION, || {
        let denied = world.call(&first, "GET", "/v1/customers", None);
        (denied.header("x-keyward-denied") == Some("expired_key")).then_some(())
    });
}
