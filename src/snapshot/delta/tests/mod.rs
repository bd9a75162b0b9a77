mod alike;
mod ways;

use serde_json::{Value, json};

use super::*;
use crate::profile::Profile;
use crate::snapshot::Snapshot;

/// Returns a state to start from: two platforms below an organization, a set, and keys with every
/// kind of grants.
fn start() -> Value {
    json!({
        "format": "keyward.snapshot/v1", "revision": 10, "issued_at": 1_796_000_000_u64,
        "catalogue": "none",
        "endpoints": [
            {"method": "GET", "path": "/a", "permission": "alpha"},
            {"method": "GET", "path": "/b", "permission": "beta"},
        ],
        "accounts": [
            {"id": "org_1"},
            {"id": "acct_1", "parent": "org_1"},
            {"id": "acct_2", "parent": "acct_1"},
            {"id": "acct_3"},
        ],
        "grant_sets": {"readers": {"alpha": "read"}, "writers": {"beta": "write"}},
        "keys": [
            key("mk_a", 1, "acct_1", json!("readers")),
            key("mk_b", 2, "acct_2", json!({"beta": "read"})),
            key("mk_c", 3, "acct_3", json!("writers")),
        ],
    })
}

fn key(id: &str, digest: u8, owner: &str, grants: Value) -> Value {
    json!({
        "id": id, "sha256": hex(digest), "kind": "restricted", "livemode": true,
        "owner": owner, "grants": grants,
    })
}

/// Returns a digest. The digests are spread over the shards.
fn hex(digest: u8) -> String {
    format!("{:02x}", digest.wrapping_mul(37)).repeat(32)
}

fn digest(number: u8) -> KeyDigest {
    KeyDigest::from_hex(&hex(number)).unwrap()
}

fn profile() -> Profile {
    Profile::stripe()
}

fn packed(state: &Value) -> Packed {
    Packed::from_json(state.to_string().as_bytes(), &profile()).unwrap()
}

fn snapshot(state: &Value) -> Snapshot {
    packed(state).snapshot(&profile(), Trust::Nothing).unwrap()
}

/// Applies `change` to a state, and increments its revision.
fn later(state: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut after = state.clone();
    after["revision"] = json!(state["revision"].as_u64().unwrap() + 1);
    change(&mut after);
    after
}

/// Returns the delta between two states, written and read again.
fn between(before: &Value, after: &Value) -> Delta {
    let touched = Touched::between(&snapshot(before), &snapshot(after));
    written(before, after, &touched)
}

fn written(before: &Value, after: &Value, touched: &Touched) -> Delta {
    let from = snapshot(before).revision();
    let bytes = Delta::write(&packed(after), touched, from).unwrap();
    Delta::read(&bytes).unwrap()
}

/// Applies the delta between two states to the first, and compares the result with the second.
fn applied(before: &Value, after: &Value) -> Snapshot {
    let made = snapshot(before)
        .apply(&between(before, after), &profile())
        .unwrap();
    assert_same(&made, after);
    made
}

fn assert_same(made: &Snapshot, state: &Value) {
    let built = snapshot(state);
    assert_eq!(made.revision(), built.revision());
    assert_eq!(Touched::between(made, &built), Touched::default());
    assert_eq!(made.key_count(), built.key_count());
    assert_eq!(made.accounts().len(), built.accounts().len());
    let ids = |of: &Snapshot| -> Vec<String> {
        let all = of.accounts().iter();
        all.map(|account| account.id().to_owned()).collect()
    };
    assert_eq!(ids(made), ids(&built));
    let told = |of: &Snapshot| -> Vec<String> {
        of.keys()
            .map(|(digest, key)| {
                let owner = of.accounts().account(key.owner()).unwrap().id();
                let names = |grants: Option<&crate::permission::Grants>| {
                    grants.map(|grants| {
                        let name = |(permission, level)| {
                            (of.permissions().name(permission).to_owned(), level)
                        };
                        grants.iter().map(name).collect::<Vec<_>>()
                    })
                };
                let grants = (names(key.grants()), names(key.connect_grants()));
                let user = of.user_id(&digest);
                format!("{digest} {owner} {grants:?} {user:?} {:?}", key.named())
                    .replace(&format!("{:?}", key.owner()), "")
            })
            .collect()
    };
    assert_eq!(told(made), told(&built));
}

#[test]
fn a_key_comes_changes_and_goes() {
    let start = start();
    let more = later(&start, |it| {
        let keys = it["keys"].as_array_mut().unwrap();
        keys.push(key("mk_d", 4, "acct_1", json!({"alpha": "write"})));
        keys[0]["status"] = json!("deleted");
        keys[1]["allowed_ips"] = json!(["10.0.0.0/8", "2001:db8::/32"]);
        keys[1]["expires_at"] = json!(1_800_000_000);
        keys[1]["annotations"] = json!({"user_id": "u-7"});
    });
    let made = applied(&start, &more);
    assert!(made.key(&digest(1)).unwrap().is_deleted());
    assert_eq!(made.user_id(&digest(2)), Some("u-7"));
    let fewer = later(&more, |it| {
        let keys = it["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["id"] == "mk_c");
    });
    let made = made.apply(&between(&more, &fewer), &profile()).unwrap();
    assert_same(&made, &fewer);
    assert_eq!(made.key_count(), 1);
    for gone in [1, 2, 4] {
        assert!(made.key(&digest(gone)).is_none());
    }
    // A key that the base does not have leaves no trace.
    assert_eq!(made.overlay.len(), 2);
}

#[test]
fn an_account_that_is_suspended_is_seen_by_keys_of_the_base() {
    let start = start();
    let after = later(&start, |it| {
        it["accounts"][1]["status"] = json!("suspended");
    });
    let delta = between(&start, &after);
    assert_eq!(delta.records.keys().len(), 0);
    let made = snapshot(&start).apply(&delta, &profile()).unwrap();
    assert_same(&made, &after);
    let key = made.key(&digest(1)).unwrap();
    assert!(made.accounts().account(key.owner()).unwrap().is_suspended());
    let again = later(&after, |it| {
        it["accounts"][1]["status"] = json!("active");
    });
    let made = made.apply(&between(&after, &again), &profile()).unwrap();
    assert_same(&made, &again);
}

#[test]
fn accounts_come_move_and_go_and_paths_follow() {
    let start = start();
    let more = later(&start, |it| {
        let accounts = it["accounts"].as_array_mut().unwrap();
        accounts.push(json!({"id": "acct_0", "parent": "acct_2"}));
        accounts.push(json!({"id": "acct_9", "parent": "acct_0", "children": "any"}));
        it["keys"]
            .as_array_mut()
            .unwrap()
            .push(key("mk_d", 4, "acct_9", json!("readers")));
    });
    let made = applied(&start, &more);
    let reaches = |made: &Snapshot, path: &str| {
        let organization = made.accounts().find("org_1").unwrap();
        let ids = &profile().names().ids.clone();
        let path = crate::account::AccountPath::parse(path, ids).unwrap();
        made.accounts().reaches(organization, path, |_| true)
    };
    assert!(reaches(&made, "acct_1/acct_2/acct_0/acct_9/acct_x"));
    let moved = later(&more, |it| {
        it["accounts"][2]["parent"] = json!("org_1");
    });
    let made = made.apply(&between(&more, &moved), &profile()).unwrap();
    assert_same(&made, &moved);
    assert!(reaches(&made, "acct_2/acct_0"));
    assert!(!reaches(&made, "acct_1/acct_2"));
    let fewer = later(&moved, |it| {
        let accounts = it["accounts"].as_array_mut().unwrap();
        accounts.retain(|account| account["id"] != "acct_9" && account["id"] != "acct_3");
        let keys = it["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["id"] != "mk_d");
        keys[2]["owner"] = json!("acct_0");
    });
    let made = made.apply(&between(&moved, &fewer), &profile()).unwrap();
    assert_same(&made, &fewer);
    assert!(made.accounts().find("acct_9").is_none());
    assert!(made.accounts().find("acct_3").is_none());
    // An account that returns has its number again.
    let back = later(&fewer, |it| {
        let accounts = it["accounts"].as_array_mut().unwrap();
        accounts.push(json!({"id": "acct_9"}));
    });
    let made = made.apply(&between(&fewer, &back), &profile()).unwrap();
    assert_same(&made, &back);
}

#[test]
fn a_key_whose_account_a_delta_took_away_is_unknown() {
    let start = start();
    let touched = Touched {
        accounts: ["acct_3".to_owned()].into(),
        ..Touched::default()
    };
    // No publisher writes this: the account's key is not touched.
    let after = later(&start, |it| {
        let accounts = it["accounts"].as_array_mut().unwrap();
        accounts.retain(|account| account["id"] != "acct_3");
        let keys = it["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["owner"] != "acct_3");
    });
    let delta = written(&start, &after, &touched);
    let made = snapshot(&start).apply(&delta, &profile()).unwrap();
    assert!(made.key(&digest(3)).is_none());
    assert!(made.key(&digest(1)).is_some());
}

#[test]
fn a_grant_set_changes_for_keys_of_base_and_overlay() {
    let start = start();
    let more = later(&start, |it| {
        it["grant_sets"]["own"] = json!({"alpha": "write"});
        let keys = it["keys"].as_array_mut().unwrap();
        keys.push(key("mk_d", 4, "acct_1", json!("readers")));
        keys.push(key("mk_e", 5, "acct_1", json!("own")));
    });
    let made = applied(&start, &more);
    let after = later(&more, |it| {
        it["grant_sets"]["readers"] = json!({"beta": "write"});
        it["grant_sets"]["own"] = json!({});
    });
    let delta = between(&more, &after);
    assert_eq!(delta.records.keys().len(), 0);
    let made = made.apply(&delta, &profile()).unwrap();
    assert_same(&made, &after);
    let beta = made.permissions().find("beta").unwrap();
    for number in [1, 4] {
        let key = made.key(&digest(number)).unwrap();
        let grants = key.grants().unwrap();
        assert!(grants.allow(beta, crate::permission::AccessLevel::Write));
    }
    assert!(made.key(&digest(5)).unwrap().grants().unwrap().is_empty());
    let gone = later(&after, |it| {
        it["grant_sets"].as_object_mut().unwrap().remove("readers");
        let keys = it["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["grants"] != "readers");
    });
    let made = made.apply(&between(&after, &gone), &profile()).unwrap();
    assert_same(&made, &gone);
}

#[test]
fn a_set_that_is_gone_leaves_no_key_without_limits() {
    let start = start();
    let touched = Touched {
        grant_sets: ["readers".to_owned()].into(),
        ..Touched::default()
    };
    let after = later(&start, |it| {
        it["grant_sets"].as_object_mut().unwrap().remove("readers");
        it["keys"].as_array_mut().unwrap().remove(0);
    });
    let delta = written(&start, &after, &touched);
    let made = snapshot(&start).apply(&delta, &profile()).unwrap();
    assert!(made.key(&digest(1)).is_none());
}

#[test]
fn new_endpoints_replace_the_old_ones_and_every_grant_keeps_its_name() {
    let start = start();
    let more = later(&start, |it| {
        let keys = it["keys"].as_array_mut().unwrap();
        keys.push(key(
            "mk_d",
            4,
            "acct_1",
            json!({"alpha": "read", "beta": "write"}),
        ));
    });
    let made = applied(&start, &more);
    // In this order, the permissions have other numbers.
    let after = later(&more, |it| {
        it["endpoints"] = json!([
            {"method": "GET", "path": "/g", "permission": "gamma"},
            {"method": "GET", "path": "/b", "permission": "beta"},
            {"method": "GET", "path": "/a", "permission": "alpha"},
        ]);
        it["api_versions"] = json!(["2026-10-28.endive"]);
    });
    let delta = between(&more, &after);
    assert_eq!(delta.records.keys().len(), 0);
    let made = made.apply(&delta, &profile()).unwrap();
    assert_same(&made, &after);
    assert!(!made.serves_version("2025-01-01"));
    // A permission that no endpoint asks for is unknown. A key that had it does not exist until a
    // delta changes it.
    let less = later(&after, |it| {
        it["endpoints"].as_array_mut().unwrap().remove(1);
        it["grant_sets"].as_object_mut().unwrap().remove("writers");
        let keys = it["keys"].as_array_mut().unwrap();
        keys.retain(|key| key["id"] == "mk_a");
    });
    let untouched = Touched {
        contract: true,
        ..Touched::default()
    };
    let careless = written(&after, &less, &untouched);
    let made = made.apply(&careless, &profile()).unwrap();
    assert!(made.key(&digest(1)).is_some());
    for number in [2, 3, 4] {
        assert!(made.key(&digest(number)).is_none(), "{number}");
    }
}

#[test]
fn the_catalogue_changes_and_nothing_that_was_implied_stays() {
    let mut start = start();
    start["catalogue"] = json!("stripe");
    start["keys"][0]["grants"] = json!({"rak_charge": "write"});
    let made = snapshot(&start);
    assert!(made.key(&digest(1)).is_some());
    let after = later(&start, |it| it["catalogue"] = json!("none"));
    applied(&start, &after);
    let back = later(&after, |it| it["catalogue"] = json!("stripe"));
    applied(&after, &back);
}
