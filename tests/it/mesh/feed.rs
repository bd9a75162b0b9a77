//! Feeds in a mesh, and the examples of `docs/feed-bucket.md`: a real Envoy accepts the resulting
//! clusters, and the plugin's configuration names them.

use std::fs;
use std::process::Command;

use keyward::configuration::Configuration;
use serde_json::{Value, json};

use super::the;
use super::tools::kustomized;
use crate::support::find::{envoy, root};
use crate::support::process::Folder;

/// Asserts that Envoy accepts a bootstrap with this cluster.
#[track_caller]
fn is_valid(cluster: &Value) {
    let folder = Folder::new("feed-cluster");
    let path = folder.path().join("bootstrap.json");
    let bootstrap =
        json!({"node": {"id": "a", "cluster": "a"}, "static_resources": {"clusters": [cluster]}});
    fs::write(&path, bootstrap.to_string()).unwrap();
    let output = Command::new(envoy())
        .args(["--mode", "validate", "-c"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{cluster:#}");
}

/// Returns the cluster that a plugin's configuration uses to follow its feed.
#[track_caller]
fn followed(configuration: &Value) -> String {
    let read = Configuration::from_json(configuration.to_string().as_bytes()).unwrap();
    read.settings().feed.as_ref().unwrap().cluster.to_string()
}

#[test]
fn a_gateways_bootstrap_has_the_cluster_that_its_policy_names() {
    let Some(mut manifests) = kustomized("gateway/feed") else {
        return;
    };
    let policy = the(&mut manifests, "EnvoyExtensionPolicy");
    let name = followed(&policy["spec"]["wasm"][0]["config"]);
    let Some(base) = kustomized("gateway/base") else {
        return;
    };
    let value = |manifests: &mut [Value]| -> Value {
        let proxy = the(manifests, "EnvoyProxy");
        serde_norway::from_str(proxy["spec"]["bootstrap"]["value"].as_str().unwrap()).unwrap()
    };
    let bootstrap = value(&mut manifests);
    // It loses nothing from the bootstrap that it replaces.
    let mut base = base;
    assert_eq!(bootstrap["stats_config"], value(&mut base)["stats_config"]);
    let cluster = &bootstrap["static_resources"]["clusters"][0];
    assert_eq!(cluster["name"], name.as_str());
    is_valid(cluster);
}

/// The cluster that istiod makes of a ServiceEntry and a DestinationRule, according to its
/// `cluster_builder.go` and `cluster_tls.go`.
#[test]
fn istios_cluster_is_the_one_that_the_plugin_names() {
    let Some(mut manifests) = kustomized("istio/feed") else {
        return;
    };
    let plugin = the(&mut manifests, "WasmPlugin").clone();
    let entry = the(&mut manifests, "ServiceEntry").clone();
    let rule = the(&mut manifests, "DestinationRule").clone();
    let (host, port) = (
        &entry["spec"]["hosts"][0],
        &entry["spec"]["ports"][0]["number"],
    );
    let name = format!("outbound|{port}||{}", host.as_str().unwrap());
    assert_eq!(followed(&plugin["spec"]["pluginConfig"]), name);
    assert_eq!(entry["spec"]["resolution"], "DNS");
    assert_eq!(&rule["spec"]["host"], host);
    let tls = &rule["spec"]["trafficPolicy"]["tls"];
    assert_eq!(tls["mode"], "SIMPLE");
    let san = json!([{"san_type": "DNS", "matcher": {"exact": tls["subjectAltNames"][0]}}]);
    is_valid(&json!({
        "name": name, "type": "STRICT_DNS", "connect_timeout": "10s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {
            "address": {"socket_address": {"address": host, "port_value": port}}}}]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "sni": tls["sni"],
            "common_tls_context": {"validation_context": {"match_typed_subject_alt_names": san,
                "trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}}}},
    }));
}

#[test]
fn the_clusters_of_private_buckets_are_ones_of_envoys() {
    let page = fs::read_to_string(root().join("docs/feed-bucket.md")).unwrap();
    let examples: Vec<Value> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| serde_norway::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect();
    let [signing, injecting, secret] = &examples[..] else {
        panic!("{} examples", examples.len());
    };
    let folder = Folder::new("feed-secrets");
    for name in ["aws-credentials", "feed-token.yaml"] {
        fs::write(folder.path().join(name), secret.to_string()).unwrap();
    }
    // The files' places on this machine.
    let here = |value: &Value| -> Value {
        let text = value
            .to_string()
            .replace("/etc/envoy", folder.path().to_str().unwrap());
        serde_json::from_str(&text).unwrap()
    };
    is_valid(&here(signing));
    let mut cluster = here(signing);
    let options =
        "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    cluster.pointer_mut(options).unwrap()["http_filters"] = here(injecting)["http_filters"].clone();
    is_valid(&cluster);
    assert_eq!(secret["resources"][0]["name"], "feed-token");
}
