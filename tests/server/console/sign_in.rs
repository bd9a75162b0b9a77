//! Who is signed in, for how long, and with what rights.

use keyward_harness::eventually;
use serde_json::{Value, json};

use crate::browser::{Browser, link};
use crate::world::{PROPAGATION, World};

#[test]
fn a_link_opens_one_session_and_opens_nothing_when_it_is_only_looked_at() {
    let world = World::start();
    let url = link(&world, "viewer");
    let (page, token) = url.split_once('#').unwrap();
    assert!(page.ends_with("/console/enter"), "{page}");
    let nobody = Browser::new(&world);
    // A mail scanner follows the link, and runs everything on the page except the button.
    for _ in 0..2 {
        assert_eq!(nobody.get("/console/enter").status, 200);
        let peeked = nobody.post("/console/peek", &[("code", token)]);
        let told: Value = peeked.json();
        assert_eq!(told["status"], "unopened", "{told}");
        assert_eq!(told["actor"], "viewer@example.com");
    }
    let opened = nobody.post("/console/enter", &[("code", &url)]);
    assert_eq!(opened.status, 303, "{}", opened.text());
    let cookie = opened.header("set-cookie").unwrap();
    for part in [
        "__Host-keyward_console=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{part} is missing");
    }
    assert!(
        !cookie.contains("Domain"),
        "the cookie is sent to other hosts"
    );
    let again = nobody.post("/console/enter", &[("code", token)]);
    assert_eq!(again.status, 400);
    assert!(again.text().contains("already used"), "{}", again.text());
    assert!(again.header("set-cookie").is_none());
    // The store and the logs contain digests only.
    let secret = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
    world.assert_nowhere(&[token, &format!("c_{secret}")]);
}

/// The people of a company may all have one address.
#[test]
fn an_address_is_held_up_by_links_that_open_nothing_and_by_no_others() {
    let world = World::start();
    let nobody = Browser::new(&world);
    for _ in 0..35 {
        let url = link(&world, "viewer");
        let (_, token) = url.split_once('#').unwrap();
        let peeked = nobody.post("/console/peek", &[("code", token)]);
        assert_eq!(peeked.status, 200, "{}", peeked.text());
        Browser::enter(&world, &url);
    }
    let guess = format!("lt_{}", "a".repeat(64));
    let answers: Vec<u16> = (0..200)
        .map(|_| nobody.post("/console/enter", &[("code", &guess)]).status)
        .take_while(|status| *status != 429)
        .collect();
    assert!((30..200).contains(&answers.len()), "{}", answers.len());
    assert!(answers.iter().all(|status| *status == 400), "{answers:?}");
}

#[test]
fn a_cookie_that_somebody_chose_is_never_a_sessions() {
    let world = World::start();
    let chosen = "a".repeat(64);
    let mut browser = Browser::new(&world);
    browser.cookie = Some(chosen.clone());
    let opened = browser.post("/console/enter", &[("code", &link(&world, "viewer"))]);
    assert_eq!(opened.status, 303, "{}", opened.text());
    assert!(!opened.header("set-cookie").unwrap().contains(&chosen));
    assert_eq!(browser.get("/console/keys").status, 401);
}

#[test]
fn a_session_ends_when_it_is_left_when_it_is_revoked_and_with_the_key_that_opened_it() {
    let world = World::start();
    let left = Browser::signed_in(&world, "viewer");
    let page = left.get("/console/keys");
    assert_eq!(left.send(&page, "/console/leave", &[]).status, 200);
    assert_eq!(left.get("/console/keys").status, 401);

    let revoked = Browser::signed_in(&world, "viewer");
    let open = world
        .api("GET", "/v2/keyward/console_sessions", None)
        .json();
    let id = open["data"][0]["id"].as_str().unwrap();
    assert_eq!(open["data"][0]["status"], "open");
    let path = format!("/v2/keyward/console_sessions/{id}/revoke");
    assert_eq!(world.api("POST", &path, None).status, 200);
    assert_eq!(revoked.get("/console/keys").status, 401);

    let body = json!({
        "type": "secret_key", "permissions": ["console_session_write", "api_key_read", "account_read", "grant_set_read",
            "key_policy_read", "endpoint_read", "snapshot_read", "gateway_read"],
        "keyward": {"owner": "acct_operator", "livemode": true, "override_policy": true, "reason": "a backend that signs people in"},
    });
    let key = world.api("POST", "/v2/iam/api_keys", Some(body)).json();
    let value = key["secret_key"]["token"].as_str().unwrap();
    let body = |role: &str| Some(json!({"role": role, "actor": {"id": "x@example.com"}}));
    let made = eventually("the key works", PROPAGATION, || {
        let made = world.call(
            value,
            "POST",
            "/v2/keyward/console_sessions",
            body("viewer"),
        );
        (made.status == 200).then_some(made)
    });
    // No one can give more than they have.
    let refused = world.call(value, "POST", "/v2/keyward/console_sessions", body("admin"));
    assert_eq!(refused.status, 403, "{}", refused.text());
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let browser = Browser::enter(&world, &url);
    assert_eq!(browser.get("/console/keys").status, 200);
    let path = format!("/v2/iam/api_keys/{}/expire", key["id"].as_str().unwrap());
    assert_eq!(world.api("POST", &path, None).status, 200);
    assert_eq!(browser.get("/console/keys").status, 401);
}

#[test]
fn a_role_is_a_bound_for_pages_as_for_the_api() {
    let world = World::start();
    world.account("acct_widgets");
    let (id, _) = world.key("acct_widgets", &["customer_read"]);
    let viewer = Browser::signed_in(&world, "viewer");
    let page = viewer.get("/console/keys");
    assert_eq!(page.status, 200);
    assert!(
        !page.text().contains("/console/keys/new"),
        "what is refused is offered"
    );
    let forms = [
        "edit",
        "addresses",
        "details",
        "rotate",
        "expire",
        "delete",
        "duplicate",
    ];
    for path in forms
        .iter()
        .map(|form| format!("/console/keys/{id}/{form}"))
        .chain([
            "/console/keys/new".to_owned(),
            format!("/console/keys/{id}/requests"),
        ])
    {
        assert_eq!(viewer.get(&path).status, 403, "{path}");
        if !path.ends_with("requests") {
            assert_eq!(
                viewer.send(&page, &path, &[("ends", "now")]).status,
                403,
                "{path}"
            );
        }
    }
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["status"], "active");
}
