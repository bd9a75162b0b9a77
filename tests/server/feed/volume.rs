//! A volume that is restored as a whole, store and feed together. Nothing on it shows that; the gateways do.

use std::fs;
use std::path::Path;
use std::process::Command;

use keyward_harness::{BOUND, eventually};

use super::edge::{Edge, ask};
use crate::world::World;

/// Copies what a volume holds: the store, the feed, and the file of the Envoy before the server.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("envoy/ecds")).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        let is_database = name.to_str().unwrap().starts_with("keyward.db");
        if is_database || name == "feed" {
            let _ = fs::remove_dir_all(to.join(&name));
            let copied = Command::new("cp")
                .args(["--archive", "--no-target-directory"])
                .arg(from.join(&name))
                .arg(to.join(&name))
                .status();
            assert!(copied.unwrap().success());
        }
    }
    // Envoy watches the folder, and takes a file that is moved there.
    let staged = to.join("envoy/ecds/restored");
    fs::copy(from.join("envoy/ecds/keyward.pb"), &staged).unwrap();
    fs::rename(staged, to.join("envoy/ecds/keyward.pb")).unwrap();
}

#[test]
fn a_volume_restored_with_its_feed_publishes_nothing_until_it_is_resumed() {
    let mut world = World::with_feed();
    world.account("acct_widgets");
    let data = world.data();
    let (kept, kept_value) = world.customer_key();
    let (ended, ended_value) = world.customer_key();
    let edge = Edge::start("edge-1", &world.gateway_key("edge-1"), world.gateway, &data);
    edge.comes_to(&kept_value, 200);
    edge.comes_to(&ended_value, 200);
    world.kill();
    let backup = world.folder.path().join("backup");
    copy(&data, &backup);
    world.serve(&[]);
    assert_eq!(world.expire(&ended, 20)["state"], "everywhere");
    edge.comes_to(&ended_value, 401);
    let held = world.gateway_state("edge-1")["revision"].as_u64().unwrap();

    world.kill();
    copy(&backup, &data);
    world.serve(&[]);
    eventually("the server sees that gateways are ahead", BOUND, || {
        world
            .measures("keyward_server_restored_store 1")
            .then_some(())
    });
    assert_eq!(
        world
            .api("GET", "/v2/keyward/snapshots/current", None)
            .json()["restored"],
        true
    );
    let refused = world.api(
        "POST",
        "/v2/keyward/accounts",
        Some(serde_json::json!({"id": "acct_more", "policy": "operator"})),
    );
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &"ends_only".into())
    );
    // An end is taken, and not published either: the head that it would need leads back.
    assert_eq!(world.expire(&kept, 2)["state"], "committed");
    let mut workers = edge.envoy.worker_connections();
    let mut is_revoked = || {
        workers
            .iter_mut()
            .all(|worker| ask(worker, &ended_value) == 401)
    };
    assert!(is_revoked(), "the key was revived");
    // A start changes nothing about that.
    world.restart();
    eventually("it sees that again", BOUND, || {
        world
            .measures("keyward_server_restored_store 1")
            .then_some(())
    });
    assert!(is_revoked(), "the key was revived");
    let log = fs::read_to_string(world.folder.path().join("server.log")).unwrap();
    assert!(log.contains(&format!("serves revision {held}")), "{log}");

    // Nothing has what gateways serve, so the operator ends what ended since, and says that this is all.
    world.expire(&ended, 0);
    world.kill();
    let nothing = world.command("resume", &[]);
    let said = String::from_utf8_lossy(&nothing.stdout);
    assert!(
        said.contains("nothing to resume") && said.contains("--accept-loss"),
        "{said}"
    );
    let accepted = world.command("resume", &["--accept-loss", "--above", &held.to_string()]);
    let said = String::from_utf8_lossy(&accepted.stderr);
    assert!(accepted.status.success(), "{said}");
    world.serve(&[]);
    edge.comes_to(&kept_value, 401);
    assert!(is_revoked(), "the key was revived");
    let (_, new) = world.customer_key();
    edge.comes_to(&new, 200);
    assert!(is_revoked(), "the key was revived");
    assert!(world.measures("keyward_server_restored_store 0"));
}
