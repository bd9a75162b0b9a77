//! What a mesh makes of a manifest is served.

use super::*;

/// istiod makes JSON of the object again, with every number a double, and hands it on in a StringValue.
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

/// Every number through a double, written as Go writes it.
fn doubled(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap();
            serde_json::from_str(&format!("{double}")).unwrap()
        }
        Value::Array(items) => items.into_iter().map(doubled).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, doubled(value)))
            .collect(),
        other => other,
    }
}
