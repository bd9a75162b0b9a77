//! The first part of `docs/feed.md`: its commands one after another in one shell, as a reader pastes them, with free ports in the place of its ports.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use super::{blocks, missing_tool, skipped};
use crate::fail_closed::restart::free_port;
use crate::support::command::program;
use crate::support::find;
use crate::support::find::root;
use crate::support::process::Folder;

/// No other test runs its commands.
pub(super) const PAGE: &str = "feed.md";

/// The ports that the page names.
const PORTS: [&str; 7] = ["10000", "10001", "10010", "10011", "9901", "9902", "8080"];

#[test]
fn two_envoys_follow_a_feed_from_nothing() {
    let page = std::fs::read_to_string(root().join("docs").join(PAGE)).unwrap();
    let blocks = blocks(&page);
    if let Some(tool) = missing_tool(&blocks) {
        return skipped(&format!("docs: {PAGE} needs {tool}"));
    }
    let mut script = "set -euo pipefail\ntrap 'kill $(jobs -p) || true' EXIT\n".to_owned();
    for command in blocks.iter().flat_map(|block| block.commands()) {
        script += &format!("{command}\n");
    }
    for (from, to) in [
        ("PATH=$PWD/target/release", "PATH=$KEYWARD"),
        ("$(scripts/envoy.sh)", "$ENVOY_BIN"),
        // An Envoy of another test may have it.
        ("--base-id 1", "--use-dynamic-base-id"),
    ] {
        assert!(script.contains(from), "{from}");
        script = script.replace(from, to);
    }
    // The first Envoy shares its machine with those of other tests.
    script = script.replace(
        "--service-node one",
        "--service-node one --use-dynamic-base-id",
    );
    let folder = Folder::new("docs-feed");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("envoy"))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    symlink(root().join("target"), folder.path().join("target")).unwrap();
    // In two steps, so that no free port is mistaken for one that is still to be replaced.
    let ports = PORTS.map(|port| (port, format!("<{port}>"), free_port().to_string()));
    let replaced = |text: &str| {
        let text = ports.iter().fold(text.to_owned(), |text, (port, mark, _)| {
            text.replace(port, mark)
        });
        ports
            .iter()
            .fold(text, |text, (_, mark, free)| text.replace(mark, free))
    };
    assert!(PORTS.iter().all(|port| script.contains(port)));
    let script = replaced(&script);
    for name in ["envoy/bootstrap.yaml", "envoy/feed/clusters.yaml"] {
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        // The second Envoy's are made of the first one's by the page.
        std::fs::write(path, replaced(&text)).unwrap();
    }
    let output = Command::new("timeout")
        .args(["--kill-after=5", "100", "/bin/bash", "-c", &script])
        .current_dir(folder.path())
        .env("KEYWARD", program().parent().unwrap())
        .env("ENVOY_BIN", find::envoy())
        .env("HOME", folder.path())
        .env_remove("KEYWARD_KEYS")
        .env_remove("KEYWARD_ECDS")
        .output()
        .unwrap();
    let [out, log] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}\n{log}");
    // What the last command shows.
    let (_, fleet) = out
        .rsplit_once("{\"note\":")
        .unwrap_or_else(|| panic!("{out}"));
    // Envoy's access log may follow on the same line.
    let fleet = format!("{{\"note\":{fleet}");
    let mut values = serde_json::Deserializer::from_str(&fleet).into_iter::<Value>();
    let fleet = values.next().unwrap().unwrap();
    let vms = fleet["vms"].as_array().unwrap();
    for gateway in ["one", "two"] {
        let of = vms.iter().filter(|vm| vm["gateway"] == gateway);
        assert!(of.count() >= 2, "{fleet}");
    }
}
