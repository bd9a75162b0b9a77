//! What the people of an account do in their portal.

use keyward_harness::eventually;
use serde_json::json;

use super::{BACK, account, backend, made, policy, shown, visit_of};
use crate::browser::{Browser, portal_link};
use crate::world::{PROPAGATION, World};

#[test]
fn a_key_is_made_rotated_and_ended_by_the_people_of_its_account() {
    let world = World::start();
    policy(
        &world,
        "customers",
        json!({"permissions": ["customer_write", "charge_read"], "max_keys": 2, "max_lifetime": "30d", "default_lifetime": "30d"}),
    );
    account(
        &world,
        json!({"id": "acct_acme", "name": "Acme GmbH", "policy": "customers"}),
    );
    let (_, backend) = backend(&world, "acct_operator", &["portal_session_write"]);
    let browser = Browser::in_portal(&world, &backend, visit_of("acct_acme"));

    // An empty list says what to do first.
    let list = browser.get("/portal/keys");
    assert_eq!(list.status, 200, "{}", list.text());
    for text in [
        "No keys yet",
        "Create key",
        "API keys of Acme GmbH",
        "0 of 2 test keys, 0 of 2 live keys",
    ] {
        assert!(list.text().contains(text), "{text}: {}", list.text());
    }
    assert!(
        list.text().contains(&format!("href=\"{BACK}\"")),
        "no way back"
    );

    // The form offers what the policy allows, and nothing that is for operators.
    let form = browser.get("/portal/keys/new");
    let text = form.text();
    for there in [
        "name=\"p.customer\" value=\"write\"",
        "name=\"p.charge\" value=\"read\"",
        "value=\"30\"",
    ] {
        assert!(text.contains(there), "{there}: {text}");
    }
    for gone in [
        "p.charge\" value=\"write",
        "p.balance",
        "p.api_key",
        "value=\"never\"",
        "value=\"90\"",
        "shadow",
        "/console/keys",
        "keyward-server",
        "operator",
    ] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    // The server rejects what the form does not offer, in words for customers.
    let beyond = [
        ("name", "x"),
        ("mode", "test"),
        ("p.charge", "write"),
        ("ends", "30"),
    ];
    let refused = browser.send(&form, "/portal/keys/new", &beyond);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(
        refused.text().contains("Your keys may not do all of this"),
        "{}",
        refused.text()
    );
    for (ends, mode) in [("never", "test"), ("90", "test")] {
        let form = browser.get("/portal/keys/new");
        let fields = [
            ("name", "x"),
            ("mode", mode),
            ("p.charge", "read"),
            ("ends", ends),
        ];
        let refused = browser.send(&form, "/portal/keys/new", &fields);
        assert_eq!(refused.status, 422, "{ends}");
        assert!(
            refused.text().contains("may not last that long"),
            "{}",
            refused.text()
        );
    }

    let name = ("name", "Billing worker");
    let fields = [
        name,
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "30"),
    ];
    let (id, value) = made(&browser, &fields);
    let status =
        |value: &str, method: &str| world.call(value, method, "/v1/customers", None).status;
    eventually("the key works", PROPAGATION, || {
        (status(&value, "GET") == 200).then_some(())
    });
    assert_eq!(status(&value, "POST"), 403);
    world.assert_nowhere(&[&value]);
    // All its pages belong to the portal.
    for page in [
        "",
        "/history",
        "/requests",
        "/details",
        "/edit",
        "/addresses",
        "/rotate",
        "/expire",
        "/delete",
        "/duplicate",
        "/working",
    ] {
        let answer = browser.get(&format!("/portal/keys/{id}{page}"));
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        for gone in [
            "href=\"/console/",
            "action=\"/console",
            "poll=\"/console",
            "shadow",
            "gateway",
            &value,
        ] {
            assert!(
                !answer.text().contains(gone),
                "{page} has {gone}: {}",
                answer.text()
            );
        }
    }

    let at = format!("/portal/keys/{id}/rotate");
    let form = browser.get(&at);
    let rotated = browser.send(&form, &at, &[("overlap", "60"), ("ends", "30")]);
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let (new, replacement) = shown(&rotated);
    assert_ne!(new, id);
    eventually("both values work", PROPAGATION, || {
        (status(&value, "GET") == 200 && status(&replacement, "GET") == 200).then_some(())
    });
    // The account has two keys, which is the maximum, so it gets no third one.
    let full = browser.get("/portal/keys/new");
    let third = [
        name,
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "30"),
    ];
    let refused = browser.send(&full, "/portal/keys/new", &third);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(
        refused
            .text()
            .contains("reached the number of keys in this mode"),
        "{}",
        refused.text()
    );

    let at = format!("/portal/keys/{id}/expire");
    let form = browser.get(&at);
    let ended = browser.send(&form, &at, &[("ends", "now")]);
    assert_eq!(
        (ended.status, ended.header("location")),
        (303, Some(format!("/portal/keys/{id}").as_str()))
    );
    eventually(
        "the old value is denied, and the new one works",
        PROPAGATION,
        || {
            let denied = world.call(&value, "GET", "/v1/customers", None);
            (denied.header("x-keyward-denied") == Some("expired_key")
                && status(&replacement, "GET") == 200)
                .then_some(())
        },
    );
    // The account and the operator both see who did it.
    let history = browser.get(&format!("/portal/keys/{id}/history"));
    assert!(
        history.text().contains("admin@acct_acme.example"),
        "{}",
        history.text()
    );
    let log = world
        .api("GET", &format!("/v2/iam/activity_logs?object={id}"), None)
        .json();
    assert_eq!(log["data"][0]["keyward"]["via"], "portal");
}

#[test]
fn a_link_begins_where_its_maker_says_and_offers_what_its_maker_chose() {
    let world = World::start();
    policy(
        &world,
        "customers",
        json!({"permissions": ["customer_write", "charge_read"], "allow_delete": false}),
    );
    account(&world, json!({"id": "acct_acme", "policy": "customers"}));
    let (_, backend) = backend(&world, "acct_operator", &["portal_session_write"]);
    let (id, _) = world.key("acct_acme", &["customer_read"]);

    // The link in a denied request leads to the key's page, which explains how the key can get the
    // missing permission.
    let mut body = visit_of("acct_acme");
    body["sub_nav"] = json!(format!("key:{id}"));
    body["ask"] = json!("charge_read");
    let url = portal_link(&world, &backend, body);
    let (query, token) = url
        .split_once("/portal/enter")
        .unwrap()
        .1
        .split_once('#')
        .unwrap();
    let browser = Browser::in_portal(&world, &backend, visit_of("acct_acme"));
    let page = browser.get(&format!("/portal/enter{query}"));
    assert!(
        page.text().contains("name=\"ask\" value=\"charge_read\""),
        "{}",
        page.text()
    );
    let form = [("code", token), ("key", &id), ("ask", "charge_read")];
    let opened = browser.post("/portal/enter", &form);
    let there = format!("/portal/keys/{id}?ask=charge_read");
    assert_eq!(
        (opened.status, opened.header("location")),
        (303, Some(there.as_str()))
    );
    let page = browser.get(&there);
    assert!(
        page.text().contains("A permission is missing"),
        "{}",
        page.text()
    );
    let edit = format!("/portal/keys/{id}/edit?ask=charge_read");
    assert!(page.text().contains(&edit), "{}", page.text());
    assert!(browser.get(&edit).text().contains("+ read (was none)"));
    // People ask elsewhere for what the policy does not allow.
    let page = browser.get(&format!("/portal/keys/{id}?ask=charge_write"));
    assert!(
        page.text().contains("You cannot add it here"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("/edit?ask"), "{}", page.text());
    let page = browser.get(&format!("/portal/keys/{id}?ask=customer_read"));
    assert!(
        page.text().contains("This key has the permission"),
        "{}",
        page.text()
    );

    // A policy that does not allow deleting keys, and a link that allows only viewing.
    let delete = format!("/portal/keys/{id}/delete");
    assert_eq!(browser.get(&delete).status, 403);
    let mut body = visit_of("acct_acme");
    body["features"] = json!(["requests"]);
    let browser = Browser::in_portal(&world, &backend, body);
    let page = browser.get(&format!("/portal/keys/{id}"));
    assert_eq!(page.status, 200, "{}", page.text());
    for gone in ["/edit", "/rotate", "/duplicate", "/delete", "/history"] {
        assert!(
            !page.text().contains(&format!("/portal/keys/{id}{gone}")),
            "{gone}: {}",
            page.text()
        );
        assert_eq!(
            browser.get(&format!("/portal/keys/{id}{gone}")).status,
            403,
            "{gone}"
        );
    }
    let expire = format!("/portal/keys/{id}/expire");
    let form = browser.get(&expire);
    assert_eq!(browser.send(&form, &expire, &[("ends", "now")]).status, 303);
}
