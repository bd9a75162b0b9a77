//! What the audit reports about privileges that no call needed, and the commands that it proposes.

use std::process::Command;

use serde_json::{Value, json};

use super::world::{gateway, load, played};
use crate::support::command::program;

pub fn key<'a>(report: &'a Value, id: &str) -> &'a Value {
    let mut keys = report["keys"].as_array().unwrap().iter();
    keys.find(|key| key["id"] == id).unwrap()
}

/// Returns lines like `customer read 7`, in the order of the report.
pub fn permissions(key: &Value, state: &str) -> Vec<String> {
    let all = key["permissions"].as_array().unwrap().iter();
    let all = all.filter(|permission| permission["state"] == state);
    let told = all.map(|one| {
        let side = if one["connected"] == true {
            " connected"
        } else {
            ""
        };
        let name = one["permission"].as_str().unwrap();
        format!(
            "{name} {}{side} {}",
            one["level"].as_str().unwrap(),
            one["calls"]
        )
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

#[test]
fn least_privilege_is_what_the_calls_needed() {
    let (desk, log) = played("privilege");
    let report = desk.good(&["audit", "--json", &log]);
    let report: Value = serde_json::from_str(&report).unwrap();

    let billing = key(&report, "mk_billing");
    assert_eq!(
        permissions(billing, "used"),
        [
            "balance read connected 4",
            "charge read 3",
            "customer read 7"
        ]
    );
    assert_eq!(
        permissions(billing, "unused"),
        [
            "charge write connected 0",
            "customer write 0",
            "invoice read 0",
            "top_up read 0"
        ]
    );
    assert_eq!(permissions(billing, "missing"), ["product write 2"]);
    // A charge's invoice can be expanded, and queries are not logged, so the audit does not know
    // whether this permission is needed.
    let all = billing["permissions"].as_array().unwrap().iter();
    let expanded = all.filter(|permission| permission["may_be_expanded"] == true);
    let expanded: Vec<&Value> = expanded
        .map(|permission| &permission["permission"])
        .collect();
    assert_eq!(expanded, ["invoice"]);
    assert_eq!(
        billing["proposal"],
        json!({"grants": {"charge": "read", "customer": "read"}, "connect_grants": {"balance": "read"}})
    );

    // For a key with every permission, the log names no permission, but the catalogue does.
    let admin = key(&report, "mk_admin");
    assert_eq!(admin["told_by"], "endpoint");
    assert_eq!(
        permissions(admin, "used"),
        [
            "charge read connected 6",
            "customer read 2",
            "customer write 12",
            "invoice read 5"
        ]
    );
    assert_eq!(
        admin["uncatalogued"]["listed"][0]["value"],
        "GET /internal/report"
    );
    assert_eq!(admin["uncatalogued"]["listed"][0]["calls"], 3);
    assert_eq!(
        admin["proposal"],
        json!({"grants": {"customer": "write", "invoice": "read"}, "connect_grants": {"charge": "read"}})
    );

    let mut found: Vec<(String, String)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |member: &str| finding[member].as_str().unwrap_or("").to_owned();
            (text("finding"), text("key"))
        })
        .collect();
    found.sort();
    let expected = [
        ("can_be_limited", "mk_admin"),
        ("can_be_limited", "mk_org"),
        ("ended_in_use", "mk_gone"),
        ("many_clients", "mk_admin"),
        ("missing", "mk_billing"),
        ("missing", "mk_shadow"),
        ("one_account", "mk_org"),
        ("retiring_in_use", "mk_old"),
        ("unused", "mk_billing"),
        ("unused_key", "mk_idle"),
        ("would_deny", "mk_shadow"),
    ];
    let expected = expected.map(|(finding, key)| (finding.to_owned(), key.to_owned()));
    assert_eq!(found, expected);
}

/// Runs the proposed commands in a shell, and sends the load again with the keys that they made:
/// what passed before still passes.
#[test]
fn the_proposed_commands_make_keys_that_are_enough() {
    let (desk, log) = played("commands");
    let report = desk.good(&["audit", "--json", &log]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let shell = |command: &str| {
        let keyward = program();
        let path = format!(
            "{}:{}",
            keyward.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new("sh")
            .current_dir(&desk.path)
            .env("PATH", path)
            .env_remove("KEYWARD_KEYS")
            .args(["-euc", command])
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command}: {told}");
        (
            String::from_utf8(output.stdout).unwrap().trim().to_owned(),
            told,
        )
    };
    let commands = |id: &str| -> Vec<String> {
        let commands = key(&report, id)["commands"].as_array().unwrap().iter();
        commands
            .map(|command| command.as_str().unwrap().to_owned())
            .collect()
    };
    let lower = commands("mk_billing");
    assert_eq!(
        lower,
        [
            "keyward keys edit mk_billing --grant customer=read --revoke top_up --connect-revoke charge"
        ]
    );
    shell(&lower[0]);
    let replace = commands("mk_admin");
    let (value, told) = shell(&replace[0]);
    let new = told
        .split_whitespace()
        .nth(1)
        .unwrap()
        .trim_end_matches(':');
    assert!(new.starts_with("mk_"), "{told}");
    shell(&format!("NEW={new}; {}", replace[1]));
    shell(&format!("{} --yes", replace[2]));

    let envoy = gateway(&desk, |builder| builder);
    for sent in &load() {
        let is_billing = sent.key == Some("mk_billing");
        let is_admin = sent.key == Some("mk_admin") && sent.path != "/internal/report";
        if sent.decision != "allow" || !(is_billing || is_admin) {
            continue;
        }
        let key = if is_admin {
            value.as_str()
        } else {
            "rk_test_FAKE-billing-0001"
        };
        let mut headers = vec![("authorization", format!("Bearer {key}"))];
        headers.extend(
            sent.context
                .map(|context| ("stripe-context", context.to_owned())),
        );
        let response = envoy.request(sent.method, sent.path, &headers, b"");
        assert_eq!(response.status, 200, "{sent:?}: {}", response.text());
    }
    let headers = [("authorization", format!("Bearer {value}"))];
    let denied = envoy.get("/v1/balance", &headers);
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("insufficient_permission")
    );
    let denied = envoy.get(
        "/v1/balance",
        &[("authorization", "Bearer sk_test_FAKE-admin-00001")],
    );
    assert_eq!(denied.header("x-keyward-denied"), Some("deleted_key"));
}
