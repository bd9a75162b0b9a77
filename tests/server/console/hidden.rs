//! A form does nothing that it does not show, and a log contains only plain text.

use std::fs;

use keyward_harness::{BOUND, eventually};
use serde_json::Value;

use super::made;
use crate::browser::Browser;
use crate::world::{PROPAGATION, World, with_logs};

#[test]
fn fields_that_a_form_does_not_show_do_nothing() {
    let world = World::start();
    world.account("acct_widgets");
    let operator = Browser::signed_in(&world, "operator");
    let more = [
        ("kind", "secret"),
        ("type", "publishable_key"),
        ("permissions", "charge_write"),
        ("sha256", &"0".repeat(64)),
        ("override_policy", "because"),
        ("role", "admin"),
        ("source", "file:theirs"),
    ];
    let (id, _) = made(&operator, "With more", &more);
    let key = world.api("GET", &format!("/v2/iam/api_keys/{id}"), None);
    let key = key.json();
    assert_eq!(key["keyward"]["kind"], "restricted");
    assert_eq!(key["permissions"], serde_json::json!(["customer_read"]));
    assert_ne!(key["keyward"]["source"], "file:theirs");
    // Permissions that this role does not include, and an account that does not exist.
    for field in [
        ("p.api_key", "write"),
        ("p.secret_api_key", "write"),
        ("p.console_session", "write"),
        ("account", "acct_of_nobody"),
    ] {
        let form = operator.get("/console/keys/new");
        let mut fields = vec![
            ("name", "Too much"),
            ("mode", "test"),
            ("ends", "90"),
            ("p.customer", "read"),
        ];
        if field.0 != "account" {
            fields.push(("account", "acct_widgets"));
        }
        fields.push(field);
        let answer = operator.send(&form, "/console/keys/new", &fields);
        assert!(
            (400..500).contains(&answer.status),
            "{field:?}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let listed = world.api("GET", "/v2/iam/api_keys?query=Too", None).json();
    assert_eq!(listed["data"], serde_json::json!([]));
}

#[test]
fn requests_of_a_key_are_shown_and_what_a_log_says_is_text() {
    let world = World::start_with(with_logs);
    world.account("acct_widgets");
    let admin = Browser::signed_in(&world, "admin");
    let (id, value) = made(&admin, "Used", &[]);
    eventually("the key works", PROPAGATION, || {
        (world.call(&value, "GET", "/v1/customers", None).status == 200).then_some(())
    });
    assert_eq!(
        world.call(&value, "POST", "/v1/charges", None).status,
        403,
        "the key may not charge"
    );
    let line = eventually("the refusal is in the log", BOUND, || {
        let text = fs::read_to_string(world.folder.path().join("access.log")).ok()?;
        let mut lines = text.lines().map(str::to_owned);
        lines.find(|line| line.contains("/v1/charges") && line.contains(&id))
    });
    // A client could have sent this, if nothing had rejected it before it was logged.
    let mut hostile: Value = serde_json::from_str(&line).unwrap();
    hostile["path"] = "/v1/<script>alert(1)</script>\u{202e}&\"'".into();
    let beside = world.folder.path().join("access-other.log");
    fs::write(beside, format!("{hostile}\n")).unwrap();

    let page = admin.get(&format!("/console/keys/{id}/requests"));
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    for shown in ["/v1/customers", "/v1/charges", "insufficient_permission"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(text.contains("&lt;script&gt;alert(1)"), "{text}");
    assert!(!text.contains("<script>alert"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
    let refused = admin.get(&format!("/console/keys/{id}/requests?decision=deny"));
    assert!(!refused.text().contains("GET /v1/customers<"));
    assert!(refused.text().contains("POST /v1/charges"));
    // The hints of the forms that end a key use the same data.
    let rotate = admin.get(&format!("/console/keys/{id}/rotate"));
    assert!(
        rotate.text().contains("within the last hour"),
        "{}",
        rotate.text()
    );
}
