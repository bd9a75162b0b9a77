//! A server rejects what a key file rejects, with the same message and the same exit code.

use super::both::Both;

#[test]
fn what_a_file_refuses_a_server_refuses_in_the_same_words() {
    let mut both = Both::start();
    let policy = ["--policy", "operator"];
    both.run_with(&["accounts", "add", "acct_shop", "--no-keys"], &policy, "");
    both.run_with(&["accounts", "add", "org_1"], &[], "");
    both.run_with(
        &[
            "accounts",
            "add",
            "acct_two",
            "--no-keys",
            "--parent",
            "org_1",
        ],
        &policy,
        "",
    );
    both.good(&["grant-sets", "put", "support", "--grant", "customer=read"]);
    // 0 is restricted, 1 secret, 2 publishable, 3 has a set, 4 is replaced by 5, 6 is deleted, 7
    // has an expiry, 8 has ended.
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
        "--name",
        "Billing",
        "--allow-ip",
        "203.0.113.7",
    ]);
    both.good(&["keys", "create", "--owner", "acct_shop", "--kind", "secret"]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--kind",
        "publishable",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--from-grant-set",
        "support",
    ]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
    ]);
    both.good(&["keys", "rotate", "$4", "--keep-for", "1h"]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_two",
        "--grant",
        "customer=read",
    ]);
    both.good(&["keys", "delete", "$6", "--yes"]);
    both.good(&[
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--expires",
        "90d",
        "--mode",
        "live",
    ]);
    both.good(&["keys", "create", "--owner", "acct_shop"]);
    both.good(&["keys", "expire", "$8", "--now"]);
    let create = "keys create --owner acct_shop";
    let table: &[(&str, &str)] = &[
        ("keys show mk_none", "there is no key `mk_none`"),
        (
            "keys show Billing",
            "a key is named by its id; of that name",
        ),
        ("keys edit mk_none --name x", "there is no key"),
        ("keys delete mk_none --yes", "there is no key"),
        ("keys list --owner acct_shap", "did you mean `acct_shop`?"),
        ("keys create --owner acct_shap", "did you mean `acct_shop`?"),
        (
            "keys create --owner org_1 --kind secret",
            "an organization has only organization keys",
        ),
        (
            "keys create --owner acct_shop --kind organization",
            "belongs to an organization",
        ),
        (
            "keys create --owner acct_shop --grant custmer=read",
            "did you mean `customer`?",
        ),
        (
            "keys create --owner acct_shop --grant customers=read",
            "needs `customer`",
        ),
        (
            "keys create --owner acct_shop --grant category:biling=read",
            "did you mean `billing`?",
        ),
        (
            "keys create --owner acct_shop --grant balance=write",
            "has no level `write`",
        ),
        (
            "keys create --owner acct_shop --from-grant-set nosuch",
            "there is no grant set `nosuch`; `keyward grant-sets list`",
        ),
        (
            "keys create --owner acct_shop --expires 2020-01-01T00:00:00Z",
            "that expiry is in the past",
        ),
        (
            "keys create --owner acct_shop --expires 1d --not-before 2d",
            "before it begins to work",
        ),
        (
            "keys create --owner acct_shop --allow-ip 203.0.113.7/24",
            "did you mean `203.0.113.0/24`?",
        ),
        (
            "keys create --owner acct_shop --allow-ip 0.0.0.0/0",
            "is every address",
        ),
        (
            "keys create --owner acct_shop --allow-ip 2001:db8::1",
            "is IPv6",
        ),
        (
            "keys create --owner acct_shop --allow-ip 1.2.3.4,1.2.3.5",
            "separated by blanks",
        ),
        (
            "keys create --owner acct_shop --kind publishable --grant customer=read",
            "has no grants",
        ),
        (
            "keys create --owner acct_shop --kind publishable --allow-ip 203.0.113.7",
            "has no IP limit",
        ),
        ("keys edit $0 --revoke charge", "`charge` is not granted"),
        ("keys edit $0 --unlabel team", "it has no such label"),
        ("keys edit $1 --grant customer=read", "with --limit"),
        (
            "keys edit $1 --revoke customer",
            "has no list of permissions",
        ),
        (
            "keys edit $2 --grant customer=read",
            "is a publishable key and has no grants",
        ),
        (
            "keys edit $6 --grant charge=read",
            "is deleted, and grants do not change that",
        ),
        (
            "keys limit-ip $0 remove 203.0.113.9",
            "is not among its limits",
        ),
        (
            "keys limit-ip $0 remove 203.0.113.7",
            "would work from everywhere",
        ),
        ("keys limit-ip $0 add", "name at least one address"),
        ("keys limit-ip $0 clear 203.0.113.7", "takes no addresses"),
        ("keys limit-ip $2 set 203.0.113.7", "is a publishable key"),
        (
            "keys limit-ip $6 set 203.0.113.7",
            "is deleted and works from nowhere",
        ),
        (
            "keys expire $6 --never",
            "is deleted, which an expiry does not change",
        ),
        ("keys expire $8 --in 90d", "give --revive if you mean it"),
        (
            "keys expire $4 --never",
            "was replaced, and ends within 7 days",
        ),
        ("keys rotate $4 --now", "was replaced already"),
        (
            "keys rotate $6 --now",
            "is deleted and needs no replacement",
        ),
        (
            "keys rotate $7 --now",
            "has an expiry: say when its replacement ends",
        ),
        (
            "keys duplicate $1",
            "only restricted keys can be duplicated",
        ),
        ("keys duplicate $7 --live", "is a live key already"),
        ("keys delete $2 --yes", "cannot be deleted"),
        ("keys delete $6 --yes", "is deleted already"),
        ("accounts add acct_shop", "is listed already"),
        (
            "accounts add acct_new --parent acct_none",
            "there is no account `acct_none`",
        ),
        (
            "accounts move acct_none --root",
            "there is no account `acct_none`",
        ),
        (
            "accounts move acct_two --parent acct_two",
            "cannot be moved below itself",
        ),
        ("accounts remove acct_shop", "keys in use"),
        ("accounts remove org_1", "is below `org_1`"),
        ("accounts suspend acct_none", "there is no account"),
        ("grant-sets remove support", "is used by"),
        ("grant-sets remove nosuch", "there is no grant set `nosuch`"),
        ("grant-sets show suport", "did you mean `support`?"),
        (
            "grant-sets put support --grant custmer=read",
            "did you mean `customer`?",
        ),
    ];
    for (line, expected) in table {
        assert!(line.starts_with(create) || !line.is_empty());
        let said = both.refused(4, &line.split(' ').collect::<Vec<_>>());
        assert!(said.contains(expected), "{line}: {said}");
    }
    for line in [
        "keys delete $0",
        "keys rotate $0",
        "keys revoke --owner acct_shop",
    ] {
        let said = both.refused(2, &line.split(' ').collect::<Vec<_>>());
        assert!(
            said.contains("there is no terminal to ask on"),
            "{line}: {said}"
        );
    }
    let said = both.refused(1, &["keys", "revoke", "--label", "no=such", "--yes"]);
    assert!(said.contains("no key to delete fits"), "{said}");
    let import = ["keys", "import", "--owner", "acct_shop"];
    for (value, expected) in [
        ("rk_test_", "nothing follows the key's prefix"),
        ("rk_test_short", "so little follows"),
        ("zz_test_FAKE-alice-0001", "no prefix of this API's keys"),
        ("a b", "does not contain a key"),
    ] {
        let same = both.run_with(&import, &[], value);
        assert_eq!(same.code, Some(4), "{value}");
        assert!(same.err.contains(expected), "{value}: {}", same.err);
    }
}

/// What only a server rejects, and what does not apply to a server.
#[test]
fn what_only_a_server_refuses_says_what_to_do() {
    let both = Both::start();
    let said = |line: &[&str]| {
        let said: keyward_support::command::Said =
            both.on_server().args(line).output().unwrap().into();
        assert_ne!(said.code, Some(0), "{line:?}");
        said.err
    };
    let add = both
        .on_server()
        .args(["accounts", "add", "acct_shop", "--no-keys"])
        .output()
        .unwrap();
    assert!(add.status.success());
    let create = [
        "keys",
        "create",
        "--owner",
        "acct_shop",
        "--grant",
        "customer=read",
    ];
    let refused = said(&create);
    assert!(
        refused.contains("The key policy 'default' does not allow this"),
        "{refused}"
    );
    assert!(refused.contains("--override-policy"), "{refused}");
    let made = both
        .on_server()
        .args(create)
        .args(["--override-policy", "a first key"])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let refused = said(&["accounts", "add", "shop"]);
    assert!(
        refused.contains("An account has an id with the prefix"),
        "{refused}"
    );
    let refused = said(&["accounts", "add", "acct_new", "--policy", "nosuch"]);
    assert!(
        refused.contains("No such key policy: 'nosuch'"),
        "{refused}"
    );
    let refused = said(&["keys", "create", "--owner", "acct_shop", "--file", "a.toml"]);
    assert!(refused.contains("a server has none"), "{refused}");
    // Commands that work on a key file only.
    for line in [
        &["push", "--server", "unix:/x"][..],
        &["snapshot", "check", "--server", "unix:/x"],
        &["audit", "--server", "unix:/x", "log"],
    ] {
        let refused = said(line);
        assert!(
            refused.contains("does not work on a server"),
            "{line:?}: {refused}"
        );
    }
    // Neither does the command ignore a variable, unless an argument names its subject or it needs
    // no keys.
    let with_variable = |line: &[&str]| {
        let output = both.on_server().args(line).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for (line, is_refused) in [
        (&["push", "--ecds", "x.json"][..], true),
        (&["snapshot", "build"], true),
        (&["audit", "nosuch.log"], true),
        (&["explain", "GET", "/v1/customers"], true),
        (&["snapshot", "build", "--keys", "nosuch.toml"], false),
        (&["snapshot", "check", "nosuch.json"], false),
        (&["snapshot", "diff", "nosuch.json", "nosuch.json"], false),
        (
            &["audit", "--configuration", "nosuch.json", "nosuch.log"],
            false,
        ),
        (&["logs", "nosuch.log"], false),
    ] {
        let said = with_variable(line);
        assert_eq!(
            said.contains("KEYWARD_SERVER is set"),
            is_refused,
            "{line:?}: {said}"
        );
    }
    // A key that may not manage keys, and a text that is not a key.
    let (_, weak) = {
        both.world.account("acct_widgets");
        both.world.key("acct_widgets", &["customer_read"])
    };
    for (key, expected) in [
        (weak.as_str(), "insufficient_permission"),
        ("rk_live_FAKE-nobody-0001", "unknown_key"),
    ] {
        let refused = keyward_harness::eventually(
            "the gateway knows the key",
            crate::world::PROPAGATION,
            || {
                let output = both
                    .on_server()
                    .env("KEYWARD_API_KEY", key)
                    .args(["keys", "list"])
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(4), "{text}");
                text.contains(expected).then_some(text)
            },
        );
        assert!(
            refused.contains("the gateway denies the API key"),
            "{refused}"
        );
        assert!(!refused.contains(key), "the key is repeated");
    }
    let refused = both
        .on_server()
        .env_remove("KEYWARD_API_KEY")
        .args(["keys", "list"])
        .output()
        .unwrap();
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.contains("KEYWARD_API_KEY"), "{refused}");
}
