//! The portal: a session is about one account, until it is revoked.

use keyward_harness::http::{Response, request};
use serde_json::{Value, json};

use crate::world::World;

const COOKIE: &str = "__Host-keyward_portal";

/// Somebody who opened a link of an account; the cookie as it is sent.
fn enter(world: &World, key: &str, body: Value) -> String {
    let made = world.call(key, "POST", "/v2/keyward/portal_sessions", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
    let made = made.json();
    let url = made["url"].as_str().unwrap().to_owned();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let token = url.split_once('#').unwrap().1;
    let form = format!("code={token}");
    let at = |path| request(world.gateway, "POST", path, &headers, form.as_bytes());
    // The console takes no link of the portal.
    assert_eq!(at("/console/enter").status, 400);
    let opened = at("/portal/enter");
    assert_eq!(opened.status, 303, "{}", opened.text());
    let cookie = opened.header("set-cookie").unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn get(world: &World, cookie: &str, path: &str) -> Response {
    request(world.gateway, "GET", path, &[("cookie", cookie)], b"")
}

#[test]
fn a_session_sees_its_account_only_until_it_is_revoked() {
    let world = World::start();
    for id in ["acct_a", "acct_b"] {
        let made = world.api("POST", "/v2/keyward/accounts", Some(json!({"id": id})));
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let (own, _) = world.key("acct_a", &["customer_read"]);
    let (other, _) = world.key("acct_b", &["customer_read"]);
    let body = json!({"account": "acct_a", "actor": {"id": "a@example.com"}, "return_url": "http://localhost/"});
    let cookie = enter(&world, &world.first, body);
    let list = get(&world, &cookie, "/portal/keys");
    assert_eq!(list.status, 200, "{}", list.text());
    assert!(list.text().contains(&own));
    assert!(!list.text().contains(&other));
    assert_eq!(
        get(&world, &cookie, &format!("/portal/keys/{own}")).status,
        200
    );
    // What is another's answers as what is not there.
    for page in ["", "/expire", "/rotate", "/addresses"] {
        let of = |id: &str| {
            let answer = get(&world, &cookie, &format!("/portal/keys/{id}{page}"));
            (answer.status, answer.text().replace(id, "ID"))
        };
        let (status, theirs) = of(&other);
        let (_, nobodys) = of("mk_0000000000000000");
        assert_eq!(status, 404, "{page}");
        let title = |text: &str| text.split("<main").nth(1).unwrap_or_default().to_owned();
        assert_eq!(title(&theirs), title(&nobodys), "{page}");
    }
    // The cookie opens no page of the console, under either name.
    let renamed = cookie.replace(COOKIE, "__Host-keyward_console");
    for sent in [&cookie, &renamed] {
        assert_eq!(get(&world, sent, "/console/keys").status, 401);
    }
    let elsewhere = json!({"account": "acct_a", "actor": {"id": "a@example.com"}, "return_url": "https://evil.example/"});
    let refused = world.api("POST", "/v2/keyward/portal_sessions", Some(elsewhere));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "return_url");
    let sessions = world.api("GET", "/v2/keyward/portal_sessions", None).json();
    let id = sessions["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v2/keyward/portal_sessions/{id}/revoke");
    assert_eq!(world.api("POST", &path, None).status, 200);
    assert_eq!(get(&world, &cookie, "/portal/keys").status, 401);
}
