//! Gateways that follow the server's feed in real Envoys, each with its own key.

mod beside;
mod clock;
pub(crate) mod edge;
mod forget;
mod kills;
mod latest;
mod load;
mod mirrors;
mod rotation;
mod socket;
mod strangers;
mod volume;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use keyward_harness::{BOUND, Relay, eventually};
use keyward_support::command::{Said, fed};
use serde_json::{Value, json};

use crate::world::World;
use edge::{Edge, ask, feed};

impl World {
    fn with_feed() -> Self {
        Self::start_with(|data| feed(data, ""))
    }

    /// Makes the key of a gateway, and returns its value.
    fn gateway_key(&self, gateway: &str) -> String {
        let body = json!({
            "type": "secret_key", "permissions": ["snapshot_read"],
            "keyward": {
                "owner": "acct_operator", "livemode": true, "labels": {"gateway": gateway},
                "override_policy": true, "reason": "a gateway's key",
            },
        });
        let made = self.api("POST", "/v2/iam/api_keys", Some(body));
        assert_eq!(made.status, 200, "{}", made.text());
        let value = made.json()["secret_key"]["token"]
            .as_str()
            .unwrap()
            .to_owned();
        eventually("the gateway's key works", BOUND, || {
            // Not the head: if a client that is not a filter received one, no change would become
            // `everywhere`.
            let asked = self.call(&value, "GET", "/feed/edge/o/none", None);
            (asked.status == 404).then_some(())
        });
        value
    }

    /// Makes a customer's key. Returns its id and its value.
    fn customer_key(&self) -> (String, String) {
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"],
            "keyward": {"owner": "acct_widgets", "livemode": true},
        });
        let made = self.api("POST", "/v2/iam/api_keys", Some(body));
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["id"]), text(&made["secret_key"]["token"]))
    }

    /// Ends a key, and waits at most this many seconds until the end is everywhere.
    fn expire(&self, id: &str, wait: u32) -> Value {
        let path = format!("/v2/iam/api_keys/{id}/expire");
        let wait = format!("wait={wait}");
        let ended = self.call_with(&self.first, "POST", &path, None, &[("prefer", &wait)]);
        assert_eq!(ended.status, 200, "{}", ended.text());
        ended.json()["keyward"]["propagation"].clone()
    }

    fn gateway_state(&self, name: &str) -> Value {
        let path = format!("/v2/keyward/gateways/{name}");
        self.api("GET", &path, None).json()
    }

    /// Returns how far a change has come, now or after a wait.
    fn come(&self, change: &Value, wait: u32) -> Value {
        let path = format!("/v2/keyward/changes/{change}?wait={wait}");
        let asked = self.api("GET", &path, None);
        assert_eq!(asked.status, 200, "{}", asked.text());
        asked.json()
    }
}

/// Runs `keyward wait --server`.
fn wait_for(world: &World, change: &Value, timeout: &str) -> Said {
    let mut command = keyward_support::command::command();
    command
        .args(["wait", "--server", &format!("http://{}", world.gateway)])
        .args(["--change", &change.to_string(), "--timeout", timeout])
        .env("KEYWARD_API_KEY", &world.first);
    fed(&mut command, "").into()
}

/// The number of keys that the test ends, first while all gateways can be reached, and then while
/// one cannot.
const ENDS: usize = 20;

#[test]
fn everywhere_is_never_said_too_early_though_one_gateway_of_three_is_cut_off() {
    let mut world = World::with_feed();
    world.account("acct_widgets");
    let relay = Relay::to(world.gateway);
    let data = world.data();
    let edges: Vec<Edge> = ["edge-1", "edge-2", "edge-3"]
        .into_iter()
        .map(|name| {
            let source = if name == "edge-3" {
                relay.address
            } else {
                world.gateway
            };
            Edge::start(name, &world.gateway_key(name), source, &data)
        })
        .collect();
    let keys: Vec<(String, String)> = (0..2 * ENDS + 1).map(|_| world.customer_key()).collect();
    let (_, last) = keys.last().unwrap();
    for edge in &edges {
        edge.comes_to(last, 200);
    }
    let mut workers: Vec<_> = edges
        .iter()
        .map(|edge| edge.envoy.worker_connections())
        .collect();
    let mut answers = |edge: usize, key: &str| -> Vec<u16> {
        workers[edge]
            .iter_mut()
            .map(|worker| ask(worker, key))
            .collect()
    };
    let mut pairs = keys.iter();

    // The test uses each ended key as soon as its end is everywhere, while it makes other keys.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                world.customer_key();
            }
        });
        for (id, value) in pairs.by_ref().take(ENDS) {
            let ended = world.expire(id, 20);
            assert_eq!(ended["state"], "everywhere", "{ended}");
            for edge in 0..3 {
                assert_eq!(answers(edge, value), [401, 401], "edge {edge}: {ended}");
            }
        }
        // One gateway is cut off: its workers continue with what they have, and no change is
        // everywhere.
        relay.cut();
        let mut ended = Vec::new();
        for (id, value) in pairs.by_ref().take(ENDS) {
            let said = world.expire(id, 0);
            assert_ne!(said["state"], "everywhere", "{said}");
            ended.push((value, said["change"].clone()));
        }
        is_over.store(true, Ordering::SeqCst);
        let (value, change) = ended.last().unwrap();
        let said = world.come(change, 2);
        assert_eq!(said["state"], "published", "{said}");
        assert!(said["latest_by"].is_string(), "{said}");
        let waited = wait_for(&world, change, "1s");
        assert_eq!(waited.code, Some(1), "{}", waited.out);
        for said in [
            ": published, as revision",
            "edge-3: ",
            "deny everything from",
        ] {
            assert!(waited.out.contains(said), "{}", waited.out);
        }
        for edge in &edges[..2] {
            edge.comes_to(value, 401);
        }
        assert_eq!(answers(2, value), [200, 200], "the gateway is cut off");
    });

    // A restarted server knows which VMs it must wait for.
    let (id, value) = pairs.next().unwrap();
    let change = world.expire(id, 0)["change"].clone();
    world.restart();
    // It publishes only after it has waited for the gateway that is cut off.
    let said = eventually("it is published", BOUND, || {
        let said = world.come(&change, 10);
        (said["state"] != "committed").then_some(said)
    });
    assert_eq!(said["state"], "published", "{said}");
    assert_eq!(world.gateway_state("edge-3")["workers"]["serving"], 0);
    relay.heal();
    let said = eventually("it is everywhere after all", BOUND, || {
        let said = world.come(&change, 20);
        (said["state"] == "everywhere").then_some(said)
    });
    for edge in 0..3 {
        assert_eq!(answers(edge, value), [401, 401], "edge {edge}: {said}");
    }
    let waited = wait_for(&world, &change, "20s");
    assert_eq!(waited.code, Some(0), "{}{}", waited.out, waited.err);
    for name in ["edge-1", "edge-2", "edge-3"] {
        let gateway = world.gateway_state(name);
        assert_eq!(gateway["state"], "serving", "{gateway}");
        // Two workers and the main thread.
        let all = json!({"all": 3, "serving": 3, "silent": 0});
        assert_eq!(gateway["workers"], all, "{gateway}");
    }
}
