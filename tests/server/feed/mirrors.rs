//! Copies of the server's feed: buckets of moto, which gateways read and a restored server is held to; and a folder that serves while the server is gone.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};

use keyward_harness::feed::cluster;
use keyward_harness::moto::Moto;
use keyward_harness::{BOUND, Envoy, eventually};
use serde_json::{Value, json};

use super::edge::{Edge, feed};
use crate::world::World;

const BUCKETS: &str = "mirrors = [\"s3://keyward-feeds/feeds/prod\", \"s3://keyward-mirror/feeds/prod?region=eu-west-1\"]\n";

/// `keyward feed serve`, below the path that the server has.
pub(super) struct Served {
    child: Child,
    pub(super) address: SocketAddr,
}

impl Served {
    pub(super) fn start(folder: &Path) -> Self {
        let mut child = keyward_support::command::command()
            .args(["feed", "serve"])
            .arg(folder)
            .args(["--listen", "127.0.0.1:0", "--path", "/feed/edge"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap();
        let address = address
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap();
        let address = address.parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An Envoy that reads a bucket, with calls that its cluster signs.
fn reading(moto: &Moto, world: &World, bucket: &str) -> Edge {
    let data = world.data();
    let public_key = fs::read_to_string(data.join("feed.pub")).unwrap();
    let configuration = json!({
        "max_snapshot_age": 86_400,
        "feed": {
            "name": "prod", "cluster": "keyward_feed", "authority": moto.address.to_string(),
            "path": format!("/{bucket}/feeds/prod/edge"), "public_keys": [public_key], "interval": 1,
        },
    });
    let folder = world.folder.path().join(format!("secrets-{bucket}"));
    let cluster: Value = moto.signing(cluster("keyward_feed", moto.address), &folder);
    let envoy = Envoy::builder()
        .config(configuration.to_string())
        .concurrency(2)
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            clusters.as_array_mut().unwrap().push(cluster);
        })
        .start();
    Edge { envoy }
}

#[test]
fn a_server_writes_to_a_bucket_in_each_region_and_is_held_to_them() {
    let Some(moto) = Moto::start() else { return };
    let environment = moto.environment(&moto.secret);
    let environment = environment.map(|(name, value)| (name, value.into()));
    let mut world = World::start_in(environment.into(), |data| feed(data, BUCKETS));
    world.account("acct_widgets");
    let (_, kept) = world.customer_key();
    let (ended, ended_value) = world.customer_key();
    let edges = ["keyward-feeds", "keyward-mirror"].map(|bucket| reading(&moto, &world, bucket));
    for edge in &edges {
        edge.comes_to(&kept, 200);
        edge.comes_to(&ended_value, 200);
    }
    let database = world.data().join("keyward.db");
    let backup = world.folder.path().join("backup.db");
    let backed_up = crate::world::command()
        .args(["backup", "--data"])
        .arg(world.data())
        .arg(&backup)
        .status();
    assert!(backed_up.unwrap().success());
    let said = world.expire(&ended, 2);
    // Those who read a bucket do not report to the server.
    assert_eq!(said["state"], "published", "{said}");
    assert!(said["latest_by"].is_string(), "{said}");
    for edge in &edges {
        edge.comes_to(&ended_value, 401);
        edge.comes_to(&kept, 200);
    }
    eventually("no mirror is behind", BOUND, || {
        world
            .measures("keyward_server_feed_mirrors_behind 0")
            .then_some(())
    });

    // The whole disk is lost, and the store comes from a backup. Only the buckets know what ended since.
    world.kill();
    fs::remove_dir_all(world.data().join("feed")).unwrap();
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", database.display()));
    }
    fs::copy(&backup, &database).unwrap();
    // The file of the Envoy before the server is new as well.
    world.configure(|text| {
        let (before, after) = text.split_once("[[publish]]").unwrap();
        format!("{before}\n[{}", after.split_once("\n[").unwrap().1)
    });
    let refused = world.command("serve", &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("`keyward-server resume`"),
        "{said}"
    );
    assert!(
        said.contains("s3://keyward-feeds/feeds/prod/edge"),
        "{said}"
    );
    let resumed = world.command("resume", &[]);
    let said = String::from_utf8_lossy(&resumed.stdout);
    assert!(
        resumed.status.success() && said.contains(&format!("{ended}: ")),
        "{said}"
    );
    world.serve(&[]);
    eventually("the buckets follow", BOUND, || {
        world
            .measures("keyward_server_feed_mirrors_behind 0")
            .then_some(())
    });
    for edge in &edges {
        edge.comes_to(&ended_value, 401);
        edge.comes_to(&kept, 200);
    }

    // The buckets' store ends: the server continues, and reports it.
    drop(moto);
    let (id, _) = world.customer_key();
    assert_eq!(world.expire(&id, 1)["state"], "published");
    assert!(
        world.measures("keyward_server_feed_mirrors_behind 2"),
        "{}",
        world.metrics()
    );
}

#[test]
fn while_the_server_is_gone_gateways_start_from_its_mirror() {
    let mut world = World::start_with(|data| {
        fs::create_dir(data.join("mirror")).unwrap();
        feed(data, "mirrors = [\"mirror\"]\n");
    });
    world.account("acct_widgets");
    let data = world.data();
    let mirror = Served::start(&data.join("mirror/edge"));
    let sources = [world.gateway, mirror.address];
    let public_key = fs::read_to_string(data.join("feed.pub")).unwrap();
    let start = |name: &str, key: &str| Edge::trusting(name, key, &sources, &[&public_key]);
    let (_, kept) = world.customer_key();
    let (ended, ended_value) = world.customer_key();
    let (later, later_value) = world.customer_key();
    let key = world.gateway_key("edge-1");
    let running = start("edge-1", &key);
    running.comes_to(&kept, 200);
    world.expire(&ended, 0);
    running.comes_to(&ended_value, 401);
    eventually("the mirror has it", BOUND, || {
        world
            .measures("keyward_server_feed_mirrors_behind 0")
            .then_some(())
    });

    // The server and the Envoy in front of it have ended. Running gateways continue, and new ones load everything.
    world.kill_gateway();
    let started = start("edge-1", &key);
    for edge in [&running, &started] {
        edge.comes_to(&kept, 200);
        edge.comes_to(&ended_value, 401);
    }
    // The server comes back elsewhere, and what it writes reaches both by the mirror.
    world.serve(&[]);
    let path = format!("/v2/iam/api_keys/{later}/expire");
    let ended = crate::world::straight(&data.join("admin/admin.sock"), "POST", &path, &[], None);
    assert_eq!(ended.0, 200, "{}", ended.1);
    for edge in [&running, &started] {
        edge.comes_to(&later_value, 401);
        edge.comes_to(&kept, 200);
    }
}
