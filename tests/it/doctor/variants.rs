//! The shipped bootstrap with one change each. A real Envoy accepts every variant, and the test
//! checks what `doctor --strict` reports: the check and its level. The unchanged bootstrap is good.

mod arrives;
mod leaks;
mod missing;
mod strangers;

use super::*;
use crate::support::bootstrap::{at, hcm, http_filter};
use crate::support::process::Folder;

/// A change to the shipped bootstrap, and everything that the doctor finds because of it.
pub(super) struct Variant {
    name: &'static str,
    change: Box<dyn FnOnce(&mut Value)>,
    expected: &'static [(&'static str, &'static str)],
}

pub(super) fn variant(
    name: &'static str,
    expected: &'static [(&'static str, &'static str)],
    change: impl FnOnce(&mut Value) + 'static,
) -> Variant {
    Variant {
        name,
        change: Box::new(change),
        expected,
    }
}

/// Starts an Envoy for each variant, and lists those with another result.
#[track_caller]
fn assert_all(variants: Vec<Variant>) {
    let faults: Vec<String> = variants.into_iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn fault(variant: Variant) -> Option<String> {
    let Variant {
        name,
        change,
        expected,
    } = variant;
    let envoy = match builder().edit(change).try_start() {
        Ok(envoy) => envoy,
        Err(error) => return Some(format!("{name}: {error}")),
    };
    let found = Diagnosis::of(&envoy, &["--strict"]);
    let code = i32::from(!expected.is_empty());
    let is_right = found.found() == expected.iter().copied().collect() && found.code == Some(code);
    (!is_right).then(|| format!("{name}: expected {expected:?}\n{}", found.text))
}

fn chain(bootstrap: &mut Value) -> &mut Vec<Value> {
    at(hcm(bootstrap), "/http_filters").as_array_mut().unwrap()
}

/// Returns an HTTP filter, named by its message after `envoy.extensions.filters.http.`.
fn filter(message: &str, mut config: Value) -> Value {
    config["@type"] = json!(format!(
        "type.googleapis.com/envoy.extensions.filters.http.{message}"
    ));
    json!({"name": message, "typed_config": config})
}

const BEFORE: usize = 0;
const BETWEEN: usize = 1;

fn insert(place: usize, filter: Value) -> impl FnOnce(&mut Value) {
    move |all| chain(all).insert(place, filter)
}

fn route(bootstrap: &mut Value) -> &mut Value {
    at(hcm(bootstrap), "/route_config/virtual_hosts/0/routes/0")
}

fn cluster(bootstrap: &mut Value) -> &mut Value {
    at(bootstrap, "/static_resources/clusters/0")
}

/// Adds the gateway's listener a second time, under another name.
fn second_listener(bootstrap: &mut Value, change: impl FnOnce(&mut Value)) {
    let listeners = at(bootstrap, "/static_resources/listeners")
        .as_array_mut()
        .unwrap();
    let mut second = listeners[0].clone();
    second["name"] = json!("second");
    change(&mut second);
    listeners.push(second);
}

/// Writes a file that lasts as long as the test.
fn file(name: &str, content: &Value) -> std::path::PathBuf {
    let folder = Folder::new("variant");
    let file = folder.path().join(name);
    std::fs::write(&file, content.to_string()).unwrap();
    std::mem::forget(folder);
    file
}

#[test]
fn what_is_shipped_alone_is_good() {
    assert_all(vec![variant("as shipped", &[], |_| {})]);
}
