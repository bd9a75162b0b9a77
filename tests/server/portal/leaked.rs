//! An attacker has a backend's key: once it has ended it opens no page, and the pages that it
//! opened close.

use keyward_harness::eventually;
use serde_json::json;

use super::{account, backend, made, policy, visit_of};
use crate::browser::{Browser, portal_link};
use crate::world::{PROPAGATION, World};

#[test]
fn an_ended_backend_key_opens_no_page_and_the_pages_it_opened_close() {
    let world = World::start();
    policy(
        &world,
        "customers",
        json!({"permissions": ["customer_write"]}),
    );
    account(&world, json!({"id": "acct_acme", "policy": "customers"}));
    account(&world, json!({"id": "acct_other", "policy": "customers"}));
    // The permissions that a backend needs.
    let (id, leaked) = backend(
        &world,
        "acct_operator",
        &["portal_session_write", "api_key_write"],
    );
    let (_, other) = backend(&world, "acct_operator", &["portal_session_write"]);
    let opened = Browser::in_portal(&world, &leaked, visit_of("acct_acme"));
    let unused = portal_link(&world, &leaked, visit_of("acct_acme"));
    let of_other = Browser::in_portal(&world, &other, visit_of("acct_acme"));
    let fields = [
        ("name", "x"),
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "30"),
    ];
    let (key, _) = made(&opened, &fields);
    let form = opened.get("/portal/keys/new");

    // A portal manages customers' keys within their policy, and no key that manages keys.
    for (_, path, body) in [
        (
            "its own portal's maker",
            format!("/v2/iam/api_keys/{id}"),
            json!({"keyward": {"grant": ["management_api_key_write"]}}),
        ),
        (
            "another one",
            "/v2/iam/api_keys".to_owned(),
            json!({"type": "secret_key", "permissions": ["portal_session_write"], "keyward": {"owner": "acct_acme", "livemode": true}}),
        ),
    ] {
        let refused = world.call(&leaked, "POST", &path, Some(body));
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert_eq!(refused.json()["error"]["code"], "management_key_refused");
    }

    // A link is for one account: its session cannot move to another.
    let elsewhere = opened.get("/portal/keys/new?account=acct_other");
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.text());

    let ended = world.api("POST", &format!("/v2/iam/api_keys/{id}/expire"), None);
    assert_eq!(ended.status, 200, "{}", ended.text());
    // This takes effect immediately, although gateways may still accept the key.
    for path in [
        "/portal/keys".to_owned(),
        format!("/portal/keys/{key}"),
        "/portal/keys/new".to_owned(),
    ] {
        assert_eq!(opened.get(&path).status, 401, "{path}");
    }
    let late = opened.send(&form, "/portal/keys/new", &fields);
    assert_eq!(late.status, 401, "{}", late.text());
    let used = opened.post("/portal/enter", &[("code", &unused)]);
    assert_eq!(used.status, 400, "{}", used.text());
    assert!(used.header("set-cookie").is_none());
    eventually("the key makes no link", PROPAGATION, || {
        let refused = world.call(
            &leaked,
            "POST",
            "/v2/keyward/portal_sessions",
            Some(visit_of("acct_acme")),
        );
        (refused.status == 401).then_some(())
    });
    // Revived or not, the key's sessions now appear as ended. Another key's sessions continue.
    assert_eq!(of_other.get("/portal/keys").status, 200);
    let list = world
        .api("GET", "/v2/iam/api_keys?owner=acct_acme", None)
        .json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn a_session_ends_with_its_account_and_with_what_its_maker_may_do() {
    let world = World::start();
    account(&world, json!({"id": "acct_acme"}));
    let (id, key) = backend(&world, "acct_operator", &["portal_session_write"]);
    let browser = Browser::in_portal(&world, &key, visit_of("acct_acme"));
    assert_eq!(browser.get("/portal/keys").status, 200);
    let suspend = |verb: &str| {
        let path = format!("/v2/keyward/accounts/acct_acme/{verb}");
        let done = world.api("POST", &path, Some(json!({})).filter(|_| verb == "suspend"));
        assert_eq!(done.status, 200, "{}", done.text());
    };
    suspend("suspend");
    assert_eq!(browser.get("/portal/keys").status, 401);
    suspend("resume");
    assert_eq!(browser.get("/portal/keys").status, 200);
    // The maker has lost the permission to open portals.
    let narrowed = world.api(
        "POST",
        &format!("/v2/iam/api_keys/{id}"),
        Some(json!({"permissions": ["portal_session_read"]})),
    );
    assert_eq!(narrowed.status, 200, "{}", narrowed.text());
    assert_eq!(browser.get("/portal/keys").status, 401);
}
