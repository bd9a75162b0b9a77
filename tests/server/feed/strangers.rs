//! Who polls without a key, with another gateway's, or with words that are not its own: nothing of it changes what the server says.

use keyward_harness::http::Response;
use serde_json::{Value, json};

use crate::world::World;

/// What a filter says of itself.
fn agent(gateway: &str, vm: &str, revision: u64) -> String {
    format!("keyward/0.1.0 (gw={gateway}; vm={vm}; rev={revision}; state=ok)")
}

impl World {
    fn poll(&self, key: &str, agent: &str) -> Response {
        let agent = [("user-agent", agent)];
        self.call_with(key, "GET", "/feed/edge/head", None, &agent)
    }

    /// What a head leads to.
    fn served(&self, key: &str, name: &str) -> u64 {
        let asked = self.poll(key, &agent(name, "aaaa0001", 0));
        assert_eq!(asked.status, 200, "{}", asked.text());
        let text = asked.text();
        let head: Value = serde_json::from_str(text.splitn(3, '\n').nth(2).unwrap()).unwrap();
        head["revision"].as_u64().unwrap()
    }

    /// Makes a change, and says how far it has come.
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
    // Nobody was handed a head yet.
    assert_eq!(world.change()["state"], "everywhere");
    // Without a key, and with one that may not, there is no head.
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

    // A VM of each is handed a head, and asks again with what it serves.
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
    // The first's key cannot ask for the second, nor can a revision that was never published be served.
    let served = world.served(&one, "edge-1");
    for (key, agent) in [
        (&two, agent("edge-2", "aaaa0001", served + 1_000)),
        (&one, agent("edge-2", "aaaa0001", served)),
    ] {
        world.poll(key, &agent);
        assert_eq!(state(0), "published", "{agent}");
    }
    confirm(&two, "edge-2");
    // What polled with the first's key and another name may be anything: it is waited for, under the first's name.
    assert_eq!(state(0), "published");
    let first = world.gateway_state("edge-1");
    assert_eq!(first["has_strangers"], json!(true), "{first}");
    assert_eq!(first["workers"]["all"], 2, "{first}");
    let second = world.gateway_state("edge-2");
    assert_eq!(second["state"], "serving", "{second}");
    assert_eq!(second["workers"]["all"], 1, "{second}");
    // Who asks still is not forgotten.
    let refused = world.api("DELETE", "/v2/keyward/gateways/edge-2", None);
    assert_eq!(
        refused.json()["error"]["code"],
        "gateway_in_use",
        "{}",
        refused.text()
    );
}
