//! Polls without a key, with another gateway's key, or with false claims: none of them changes the
//! server's answers.

use std::fs;

use keyward_harness::find::root;
use keyward_harness::http::Response;
use serde_json::{Value, json};

use crate::world::World;

/// Returns a filter's user agent.
fn agent(gateway: &str, vm: &str, revision: u64) -> String {
    format!("keyward/0.1.0 (gw={gateway}; vm={vm}; rev={revision}; state=ok)")
}

impl World {
    fn poll(&self, key: &str, agent: &str) -> Response {
        let agent = [("user-agent", agent)];
        self.call_with(key, "GET", "/feed/edge/head", None, &agent)
    }

    /// Returns the revision that a head leads to.
    fn served(&self, key: &str, name: &str) -> u64 {
        let asked = self.poll(key, &agent(name, "aaaa0001", 0));
        assert_eq!(asked.status, 200, "{}", asked.text());
        let text = asked.text();
        let head: Value = serde_json::from_str(text.splitn(3, '\n').nth(2).unwrap()).unwrap();
        head["revision"].as_u64().unwrap()
    }

    /// Makes a change, and returns how far it has come.
    fn change(&self) -> Value {
        let (id, _) = self.customer_key();
        self.expire(&id, 2)
    }
}

#[test]
fn who_polls_speaks_for_the_gateway_of_its_own_key_and_for_no_other() {
    let world = World::with_feed();
    world.account("acct_widgets");
    let (one, two) = (world.gateway_key("edge-1"), world.gateway_key("edge-2"));
    // No client has received a head yet.
    assert_eq!(world.change()["state"], "everywhere");
    // The server gives no head without a key, or to a key that lacks the permission.
    let (_, customers) = world.customer_key();
    assert_eq!(world.poll("", &agent("edge-1", "aaaa0001", 9)).status, 401);
    let (_, tenants) = world.key("acct_widgets", &["customer_read"]);
    for key in [&customers, &tenants] {
        let asked = world.poll(key, &agent("edge-1", "aaaa0001", 9));
        assert!(matches!(asked.status, 401 | 403), "{}", asked.text());
    }
    assert_eq!(world.change()["state"], "everywhere");
    assert_eq!(
        world.gateway_state("edge-1")["error"]["code"],
        "resource_missing"
    );

    // A VM of each gateway receives a head, and polls again with what it serves.
    for (key, name) in [(&one, "edge-1"), (&two, "edge-2")] {
        let served = world.served(key, name);
        world.poll(key, &agent(name, "aaaa0001", served));
    }
    let come = world.change();
    assert_eq!(come["state"], "published", "{come}");
    let confirm = |key: &str, name: &str| {
        let served = world.served(key, name);
        world.poll(key, &agent(name, "aaaa0001", served));
    };
    confirm(&one, "edge-1");
    let state = |wait| world.come(&come["change"], wait)["state"].clone();
    assert_eq!(state(0), "published", "the second has not asked since");
    // The first gateway's key cannot poll for the second, and no VM can serve a revision that was
    // never published.
    let served = world.served(&one, "edge-1");
    for (key, agent) in [
        (&two, agent("edge-2", "aaaa0001", served + 1_000)),
        (&one, agent("edge-2", "aaaa0001", served)),
    ] {
        world.poll(key, &agent);
        assert_eq!(state(0), "published", "{agent}");
    }
    confirm(&two, "edge-2");
    // A poll with the first gateway's key and another name may come from anyone. The server waits
    // for this client, as one of the first gateway's.
    assert_eq!(state(0), "published");
    let first = world.gateway_state("edge-1");
    assert_eq!(first["has_strangers"], json!(true), "{first}");
    assert_eq!(first["workers"]["all"], 2, "{first}");
    let second = world.gateway_state("edge-2");
    assert_eq!(second["state"], "serving", "{second}");
    assert_eq!(second["workers"]["all"], 1, "{second}");
    alerts_ask_for_metrics_that_are_there(&world);
    // The server does not forget a VM that still polls.
    let refused = world.api("DELETE", "/v2/keyward/gateways/edge-2", None);
    assert_eq!(
        refused.json()["error"]["code"],
        "gateway_in_use",
        "{}",
        refused.text()
    );
}

/// The server's metrics page contains the numbers that the shipped alerts use, and counts the
/// events above.
fn alerts_ask_for_metrics_that_are_there(world: &World) {
    let page = world.metrics();
    let rules = fs::read_to_string(root().join("envoy/prometheus/server.yaml")).unwrap();
    let asked = rules
        .lines()
        .filter(|line| line.trim_start().starts_with("expr:"));
    let board = fs::read_to_string(root().join("envoy/grafana/keyward-server.json")).unwrap();
    let shown = board
        .lines()
        .filter(|line| line.trim_start().starts_with("\"expr\":"));
    let names: Vec<&str> = asked
        .chain(shown)
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with("keyward_server_"))
        .collect();
    assert!(names.len() >= 25, "{names:?}");
    let documented = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    for name in names {
        let is_there = |line: &str| line.starts_with(name);
        assert!(page.lines().any(is_there), "`{name}` is not in:\n{page}");
        assert!(documented.contains(name), "`{name}` is not documented");
    }
    for line in [
        "keyward_server_gateways{state=\"serving\"} 1",
        "keyward_server_feed_polls_without_proof_total{reason=\"other_gateway\"} 1",
        "keyward_server_feed_polls_without_proof_total{reason=\"above\"} 1",
        "keyward_server_feed_key_expiring 0",
    ] {
        assert!(page.contains(line), "`{line}` is not in:\n{page}");
    }
}
