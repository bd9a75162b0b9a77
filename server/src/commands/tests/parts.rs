//! A part of the records as a key file.

use keyward::management::{Key, KeyGrants};

use super::*;

#[test]
fn a_part_of_the_records_is_a_key_file_of_its_own() {
    let fixture = of_init();
    imported(&fixture, FILE).unwrap();
    let part = |owner: &str, is_tree: bool, without: Option<&str>| {
        let part = Part::of(Some(owner.to_owned()), is_tree, without);
        exported_part(&fixture, &part)
    };
    let ids = |text: &str| {
        let file = key_file(text);
        let accounts = file.accounts().map(|account| account.id.clone());
        let keys = file.keys().map(|key| key.id.clone());
        let sets = file.grant_sets().map(|(name, _)| name.to_owned());
        (
            accounts.collect::<Vec<_>>(),
            keys.collect::<Vec<_>>(),
            sets.collect::<Vec<_>>(),
        )
    };
    let whole = key_file(FILE);
    for (owner, is_tree) in [
        ("acct_1", false),
        ("org_1", false),
        ("org_1", true),
        ("acct_2", false),
    ] {
        let text = part(owner, is_tree, Some("acct_operator")).unwrap();
        let (accounts, keys, sets) = ids(&text);
        let account = |id: &str| whole.account(id).unwrap();
        let root = |id: &str| account(id).parent.clone().unwrap_or_else(|| id.to_owned());
        let is_in = |id: &str| id == owner || is_tree && root(id) == owner;
        let of_keys: Vec<&Key> = whole.keys().filter(|key| is_in(&key.owner)).collect();
        let expected: Vec<&str> = of_keys.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(keys, expected, "{owner}");
        // The accounts above it make the part a key file, which `ids` has read.
        for id in whole.accounts().map(|account| account.id.as_str()) {
            let is_above = account(owner).parent.as_deref() == Some(id);
            assert_eq!(
                accounts.iter().any(|there| there == id),
                is_in(id) || is_above,
                "{owner}: {id}"
            );
        }
        let follows = |name: &str| {
            let follows = |key: &&Key| {
                [&key.grants, &key.connect_grants]
                    .into_iter()
                    .flatten()
                    .any(|grants| *grants == KeyGrants::Set(name.to_owned()))
            };
            of_keys.iter().any(follows)
        };
        for (name, _) in whole.grant_sets() {
            assert_eq!(
                sets.iter().any(|there| there == name),
                follows(name),
                "{owner}: {name}"
            );
        }
        let other = of_init();
        imported(&other, &text).unwrap();
        // A part with the server's own rows is one as well.
        key_file(&part(owner, is_tree, None).unwrap());
    }
    let refused = |owner: &str, is_tree: bool| part(owner, is_tree, None).unwrap_err();
    assert!(matches!(refused("acct_9", false), Unwritten::NoAccount));
    assert!(matches!(refused("acct_1", true), Unwritten::NoRoot));
    // The operator's key holds what only the server's own rows define.
    let own = part("acct_operator", false, None).unwrap();
    assert!(own.contains("/v2/iam/api_keys"));
}
