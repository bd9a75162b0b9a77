//! `keyward policies`: a policy from its making to its removal, and what it lets an account do.

use keyward_support::command::{Said, command};
use serde_json::{Value, json};

use super::both::on_server;
use crate::world::World;

fn run(world: &World, line: &str) -> Said {
    let words = line.split(' ').map(|word| word.trim_matches('\''));
    on_server(world).args(words).output().unwrap().into()
}

#[track_caller]
fn good(world: &World, line: &str) -> String {
    let said = run(world, line);
    assert_eq!(said.code, Some(0), "{line}: {}{}", said.out, said.err);
    said.out
}

#[track_caller]
fn refused(world: &World, line: &str, code: i32, says: &str) {
    let said = run(world, line);
    assert_eq!(said.code, Some(code), "{line}: {}{}", said.out, said.err);
    assert!(said.err.contains(says), "{line}: {}", said.err);
}

#[track_caller]
fn policy(world: &World, name: &str) -> Value {
    let out = good(world, &format!("policies show {name} --json"));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_policy_is_made_changed_assigned_and_removed_and_bounds_what_an_account_makes() {
    let world = World::start();
    let line = "policies create customers --grant customer=write --grant charge=read --max-keys 10 --max-lifetime 366d --require-ips live --deny delete --overlap 0 --overlap 1h";
    assert_eq!(good(&world, line), "made customers\n");
    let made = policy(&world, "customers");
    for (member, expected) in [
        ("permissions", json!(["charge_read", "customer_write"])),
        ("connect_permissions", json!([])),
        ("max_keys", json!(10)),
        ("max_lifetime", json!("366d")),
        ("default_lifetime", json!("90d")),
        ("require_ip_allowlist", json!({"live": true, "test": false})),
        ("overlaps", json!(["0", "1h"])),
        ("allow_delete", json!(false)),
        ("allow_requests", json!(true)),
        ("accounts", json!(0)),
    ] {
        assert_eq!(made[member], expected, "{member}");
    }
    let shown = good(&world, "policies show customers");
    for says in [
        "charge_read, customer_write",
        "at most 10",
        "366d",
        "live keys",
        "not at all, 1h",
        "requests, activity",
    ] {
        assert!(shown.contains(says), "{says}: {shown}");
    }

    // What is not said stays.
    good(
        &world,
        "policies edit customers --grant invoice=read --grant charge=none --max-keys none",
    );
    let changed = policy(&world, "customers");
    assert_eq!(
        changed["permissions"],
        json!(["customer_write", "invoice_read"])
    );
    assert_eq!(changed["max_keys"], Value::Null);
    for member in [
        "max_lifetime",
        "overlaps",
        "allow_delete",
        "require_ip_allowlist",
    ] {
        assert_eq!(changed[member], made[member], "{member}");
    }
    good(&world, "policies edit customers --everything");
    assert_eq!(policy(&world, "customers")["permissions"], Value::Null);
    // To add to everything would take the rest away.
    refused(
        &world,
        "policies edit customers --grant balance=read",
        4,
        "add --only to allow only what is granted here",
    );
    good(
        &world,
        "policies edit customers --only --grant balance=read",
    );
    assert_eq!(
        policy(&world, "customers")["permissions"],
        json!(["balance_read"])
    );

    // An account that has it makes what it allows, and nothing else.
    good(&world, "accounts add acct_shop --no-keys");
    assert_eq!(
        good(&world, "policies assign customers acct_shop"),
        "acct_shop has the policy customers\n"
    );
    let listed = good(&world, "policies list");
    let row = listed.lines().find(|line| line.starts_with("customers"));
    assert!(row.unwrap().contains("balance_read"), "{listed}");
    good(
        &world,
        "keys create --owner acct_shop --grant balance=read --allow-ip 203.0.113.7",
    );
    refused(
        &world,
        "keys create --owner acct_shop --grant customer=read",
        4,
        "policy_refused",
    );

    refused(
        &world,
        "policies remove customers",
        4,
        "keyward policies assign",
    );
    assert!(
        good(&world, "policies unassign acct_shop").contains("no policy of its own"),
        "what holds now is said"
    );
    assert_eq!(
        good(&world, "policies remove customers"),
        "removed customers\n"
    );
    refused(
        &world,
        "policies show customers",
        4,
        "there is no policy `customers`; there are `default`, `operator`",
    );
}

#[test]
fn what_makes_no_policy_is_refused_with_what_to_do() {
    let world = World::start();
    for (line, code, says) in [
        ("policies create default --max-keys 3", 4, "already"),
        (
            "policies create customers --grant custmer=read",
            4,
            "customer",
        ),
        ("policies create customers --max-lifetime soon", 2, "90d"),
        (
            "policies create customers --max-keys many",
            2,
            "whole number",
        ),
        (
            "policies edit default --max-keys 50",
            4,
            "says all of this already",
        ),
        (
            "policies edit customers --max-keys 3",
            4,
            "there is no policy",
        ),
        (
            "policies edit default --everything --grant customer=read",
            2,
            "cannot be used with",
        ),
        (
            "policies edit default --allow delete --deny delete",
            4,
            "--allow delete and --deny delete",
        ),
        ("policies assign default acct_nosuch", 4, "acct_nosuch"),
        (
            "policies assign customers acct_operator",
            4,
            "there is no policy `customers`",
        ),
        ("policies remove default", 4, "default"),
    ] {
        refused(&world, line, code, says);
    }
    // A key file has none.
    let said: Said = command()
        .args(["policies", "list"])
        .env_remove("KEYWARD_SERVER")
        .output()
        .unwrap()
        .into();
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("a key file has no policies"),
        "{}",
        said.err
    );
}
