//! A feed that its source gives only to those who send a token. Envoy's cluster adds the token, from
//! a file that it watches, as `docs/feed-bucket.md` shows it. `keyward fleet` reads the source's log.

use std::fs;

use serde_json::{Value, json};

use super::{begun, published};
use crate::fail_closed::{ALICE, BOB};
use crate::feed::everywhere;
use crate::support::feed::{CLUSTER, cluster, configuration};
use crate::support::find::root;
use crate::support::publishing::{Nginx, Press};
use crate::support::{BOUND, Envoy, eventually};

const TOKEN: &str = "FAKE-feed-token-0002";

/// The examples of the page.
fn examples() -> Vec<Value> {
    let page = fs::read_to_string(root().join("docs/feed-bucket.md")).unwrap();
    page.split("```yaml\n")
        .skip(1)
        .map(|rest| serde_norway::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect()
}

/// Replaces the secret, as the page says: by a rename in the same folder.
fn give(press: &Press, token: &str) {
    let secret = examples()[2].to_string();
    let secret = secret.replace("Bearer …", &format!("Bearer {token}"));
    assert!(secret.contains(token), "{secret}");
    fs::write(press.path("secrets/next.yaml"), secret).unwrap();
    fs::rename(
        press.path("secrets/next.yaml"),
        press.path("secrets/feed-token.yaml"),
    )
    .unwrap();
}

#[test]
fn a_gateway_whose_cluster_adds_a_token_reads_a_private_feed() {
    let press = begun("it-token");
    fs::create_dir(press.path("secrets")).unwrap();
    give(&press, "FAKE-feed-token-0001");
    let log = press.path("access.log").display().to_string();
    let more = format!(
        "access_log {log} combined; if ($http_authorization != \"Bearer {TOKEN}\") {{ return 401; }}"
    );
    let Some(nginx) = Nginx::start_with(&press, &more) else {
        return;
    };
    let mut configuration = configuration();
    configuration["feed"]["path"] = json!("");
    configuration["feed"]["public_keys"] = json!([press.public_key]);
    let signing = &examples()[0]["typed_extension_protocol_options"];
    let mut options = signing.clone();
    options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]["http_filters"] =
        examples()[1]["http_filters"].clone();
    let secrets = press.path("secrets");
    let options = options
        .to_string()
        .replace("/etc/envoy", secrets.to_str().unwrap());
    let mut feed = cluster(CLUSTER, nginx.address);
    feed["typed_extension_protocol_options"] = serde_json::from_str(&options).unwrap();
    let envoy = Envoy::builder()
        .config(configuration.to_string())
        .concurrency(3)
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            clusters.as_array_mut().unwrap().push(feed);
        })
        .start();
    // With another token it has nothing, and denies.
    eventually("the source refuses it", BOUND, || {
        let refused = envoy.stats(&format!("cluster.{CLUSTER}.internal.upstream_rq_401$"));
        refused.values().any(|count| *count > 0).then_some(())
    });
    everywhere(&envoy, ALICE, 503);

    give(&press, TOKEN);
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, BOB, 200);
    let mut state = published(&[ALICE, BOB]);
    state["snapshot"]["keys"][0]["status"] = json!("deleted");
    press.write(&state);
    press.published(&[]);
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    // Three workers and the main thread say in the log what they serve.
    let revision = press.present().head.revision.number();
    let told = eventually("every worker has asked again", BOUND, || {
        let said = press.run(&["fleet", "--json", "--revision", &revision.to_string(), &log]);
        (said.code == Some(0)).then_some(said.out)
    });
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["note"],
        "what polls say of themselves; nothing verifies it"
    );
    let gateway = json!({
        "name": "keyward", "workers": 4, "late": 0, "lowest_revision": revision, "highest_revision": revision,
        "states": [], "filter_versions": [env!("CARGO_PKG_VERSION")],
    });
    assert_eq!(told["gateways"], json!([gateway]));
    let later = press.run(&["fleet", "--revision", &(revision + 1).to_string(), &log]);
    assert_eq!(later.code, Some(1), "{}", later.out);
    assert!(later.out.contains("nothing verifies it"), "{}", later.out);
    // Neither keyward's configuration nor anything else there has the token.
    let dump = envoy.admin("GET", "/config_dump");
    let dump = dump.text();
    assert!(!dump.contains(TOKEN), "{dump}");
}
