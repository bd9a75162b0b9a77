//! Gateways that follow the server's own feed, each with its key, in real Envoys.

mod edge;

use keyward_harness::{BOUND, eventually};
use serde_json::{Value, json};

use crate::world::World;
use edge::{Edge, feed};

/// A change's state, which is waited for.
const PATIENT: (&str, &str) = ("prefer", "wait=20");

impl World {
    fn with_feed() -> Self {
        Self::start_with(|data| feed(data, ""))
    }

    /// The key of a gateway: its value.
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
            // Not the head: who is handed that and is no filter keeps everything from being everywhere.
            let asked = self.call(&value, "GET", "/feed/edge/o/none", None);
            (asked.status == 404).then_some(())
        });
        value
    }

    /// Makes a customer's key: its id and its value, and how far it has come.
    fn customer_key(&self) -> (String, String, Value) {
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"],
            "keyward": {"owner": "acct_widgets", "livemode": true},
        });
        let made = self.call_with(
            &self.first,
            "POST",
            "/v2/iam/api_keys",
            Some(body),
            &[PATIENT],
        );
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let propagation = made["keyward"]["propagation"].clone();
        (
            text(&made["id"]),
            text(&made["secret_key"]["token"]),
            propagation,
        )
    }

    fn expire(&self, id: &str) -> Value {
        let path = format!("/v2/iam/api_keys/{id}/expire");
        let ended = self.call_with(&self.first, "POST", &path, None, &[PATIENT]);
        assert_eq!(ended.status, 200, "{}", ended.text());
        ended.json()["keyward"]["propagation"].clone()
    }

    fn gateway_state(&self, name: &str) -> Value {
        let path = format!("/v2/keyward/gateways/{name}");
        self.api("GET", &path, None).json()
    }
}

#[test]
fn what_the_server_says_is_everywhere_every_worker_of_a_gateway_obeys() {
    let world = World::with_feed();
    world.account("acct_widgets");
    let key = world.gateway_key("edge-1");
    let edge = Edge::start("edge-1", &key, world.gateway, &world.data());
    let (id, value, come) = world.customer_key();
    assert_eq!(come["state"], "everywhere", "{come}");
    edge.answers(&value, 200);
    let ended = world.expire(&id);
    assert_eq!(ended["state"], "everywhere", "{ended}");
    edge.answers(&value, 401);
    let gateway = world.gateway_state("edge-1");
    assert_eq!(gateway["state"], "serving", "{gateway}");
    // Two workers and the main thread.
    assert_eq!(
        gateway["workers"],
        json!({"all": 3, "serving": 3, "silent": 0})
    );
    let change = ended["change"].as_u64().unwrap();
    let asked = world.api("GET", &format!("/v2/keyward/changes/{change}"), None);
    assert_eq!(asked.json()["state"], "everywhere", "{}", asked.text());
    world.assert_nowhere(&[&value, &world.first]);
}
