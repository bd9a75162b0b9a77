//! Switches a running Envoy from wasm to native and back: no request passes that should not, and
//! none fails.

use super::*;
use crate::fail_closed::{Watch, everywhere};
use crate::support::bootstrap::{at, http_filter, shipped_ecds};
use crate::support::{Push, find};

const NATIVE: &str =
    "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

fn file(host: Host, version: u64) -> Vec<u8> {
    let mut response = shipped_ecds();
    *at(&mut response, "/version_info") = json!(version.to_string());
    let plugin = at(&mut response, "/resources/0/typed_config/config");
    *at(plugin, "/vm_config/code/local/filename") = json!(find::wasm());
    let config = configuration(version, &[ALICE]).to_string();
    *at(plugin, "/configuration/value") = json!(config);
    host.take_over(&mut response, &host.filter());
    Value::to_string(&response).into_bytes()
}

#[test]
fn from_wasm_to_native_and_back_under_load() {
    let envoy = Envoy::builder()
        .host(Host::Wasm)
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .edit(|bootstrap| {
            let urls = at(
                http_filter(bootstrap, "keyward"),
                "/config_discovery/type_urls",
            );
            urls.as_array_mut().unwrap().push(json!(NATIVE));
        })
        .start();
    everywhere(&envoy, ALICE, 200);
    let good = Watch::start(envoy.address(), ALICE);
    let bad = Watch::start(envoy.address(), STRANGER);
    for version in 2..8 {
        let host = if version % 2 == 0 {
            Host::Native
        } else {
            Host::Wasm
        };
        assert_eq!(
            envoy.push_file_and_wait(&file(host, version)),
            Push::Accepted,
            "{version}"
        );
        let principal = format!("revision={version}");
        envoy.on_every_worker(&principal, crate::support::BOUND, |connection| {
            let answer = crate::fail_closed::ask(connection, ALICE);
            answer.text().contains(&principal).then_some(())
        });
    }
    let (good, bad) = (good.stop(), bad.stop());
    assert_eq!(good.keys().copied().collect::<Vec<_>>(), [200], "{good:?}");
    assert_eq!(bad.keys().copied().collect::<Vec<_>>(), [401], "{bad:?}");
}
