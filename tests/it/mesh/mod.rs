//! keyward in a mesh: the manifests in `envoy/istio` and `envoy/gateway`, and what `keyward push` makes of them. They are built by kustomize, held to
//! the CRD schemas of the projects, turned into the Envoy configuration that the projects' control planes make of them, and that is run.
//!
//! No cluster stands behind this. What a control plane makes of a manifest is written down here after its source, file by file.

mod envoy_gateway;
mod gateway;
mod istio;
mod istiod;
mod proxy;
mod revoked;
mod schemas;
mod tools;

use serde_json::Value;

/// The manifests of one kind.
pub fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let is_meant = |manifest: &&Value| manifest["kind"] == kind;
    manifests.iter().filter(is_meant).collect()
}

/// The one manifest of that kind, to be altered.
#[track_caller]
pub fn the<'a>(manifests: &'a mut [Value], kind: &str) -> &'a mut Value {
    let mut found = manifests
        .iter_mut()
        .filter(|manifest| manifest["kind"] == kind);
    match (found.next(), found.next()) {
        (Some(manifest), None) => manifest,
        _ => panic!("not one {kind}"),
    }
}
