//! Every command of `keyward keys`, `accounts` and `grant-sets` has the same output for a key file
//! and for a server, and the server's keys work accordingly.

use keyward_harness::eventually;
use serde_json::Value;

use super::both::Both;
use crate::world::PROPAGATION;

/// The server has policies, and a key file has none. The policy of the operator's own account
/// allows an account's keys whatever their maker allows.
pub(super) const POLICY: &[&str] = &["--policy", "operator"];

#[test]
fn every_command_says_the_same_on_a_file_and_on_a_server() {
    let mut both = Both::start();
    let account = ["accounts", "add", "acct_shop", "--name", "Shop"];
    let made = both.run_with(&account, POLICY, "");
    assert!(made.out.contains("publishable"), "{}{}", made.out, made.err);
    let alone = ["accounts", "add", "acct_two", "--no-keys", "--json"];
    both.run_with(&alone, POLICY, "");
    let organization = ["accounts", "add", "org_1", "--name", "Group"];
    both.run_with(&organization, POLICY, "");
    both.good(&["accounts", "move", "acct_two", "--parent", "org_1"]);
    both.good(&["accounts", "tree"]);

    both.good(&["grant-sets", "list"]);
    both.good(&[
        "grant-sets",
        "put",
        "support",
        "--grant",
        "customer=read",
        "--grant",
        "charge=write",
    ]);
    both.good(&[
        "grant-sets",
        "put",
        "support",
        "--grant",
        "category:billing=read",
    ]);
    both.good(&["grant-sets", "list"]);
    both.good(&["grant-sets", "show", "support", "--json"]);
    both.good(&["grant-sets", "show", "support"]);

    // The account's first keys are 0 to 3, so this is 4.
    let create = [
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--json",
        "--name",
        "Billing",
    ];
    let rest = [
        "--grant",
        "customer=read",
        "--grant",
        "category:billing=write",
        "--label",
        "team=a",
        "--expires",
        "90d",
        "--allow-ip",
        "203.0.113.7 100.10.38.0/24",
        "--note",
        "vault: billing",
    ];
    both.good(&[&create[..], &rest[..]].concat());
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--kind",
        "secret",
        "--mode",
        "live",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--from-grant-set",
        "support",
        "--enforcement",
        "shadow",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "org_1",
        "--mode",
        "live",
        "--grant",
        "balance=read",
        "--json",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--kind",
        "publishable",
        "--name",
        "Shop",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--connect-grant",
        "balance=read",
        "--allow-ip",
        "2001:db8::/32",
        "--ipv6",
        "--not-before",
        "2d",
    ]);

    for line in [
        &["keys", "list"][..],
        &["keys", "list", "--owner", "acct_shop", "--json"],
        &[
            "keys",
            "list",
            "--owner",
            "acct_shop",
            "--kind",
            "restricted",
            "--label",
            "team",
        ],
        &[
            "keys",
            "list",
            "--mode",
            "live",
            "--kind",
            "secret",
            "--kind",
            "publishable",
        ],
        &["keys", "list", "--status", "inactive"],
        &["keys", "list", "--expiring-within", "100d"],
        &["keys", "list", "--owner", "org_1", "--owner", "acct_two"],
        &["keys", "list", "--label", "no=such"],
    ] {
        both.good(line);
    }
    for number in 4..10 {
        let key = format!("${number}");
        both.good(&["keys", "show", &key]);
    }

    both.good(&[
        "keys",
        "edit",
        "$4",
        "--name",
        "New",
        "--note",
        "",
        "--label",
        "team=b",
        "--label",
        "x=y",
        "--grant",
        "charge=read",
        "--revoke",
        "customer",
    ]);
    both.good(&[
        "keys",
        "edit",
        "$4",
        "--unlabel",
        "x",
        "--enforcement",
        "shadow",
        "--json",
    ]);
    both.good(&["keys", "edit", "$6", "--grant", "balance=read"]);
    both.good(&["keys", "edit", "$6", "--from-grant-set", "support"]);
    both.good(&["keys", "edit", "$5", "--limit", "--grant", "customer=read"]);
    both.good(&["keys", "limit-ip", "$4", "add", "203.0.113.8"]);
    both.good(&["keys", "limit-ip", "$4", "remove", "100.10.38.0/24"]);
    both.good(&["keys", "limit-ip", "$5", "add", "203.0.113.8"]);
    both.good(&["keys", "limit-ip", "$4", "clear"]);
    both.good(&["keys", "expire", "$4", "--in", "30d"]);
    both.good(&["keys", "expire", "$4", "--never"]);
    both.good(&["keys", "expire", "$4", "--now"]);
    both.good(&["keys", "expire", "$4", "--never", "--revive"]);

    both.good(&["keys", "rotate", "$4", "--keep-for", "24h"]);
    both.good(&["keys", "rotate", "$5", "--now", "--json"]);
    both.good(&[
        "keys",
        "rotate",
        "$6",
        "--keep-for",
        "90s",
        "--expires",
        "30d",
    ]);
    both.good(&["keys", "rotate", "$8", "--now"]);
    for number in 4..9 {
        both.good(&["keys", "show", &format!("${number}")]);
    }
    both.good(&["keys", "duplicate", "$4", "--live", "--expires", "30d"]);
    let fresh = format!("rk_test_{}", "FAKEfresh0123456789abcdef".repeat(3));
    let import = [
        "keys",
        "import",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
        "--id",
        "mk_taken.in",
    ];
    let imported = both.run_with(&import, &[], &fresh);
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    let again = both.run_with(&import[..import.len() - 2], &[], &fresh);
    assert_eq!(again.code, Some(4));
    assert!(
        again.err.contains("is there already, as `mk_taken.in`"),
        "{}",
        again.err
    );
    both.good(&["keys", "show", "mk_taken.in", "--json"]);

    both.good(&["keys", "delete", "$9", "--yes"]);
    both.good(&["keys", "delete", "$7", "--yes", "--purge"]);
    both.good(&["keys", "list", "--all"]);
    both.good(&["keys", "list"]);
    let revoke = [
        "keys",
        "revoke",
        "--owner",
        "acct_shop",
        "--kind",
        "restricted",
    ];
    both.good(&[&revoke[..], &["--dry-run"]].concat());
    both.good(&[&revoke[..], &["--yes"]].concat());
    both.good(&["keys", "list", "--status", "deleted", "--json"]);

    both.good(&["accounts", "suspend", "acct_shop"]);
    both.good(&["keys", "list"]);
    both.good(&["accounts", "tree", "--json"]);
    both.good(&["accounts", "resume", "acct_shop"]);
    both.good(&["accounts", "move", "acct_two", "--root"]);
    both.good(&["accounts", "remove", "acct_two"]);
    both.good(&["accounts", "remove", "acct_shop", "--with-keys"]);
    both.good(&["grant-sets", "remove", "support"]);
    both.good(&["accounts", "tree"]);

    let values: Vec<&str> = both.values.iter().map(String::as_str).collect();
    assert!(values.len() > 20, "{}", values.len());
    // The values of publishable keys are public.
    let secret: Vec<&str> = values
        .into_iter()
        .filter(|value| !value.starts_with("pk_"))
        .collect();
    both.world.assert_nowhere(&secret);
    both.world.assert_nowhere(&[&fresh]);
}

#[test]
fn a_key_that_the_command_made_works_until_it_was_rotated_and_is_found_by_its_value() {
    let mut both = Both::start();
    let account = ["accounts", "add", "acct_shop", "--no-keys"];
    both.run_with(&account, POLICY, "");
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
        "--name",
        "Billing",
    ]);
    let [_, old] = <[String; 2]>::try_from(both.values.clone()).unwrap();
    let status = |both: &Both, key: &str| both.world.call(key, "GET", "/v1/customers", None).status;
    eventually("the key works", PROPAGATION, || {
        (status(&both, &old) == 200).then_some(())
    });

    // The leaked forms of the key: whole, in a URL, and masked.
    let end = old.get(old.len() - 4..).unwrap();
    let leaked = format!("see https://x.example/?key={old}&a=1 and rk_test_****{end}");
    let mut find = both.on_server();
    find.args(["keys", "find", "--key-stdin", "--json"]);
    let found = keyward_support::command::fed(&mut find, &leaked);
    let said = String::from_utf8(found.stdout).unwrap();
    assert_eq!(
        found.status.code(),
        Some(0),
        "{said}{}",
        String::from_utf8_lossy(&found.stderr)
    );
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["found"][0]["name"], "Billing");
    assert_eq!(found["found"].as_array().unwrap().len(), 1);
    assert_eq!(found["masked"][0]["may_be"][0]["name"], "Billing");
    assert!(!said.contains(&old));

    both.good(&["keys", "rotate", "$0", "--now"]);
    let new = both.values.last().unwrap().clone();
    eventually("the replacement works", PROPAGATION, || {
        (status(&both, &new) == 200).then_some(())
    });
    eventually("the old key has ended", PROPAGATION, || {
        (status(&both, &old) == 401).then_some(())
    });
    both.good(&["keys", "show", "$0"]);
    both.world.assert_nowhere(&[&old, &new]);
}
