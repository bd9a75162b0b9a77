use serde_json::{Value, json};

use super::*;

fn configuration() -> Value {
    json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}, {"id": "acct_2"}],
        "grant_sets": {"support": {"customer": "read", "charge": "write"}},
        "endpoints": [{"method": "POST", "path": "/v1/widgets", "permission": "widget"}],
        "keys": [{
            "id": "mk_1", "sha256": "0".repeat(64), "kind": "restricted", "livemode": false, "owner": "acct_1",
            "grants": "support", "allowed_ips": ["203.0.113.7"], "expires_at": 1_795_168_800,
        }, {
            "id": "mk_2", "sha256": "1".repeat(64), "kind": "secret", "livemode": true, "owner": "acct_1",
        }],
    }})
}

fn source(json: &Value) -> Checked {
    Checked::read("x", json.to_string().as_bytes()).unwrap()
}

/// Asserts how the diff describes a change of one place of the configuration.
#[track_caller]
fn assert_changed(place: &str, value: Value, expected: &[&str]) {
    let before = configuration();
    let mut after = before.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    match (after.pointer_mut(parent).unwrap(), value) {
        (Value::Object(members), Value::Null) => {
            members.remove(name);
        }
        (Value::Object(members), value) => {
            members.insert(name.to_owned(), value);
        }
        (Value::Array(elements), Value::Null) => {
            elements.remove(name.parse().unwrap());
        }
        (Value::Array(elements), value) => elements.push(value),
        _ => panic!("{place}"),
    }
    let (before, after) = (source(&before), source(&after));
    let shown: Vec<String> = between(&before, &after)
        .iter()
        .map(|difference| {
            let Difference {
                subject,
                id,
                what,
                direction,
            } = difference;
            format!("{direction:?}: {subject} {id} {what}")
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_same_has_no_difference_whatever_its_revision() {
    assert_changed("/snapshot/revision", json!(8), &[]);
    assert_changed("/snapshot/keys/0/annotations", json!({"team": "x"}), &[]);
    let inline = json!({"rak_customer": "read", "charge": "write"});
    assert_changed("/snapshot/keys/0/grants", inline, &[]);
}

#[test]
fn permissions_are_gained_and_lost() {
    assert_changed(
        "/snapshot/grant_sets/support",
        json!({"customer": "write", "balance": "read"}),
        &[
            "More: key mk_1 gains read on balance, write on customer",
            "Less: key mk_1 loses write on charge",
        ],
    );
    assert_changed(
        "/snapshot/keys/0/grants",
        json!({"customer": "read", "charge": "read"}),
        &["Less: key mk_1 loses write on charge, but may still read it"],
    );
    assert_changed(
        "/snapshot/keys/0/connect_grants",
        json!({"balance": "read"}),
        &["More: key mk_1 gains read on balance on connected accounts"],
    );
    assert_changed(
        "/snapshot/keys/1/grants",
        json!({"balance": "read"}),
        &[
            "Less: key mk_2 may no longer do everything, only read balance",
            "Less: key mk_2 may no longer do everything on connected accounts, only do nothing",
        ],
    );
}

#[test]
fn addresses_times_and_states_change() {
    let key = "/snapshot/keys/0";
    let at = |name: &str| format!("{key}/{name}");
    assert_changed(
        &at("allowed_ips"),
        json!(["198.51.100.0/24"]),
        &[
            "More: key mk_1 works from 198.51.100.0/24",
            "Less: key mk_1 no longer works from 203.0.113.7",
        ],
    );
    assert_changed(
        &at("allowed_ips"),
        Value::Null,
        &["More: key mk_1 works from every address"],
    );
    assert_changed(
        &at("expires_at"),
        json!(1_795_168_900),
        &["More: key mk_1 expires at 2026-11-20T10:01:40Z, and did at 2026-11-20T10:00:00Z"],
    );
    assert_changed(
        &at("expires_at"),
        Value::Null,
        &["More: key mk_1 no longer expires"],
    );
    assert_changed(
        &at("status"),
        json!("deleted"),
        &["Less: key mk_1 is deleted"],
    );
    assert_changed(
        &at("enforcement"),
        json!("shadow"),
        &["More: key mk_1 is in shadow: what it may not do passes and is noted"],
    );
    assert_changed(
        &at("owner"),
        json!("acct_2"),
        &["Other: key mk_1 now belongs to acct_2, and did to acct_1"],
    );
    assert_changed(
        &at("sha256"),
        json!("2".repeat(64)),
        &["Other: key mk_1 has another value: the old one is unknown now"],
    );
}

#[test]
fn keys_accounts_endpoints_and_settings_come_and_go() {
    assert_changed(
        "/snapshot/keys/1",
        Value::Null,
        &["Less: key mk_2 is gone; a request with it is denied as unknown"],
    );
    let new = json!({"id": "mk_3", "sha256": "3".repeat(64), "kind": "restricted", "livemode": true,
                     "owner": "acct_2", "grants": {"charge": "read"}, "allowed_ips": ["203.0.113.7"]});
    assert_changed(
        "/snapshot/keys/-",
        new,
        &[
            "More: key mk_3 is new: a live restricted key of acct_2, which may read charge, and on connected accounts do nothing, from 203.0.113.7",
        ],
    );
    assert_changed(
        "/snapshot/accounts/1/parent",
        Value::Null,
        &["Other: account acct_1 moves: it is now at the root, and was below org_1"],
    );
    assert_changed(
        "/snapshot/accounts/1/status",
        json!("suspended"),
        &["Less: account acct_1 is suspended"],
    );
    assert_changed(
        "/snapshot/accounts/2",
        Value::Null,
        &["Less: account acct_2 is gone"],
    );
    assert_changed(
        "/snapshot/endpoints/0/access",
        json!("read"),
        &[
            "Other: endpoint POST /v1/widgets now asks for read on widget; before it asks for write on widget",
        ],
    );
    assert_changed(
        "/serve_mode",
        json!("live"),
        &["Other: setting serve_mode is now \"live\""],
    );
    assert_changed(
        "/snapshot/catalogue",
        json!("none"),
        &["Other: setting catalogue is now \"none\""],
    );
}
