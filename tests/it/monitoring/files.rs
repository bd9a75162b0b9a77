//! The files of rules, cases and dashboards, without an Envoy.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::board;
use crate::support::find::root;

#[test]
fn every_alert_has_a_case_where_it_fires_and_one_where_it_does_not() {
    for (rules, cases) in [
        ("rules.yaml", "tests.yaml"),
        ("server.yaml", "server-tests.yaml"),
    ] {
        cover(&yaml(rules), &yaml(cases));
    }
}

pub(super) fn yaml(name: &str) -> Value {
    let text = fs::read_to_string(root().join("envoy/prometheus").join(name)).unwrap();
    serde_norway::from_str(&text).unwrap()
}

fn cover(rules: &Value, tests: &Value) {
    let (mut fires, mut rests) = (BTreeSet::new(), BTreeSet::new());
    for test in tests["tests"].as_array().unwrap() {
        for case in test["alert_rule_test"].as_array().unwrap() {
            let is_quiet = case["exp_alerts"].as_array().unwrap().is_empty();
            let seen = if is_quiet { &mut rests } else { &mut fires };
            seen.insert(case["alertname"].as_str().unwrap().to_owned());
        }
    }
    let all: BTreeSet<String> = rules["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["alert"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((&fires, &rests), (&all, &all));
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    for name in ["keyward.json", "keyward-server.json"] {
        apart(board(name)["panels"].as_array().unwrap());
    }
}

fn apart(panels: &[Value]) {
    let ids: BTreeSet<u64> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{}", panel["title"]);
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{}", panel["title"]);
            }
        }
        let has_text = panel["type"] == "row" || !panel["description"].as_str().unwrap().is_empty();
        assert!(has_text, "{}", panel["title"]);
    }
}
