//! Envoy serves what a mesh makes of a manifest.

use super::*;
use crate::mesh::proxy::doubled;

/// istiod converts the object back to JSON, with every number as a double, and passes it on in a
/// StringValue.
#[test]
fn what_istiod_makes_of_it_is_served() {
    let desk = Desk::new();
    let keys = desk.keys("max_snapshot_age = 3600", &[ALICE]);
    let said = keyward(&[
        "push",
        "--keys",
        &keys,
        "--wasm-plugin",
        "--image",
        "oci://registry.example/keyward:1",
    ]);
    let plugin = documents(&said.out).remove(0)["spec"]["pluginConfig"].clone();
    let revision = plugin["snapshot"]["revision"].as_u64().unwrap();
    let envoy = Envoy::builder().config(doubled(plugin).to_string()).start();
    serves(&envoy, revision);
    assert_eq!(status(&envoy, ALICE), 200);
}
