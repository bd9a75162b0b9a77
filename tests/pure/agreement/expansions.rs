//! A key needs the permissions for what a query expands exactly when the reference requires them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::endpoint::ROWS;
use keyward::permission::PERMISSIONS;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{ENOUGH, check, wanted};
use crate::reference::{self, Request};
use crate::support::packed;
use keyward_reference::asking::{Shown, ask, builtin};
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::expanding::roll;
use keyward_reference::worlds::world::NOW;

/// The default number of configurations.
const CASES: u32 = 160;

const KEY: &str = "rk_test_FAKE-expand-1";

/// Returns Stripe's catalogue, and a key with grants on its own account and on connected accounts.
fn configuration(dice: &mut Dice) -> Value {
    let grants = |dice: &mut Dice| {
        let share = 2 + dice.below(8);
        let mut grants = Map::new();
        for known in PERMISSIONS {
            if !dice.one_in(share) {
                grants.insert(known.name.to_owned(), json!(dice.pick(&["write", "read"])));
            }
        }
        Value::Object(grants)
    };
    let own: Vec<Value> = (0..dice.below(3))
        .map(|_| {
            let row = &ROWS[dice.below(ROWS.len())];
            let method = format!("{:?}", row.method).to_uppercase();
            json!({
                "method": method, "path": row.path, "permission": "widget", "access": "read",
                "expansions": {
                    dice.pick(&["data.customer", "customer", "total_count"]).to_string(): "connected_account",
                    "data.*": "gadget",
                    "*": "customer",
                },
            })
        })
        .collect();
    let (here, there) = (grants(dice), grants(dice));
    json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": NOW,
        "accounts": [{"id": "acct_1"}, {"id": "acct_2", "parent": "acct_1"}],
        "endpoints": own,
        "keys": [{
            "id": "mk_1", "sha256": KeyDigest::of(KEY.as_bytes()).to_string(), "kind": "restricted", "livemode": false, "owner": "acct_1",
            "grants": here, "connect_grants": there,
        }],
    }})
}

fn request(dice: &mut Dice) -> Request {
    let row = &ROWS[dice.below(ROWS.len())];
    let method = format!("{:?}", row.method).to_uppercase();
    let segments = row.path.split('/').map(|segment| match segment {
        "{*rest}" => "x/y",
        parameter if parameter.starts_with('{') => "x_1",
        literal => literal,
    });
    let mut path = segments.collect::<Vec<_>>().join("/").into_bytes();
    path.push(b'?');
    path.extend(roll(dice, &method, row.path));
    let mut headers = vec![("authorization", format!("Bearer {KEY}"))];
    if dice.one_in(3) {
        headers.push(("stripe-context", "acct_2".to_owned()));
    }
    Request {
        method: method.into_bytes(),
        path,
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.into(), value.into_bytes()))
            .collect(),
        has_body: false,
        address: None,
        now: NOW,
    }
}

#[test]
fn what_is_expanded_is_held_to_a_key_as_the_reference_does() {
    let builtin = builtin();
    let met = RefCell::new(BTreeMap::new());
    check(CASES, |tape, tapes| {
        let json = configuration(&mut Dice::new(tape));
        let text = json.to_string();
        let configuration = Configuration::from_json(text.as_bytes()).unwrap();
        let packed = packed(&text).map(|bytes| Configuration::read(&bytes).unwrap());
        for tape in tapes {
            let request = request(&mut Dice::new(tape));
            let (actual, _) = ask(&configuration, &request);
            let expected = reference::decide(&json, &builtin, &request);
            prop_assert_eq!(&actual, &expected, "\n{:#?}\n{}", Shown(&request), json);
            if let Some(packed) = &packed {
                prop_assert_eq!(&ask(packed, &request).0, &expected);
            }
            let reason = actual.reason.unwrap_or_else(|| "allow".to_owned());
            *met.borrow_mut().entry(reason).or_insert(0) += 1;
        }
        Ok(())
    });
    let met = met.into_inner();
    println!("{met:#?}");
    let is_whole = wanted().is_none_or(|cases| cases >= CASES);
    for reason in ["allow", "insufficient_permission", "unknown_expansion"] {
        let count = met.get(reason).copied().unwrap_or(0);
        assert!(!is_whole || count >= 50 * ENOUGH, "{reason}: {count}");
    }
}
