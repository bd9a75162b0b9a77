//! From an empty folder to a key that is made, used and ended.

use std::time::Instant;

use keyward_harness::eventually;
use serde_json::json;

use crate::sdk::Script;
use crate::world::{PROPAGATION, World, command};

#[test]
fn a_key_that_stripes_sdk_makes_works_with_its_permissions_until_it_is_expired() {
    let world = World::start();
    world.account("acct_widgets");
    let Some(mut script) = Script::start("life.py") else {
        return;
    };
    script.tell(&format!("http://{}", world.gateway));
    script.tell(&world.first);
    let made = script.told();
    let token = made["token"].as_str().unwrap().to_owned();
    assert_eq!(made["type"], "secret_key");
    assert_eq!(made["status"], "active");
    assert_eq!(made["owner"], "acct_widgets");
    assert_eq!(made["kind"], "restricted");
    assert_eq!(made["permissions"], json!(["customer_read"]));
    let redacted = format!("rk_test_****{}", token.split_at(token.len() - 4).1);
    assert_eq!(made["redacted"], redacted.as_str());

    let status = |method: &str, path: &str| world.call(&token, method, path, None).status;
    eventually("the key works", PROPAGATION, || {
        (status("GET", "/v1/customers") == 200).then_some(())
    });
    let refused = world.call(&token, "POST", "/v1/customers", None);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.header("x-keyward-denied"),
        Some("insufficient_permission")
    );
    assert_eq!(status("GET", "/v1/charges"), 403);
    // A key without any management permission manages no keys.
    assert_eq!(status("GET", "/v2/iam/api_keys"), 403);

    script.tell(&json!({"id": made["id"]}).to_string());
    let read = script.told();
    assert_eq!(read["token"], serde_json::Value::Null);
    assert_eq!(read["redacted"], redacted.as_str());
    let expired = script.told();
    let since = Instant::now();
    assert_eq!(expired["status"], "expired");
    script.ends_well();
    eventually("the key is denied", PROPAGATION, || {
        let denied = world.call(&token, "GET", "/v1/customers", None);
        (denied.header("x-keyward-denied") == Some("expired_key")).then_some(())
    });
    eprintln!("denied {:?} after the answer", since.elapsed());
    world.assert_nowhere(&[&token, &world.first]);
}

#[test]
fn what_was_made_is_there_after_a_restart() {
    let mut world = World::start();
    world.account("acct_widgets");
    let (id, value) = world.key("acct_widgets", &["customer_read"]);
    // Only one server may use the folder.
    let second = command()
        .args(["serve", "--config"])
        .arg(world.data().join("keyward-server.toml"))
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another server listens there"), "{said}");
    // A killed server does not remove its sockets.
    world.restart();
    let path = format!("/v2/iam/api_keys/{id}");
    let read = world.api("GET", &path, None);
    assert_eq!(read.status, 200, "{}", read.text());
    assert_eq!(read.json()["keyward"]["version"], 1);
    eventually("the key works", PROPAGATION, || {
        (world.call(&value, "GET", "/v1/customers", None).status == 200).then_some(())
    });
    world.assert_nowhere(&[&value, &world.first]);
}

#[test]
fn a_folder_with_a_store_is_left_alone() {
    let world = World::start();
    let again = command()
        .args(["init", "--data"])
        .arg(world.data())
        .output()
        .unwrap();
    assert!(!again.status.success());
    assert!(again.stdout.is_empty(), "a second first key was shown");
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("nothing was changed"), "{said}");
}
