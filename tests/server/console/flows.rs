//! The effects of a key's forms.

use keyward_harness::eventually;
use serde_json::json;

use super::made;
use crate::browser::{Browser, field};
use crate::world::{PROPAGATION, World};

#[test]
fn a_key_that_is_made_by_a_form_works_through_envoy_until_it_is_ended_by_one() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let listed = browser.get("/console/keys");
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert!(listed.text().contains("First key"), "{}", listed.text());

    let (id, value) = made(&browser, "Billing worker", &[]);
    assert!(value.starts_with("rk_test_"), "no value in the page");
    let status = |method: &str| world.call(&value, method, "/v1/customers", None).status;
    eventually("the key works", PROPAGATION, || {
        (status("GET") == 200).then_some(())
    });
    assert_eq!(status("POST"), 403);

    // Only that page contains the value, and nothing on the disk does.
    for path in [
        "/console/keys".to_owned(),
        format!("/console/keys/{id}"),
        format!("/console/keys/{id}/history"),
    ] {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(page.text().contains("Billing worker"), "{path}");
        assert!(!page.text().contains(&value), "{path} shows the value");
    }
    world.assert_nowhere(&[&value]);

    // A person in a session has made it.
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["keyward"]["source"], "console");
    assert_eq!(key["keyward"]["created_by"]["id"], "operator@example.com");
    let logs = format!("/v2/iam/activity_logs?object={id}");
    let log = &world.api("GET", &logs, None).json()["data"][0];
    assert_eq!(log["actor"]["user"]["email"], "operator@example.com");
    assert_eq!(log["keyward"]["via"], "console");
    assert!(
        log["keyward"]["session"]
            .as_str()
            .unwrap()
            .starts_with("cs_")
    );

    let form = browser.get(&format!("/console/keys/{id}/expire"));
    let ended = browser.send(
        &form,
        &format!("/console/keys/{id}/expire"),
        &[("ends", "now")],
    );
    assert_eq!(ended.status, 303, "{}", ended.text());
    eventually("the key is denied", PROPAGATION, || {
        let denied = world.call(&value, "GET", "/v1/customers", None);
        (denied.header("x-keyward-denied") == Some("expired_key")).then_some(())
    });
}

#[test]
fn each_flow_of_a_key_does_what_its_form_says() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "admin");
    let (id, value) = made(&browser, "Worker", &[]);
    let at = |page: &str| format!("/console/keys/{id}/{page}");
    let key = || {
        world
            .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
            .json()
    };
    let send = |page: &str, fields: &[(&str, &str)]| {
        let form = browser.get(&at(page));
        assert_eq!(form.status, 200, "{page}: {}", form.text());
        browser.send(&form, &at(page), fields)
    };

    let saved = send("edit", &[("p.charge", "write"), ("p.customer", "none")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(key()["permissions"], json!(["charge_write"]));

    let saved = send("addresses", &[("ips", "127.0.0.1\n203.0.113.0/24")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(
        key()["ip_allowlist"],
        json!(["127.0.0.1", "203.0.113.0/24"])
    );
    let refused = send("addresses", &[("ips", "203.0.113.1/24")]);
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("203.0.113.1/24"),
        "what was entered is lost"
    );

    let saved = send(
        "details",
        &[
            ("name", "Nightly"),
            ("note", "vault: a"),
            ("labels", "team: a"),
        ],
    );
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(key()["name"], "Nightly");
    assert_eq!(key()["keyward"]["labels"], json!({"team": "a"}));

    let rotated = send("rotate", &[("overlap", "60"), ("ends", "30")]);
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let replacement = field(rotated.text(), "id=\"value\"", "value").to_owned();
    eventually("both values work", PROPAGATION, || {
        let status = |value: &str| world.call(value, "POST", "/v1/charges", None).status;
        (status(&value) == 200 && status(&replacement) == 200).then_some(())
    });

    let duplicated = send("duplicate", &[("name", "Twin"), ("ends", "never")]);
    assert_eq!(duplicated.status, 200, "{}", duplicated.text());
    let twin = field(duplicated.text(), "id=\"value\"", "value").to_owned();

    let refused = send("delete", &[("confirm", "Another")]);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(key()["status"], "active");
    let deleted = send("delete", &[("confirm", "Nightly")]);
    assert_eq!(deleted.status, 303, "{}", deleted.text());
    assert_eq!(key()["status"], "deleted");
    world.assert_nowhere(&[&value, &replacement, &twin]);
}

#[test]
fn a_form_that_is_sent_twice_makes_one_key_and_shows_its_value_once() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let form = browser.get("/console/keys/new");
    let fields = [
        ("name", "Twice"),
        ("account", "acct_widgets"),
        ("mode", "test"),
        ("ends", "90"),
    ];
    let first = browser.send(&form, "/console/keys/new", &fields);
    assert_eq!(first.status, 200, "{}", first.text());
    let value = field(first.text(), "id=\"value\"", "value").to_owned();
    let again = browser.send(&form, "/console/keys/new", &fields);
    assert!(
        again.text().contains("made a moment ago"),
        "{}",
        again.text()
    );
    assert!(!again.text().contains(&value), "the value is shown twice");
    let list = world
        .api("GET", "/v2/iam/api_keys?owner=acct_widgets", None)
        .json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[test]
fn of_two_tabs_with_one_version_the_second_saves_nothing_and_loses_nothing() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let (id, _) = made(&browser, "Worker", &[]);
    let path = format!("/console/keys/{id}/edit");
    let (one, other) = (browser.get(&path), browser.get(&path));
    let saved = browser.send(&one, &path, &[("p.charge", "read")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let refused = browser.send(&other, &path, &[("p.payout", "write")]);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(
        refused
            .text()
            .contains("Someone changed this key in the meantime")
    );
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["permissions"], json!(["charge_read"]));
    // The choices are kept, and can be saved now that the person has seen both.
    let saved = browser.send(&refused, &path, &[("p.payout", "write")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
}
