//! Forgetting the workers of a gateway that is gone, in the console: a person confirms it by the gateway's name, and the trail has it.

use keyward_harness::{LONG, eventually};
use serde_json::json;

use super::edge::Edge;
use crate::browser::Browser;
use crate::world::World;

const FORGET: &str = "/console/gateways/edge-1/forget";

#[test]
fn workers_that_are_gone_are_forgotten_by_a_form_that_asks_for_the_gateways_name() {
    let world = World::with_feed();
    world.account("acct_widgets");
    let (_, kept) = world.customer_key();
    let edge = Edge::start(
        "edge-1",
        &world.gateway_key("edge-1"),
        world.gateway,
        &world.data(),
    );
    edge.comes_to(&kept, 200);
    let browser = Browser::signed_in(&world, "admin");
    let page = browser.get("/console/gateways");
    assert!(
        page.text().contains("edge-1") && !page.text().contains(FORGET),
        "{}",
        page.text()
    );

    drop(edge);
    let page = eventually("its workers are silent", LONG, || {
        let page = browser.get("/console/gateways");
        page.text().contains(FORGET).then_some(page)
    });
    assert!(page.text().contains("no more"), "{}", page.text());
    let (id, _) = world.customer_key();
    assert_eq!(world.expire(&id, 1)["state"], "published");

    let asking = browser.get(FORGET);
    assert_eq!(asking.status, 200, "{}", asking.text());
    assert!(asking.text().contains("3 workers"), "{}", asking.text());
    let wrong = browser.send(&asking, FORGET, &[("confirm", "edge-2")]);
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    assert!(
        wrong
            .text()
            .contains("This is not the name of the gateway."),
        "{}",
        wrong.text()
    );
    assert_eq!(world.gateway_state("edge-1")["workers"]["silent"], 3);
    // Who may only look is not asked at all.
    let operator = Browser::signed_in(&world, "operator");
    assert!(!operator.get("/console/gateways").text().contains(FORGET));
    assert!(matches!(operator.get(FORGET).status, 403 | 404));

    let done = browser.send(&asking, FORGET, &[("confirm", "edge-1")]);
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/console/gateways")),
        "{}",
        done.text()
    );
    assert_eq!(
        world.gateway_state("edge-1")["error"]["code"],
        "resource_missing"
    );
    let (id, _) = world.customer_key();
    assert_eq!(world.expire(&id, 5)["state"], "everywhere");
    let rows = world
        .api("GET", "/v2/iam/activity_logs?limit=20", None)
        .json();
    let row = rows["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row.to_string().contains("gateway_forgotten"));
    let row = row.unwrap_or_else(|| panic!("{rows}"));
    assert!(row.to_string().contains("edge-1"), "{row}");
    assert_ne!(row["actor"], json!(null), "{row}");
}
