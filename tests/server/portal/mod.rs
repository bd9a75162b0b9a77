//! The portal, as a browser reaches it through Envoy.

mod application;
mod flows;
mod leaked;
mod tenancy;

use keyward_harness::eventually;
use keyward_harness::http::Response;
use serde_json::{Value, json};

use crate::browser::{Browser, field};
use crate::world::{PROPAGATION, World};

/// The address of the application that opens the portal.
const BACK: &str = "http://localhost/keys";

/// Makes a policy with this name.
fn policy(world: &World, name: &str, members: Value) {
    let mut body = json!({"name": name});
    for (member, value) in members.as_object().unwrap() {
        body[member] = value.clone();
    }
    let made = world.api("POST", "/v2/keyward/key_policies", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
}

/// Makes an account with these details.
fn account(world: &World, members: Value) {
    let made = world.api("POST", "/v2/keyward/accounts", Some(members));
    assert_eq!(made.status, 200, "{}", made.text());
}

/// Makes a live key of an account that manages keys. Returns its id and its value.
fn backend(world: &World, owner: &str, permissions: &[&str]) -> (String, String) {
    let body = json!({
        "type": "secret_key", "name": "Backend", "permissions": permissions,
        "keyward": {
            "kind": "restricted", "owner": owner, "livemode": true,
            "override_policy": true, "reason": "the application's own key",
        },
    });
    let made = world.api("POST", "/v2/iam/api_keys", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
    let made = made.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (id, value) = (text(&made["id"]), text(&made["secret_key"]["token"]));
    eventually("every worker knows the key", PROPAGATION, || {
        let is_known = || {
            let answer = world.call(&value, "GET", "/v2/keyward/profile", None);
            answer.header("x-keyward-denied") != Some("unknown_key")
        };
        // Each request opens a new connection, and Envoy gives connections to its workers in turn.
        (0..20).all(|_| is_known()).then_some(())
    });
    (id, value)
}

/// Returns the body of a request for a link to the portal of an account.
fn visit_of(account: &str) -> Value {
    json!({
        "account": account,
        "actor": {"id": format!("admin@{account}.example"), "name": "Acme admin"},
        "return_url": BACK,
    })
}

/// Makes a key with the form. Returns the key and its value.
fn made(browser: &Browser<'_>, fields: &[(&str, &str)]) -> (String, String) {
    let form = browser.get("/portal/keys/new");
    assert_eq!(form.status, 200, "{}", form.text());
    let answer = browser.send(&form, "/portal/keys/new", fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    shown(&answer)
}

/// Returns the id and the value of the key on a page that shows a value.
fn shown(answer: &Response) -> (String, String) {
    let page = answer.text();
    let value = field(page, "id=\"value\"", "value").to_owned();
    let (_, after) = page.split_once("action=\"/portal/keys/").unwrap();
    (after.split('/').next().unwrap().to_owned(), value)
}
