//! Queries that expand: along the graph, beside it, and in every spelling.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::endpoint::ROWS;
use keyward::permission::PERMISSIONS;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::world::NOW;
use super::{ENOUGH, Shown, ask, builtin, check, wanted};
use crate::catalogue::graph::{self, Edge};
use crate::reference::{self, Request};
use crate::support::packed;

/// How many configurations there are by default.
const CASES: u32 = 160;

struct Graph {
    edges: Vec<Edge>,
    returns: Vec<(String, String, Vec<String>)>,
}

fn graph() -> &'static Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| Graph {
        edges: graph::edges(),
        returns: graph::returns(),
    })
}

/// One or two parameters for an endpoint, without the `?`.
pub(super) fn roll(dice: &mut Dice, method: &str, template: &str) -> Vec<u8> {
    let mut query = parameter(dice, method, template);
    if dice.one_in(4) {
        query = format!("{query}&{}", parameter(dice, method, template));
    }
    if dice.one_in(6) {
        query = format!("limit=3&created%5Bgte%5D=1&{query}&x");
    }
    let mut query = query.into_bytes();
    for _ in 0..dice.of(&[0, 0, 0, 0, 1, 3]) {
        let at = dice.below(query.len());
        match dice.below(4) {
            0 => query[at] = dice.byte(),
            1 => query.insert(at, dice.of(b"&;=%[].+?#\n\0 _-eE0")),
            2 => drop(query.remove(at)),
            _ => {
                let escaped = format!("%{:02x}", query[at]);
                query.splice(at..=at, escaped.into_bytes());
            }
        }
        if query.is_empty() {
            break;
        }
    }
    query
}

fn parameter(dice: &mut Dice, method: &str, template: &str) -> String {
    let path = path(dice, method, template);
    let names = [
        "expand[]",
        "expand%5B%5D",
        "expand[]",
        "expand",
        "expand[0]",
        "expand[12]",
        "%65xpand[%30]",
    ];
    let odd = [
        "Expand[]",
        "[expand][]",
        "+expand[]",
        "expand[][]",
        "expand[a]",
        "expand%255B%255D",
        "expand.0",
        "x=1;expand[]",
        "x=1%26expand[]",
        "x[expand][]",
        "expanded",
        "xexpand[]",
        "%c1%a5xpand[]",
        "expand%00[]",
        "q=a;b;%25",
        "q=grow+%26+expand",
        "expand[",
        "?expand",
        ";",
        "=expand[]",
        "e%CC%81xpand",
    ];
    let name = if dice.one_in(6) {
        dice.pick(&odd)
    } else {
        dice.pick(&names)
    };
    format!("{name}={path}")
}

/// A path down from what the endpoint returns, or nearly.
fn path(dice: &mut Dice, method: &str, template: &str) -> String {
    let method = if method == "HEAD" { "GET" } else { method };
    let known = graph()
        .returns
        .iter()
        .find(|(of, path, _)| of == method && path == template);
    let mut here: Vec<&str> = known
        .map(|(_, _, returned)| returned.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..1 + dice.below(4) {
        if here.is_empty() {
            break;
        }
        let object = dice.pick(&here);
        if let Some(element) = object.strip_prefix("list ") {
            names.push("data");
            here = vec![element];
            continue;
        }
        let fields: Vec<&Edge> = graph()
            .edges
            .iter()
            .filter(|edge| edge.object == object)
            .collect();
        if fields.is_empty() {
            break;
        }
        let edge = dice.pick(&fields);
        names.push(&edge.field);
        here = edge.targets.iter().map(String::as_str).collect();
    }
    let mut path = if names.is_empty() {
        dice.pick(&["customer", "data", "total_count", "data.customer"])
            .to_owned()
    } else {
        names.join(".")
    };
    if dice.one_in(7) {
        path = match dice.below(12) {
            0 => format!("data.{path}"),
            1 => format!("{path}.id"),
            2 => format!("{path}.total_count"),
            3 => path.replace("data.", ""),
            4 => path.to_uppercase(),
            5 => format!("{path}."),
            6 => format!("{path}%2Cid"),
            7 => path.replace('.', "%2E"),
            8 => path.replace('.', "%252E"),
            9 => String::new(),
            10 => format!("{path};expand[]=customer"),
            _ => path.replace('a', "%61"),
        };
    }
    path
}

const KEY: &str = "rk_test_FAKE-expand-1";

/// Stripe's catalogue, and a key with grants at home and on connected accounts.
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
            json!({"method": method, "path": row.path, "permission": "widget", "access": "read"})
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
