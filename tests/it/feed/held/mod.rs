//! What must hold over time, whatever breaks on the way: the last good snapshot stays in use, no
//! key works unless a verified head allowed it, and the gateway recovers by itself.

mod cutting;
mod endless;
mod vms;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{everywhere, followers};
use crate::fail_closed::{ALICE, BOB, STRANGER, ask, snapshot, status};
use crate::support::builder::Builder;
use crate::support::feed::{CLUSTER, Feed, cluster, configuration};
use crate::support::http::Connection;
use crate::support::process::Folder;
use crate::support::{BOUND, Envoy, eventually};
use cutting::Cutting;

const WORKERS: u32 = 10;

/// How long the source waits with an answer if nothing changes.
const WAIT: Duration = Duration::from_secs(2);

/// How many changes are published in a row.
const CHANGES: u64 = 1_000;

/// An Envoy whose cluster for the feed comes by discovery, and can disappear.
struct Gateway {
    envoy: Envoy,
    clusters: Arc<Folder>,
}

impl Gateway {
    fn start(first: &Value, builder: Builder) -> Self {
        let clusters = Arc::new(Folder::new("feed-clusters"));
        let path = clusters.path().join("clusters.json");
        write(&clusters, Some(first));
        let envoy = builder
            .config(configuration().to_string())
            .edit(move |bootstrap| {
                bootstrap["dynamic_resources"] = json!({"cds_config": {"resource_api_version": "V3",
                    "path_config_source": {"path": path, "watched_directory": {"path": path.parent().unwrap()}}}});
                bootstrap["node"] = json!({"id": "held", "cluster": "held"});
            })
            .start();
        Self { envoy, clusters }
    }

    /// Replaces the cluster of the feed with another one, or removes it.
    fn lead(&self, cluster: Option<&Value>) {
        let updates = self.envoy.stat("cluster_manager.cds.update_success");
        write(&self.clusters, cluster);
        eventually("Envoy took the clusters", BOUND, || {
            (self.envoy.stat("cluster_manager.cds.update_success") > updates).then_some(())
        });
    }

    /// Causes a fault, and waits until the log reports it once more. Meanwhile the gateway answers
    /// as before.
    #[track_caller]
    fn breaks(&self, told: &str, how: impl FnOnce()) {
        let count = || self.envoy.logs().matches(told).count();
        let before = count();
        how();
        eventually(told, BOUND, || (count() > before).then_some(()));
        assert_eq!(status(&self.envoy, ALICE), 200, "{told}");
        assert_eq!(status(&self.envoy, STRANGER), 401, "{told}");
    }
}

fn write(folder: &Folder, cluster: Option<&Value>) {
    let mut resources: Vec<Value> = cluster.into_iter().cloned().collect();
    for resource in &mut resources {
        resource["@type"] = json!("type.googleapis.com/envoy.config.cluster.v3.Cluster");
    }
    let version = crate::support::feed::now();
    let text = json!({"version_info": version.to_string(), "resources": resources}).to_string();
    let aside = folder.path().join("clusters.new");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, folder.path().join("clusters.json")).unwrap();
}

/// Ends the watch, even if the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends a stranger's requests until `is_over`. Returns the number of requests, and how many were
/// not denied. Uses one connection, because a caller that asks every worker may be the only one to
/// open connections.
fn strangers(connection: &mut Connection, is_over: &AtomicBool) -> (usize, usize) {
    let (mut asked, mut passed) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        asked += 1;
        passed += usize::from(ask(connection, STRANGER).status != 401);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (asked, passed)
}

#[test]
fn ten_workers_follow_whatever_becomes_of_the_way_and_leak_nothing() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let there = cluster(CLUSTER, feed.address());
    let gateway = Gateway::start(&there, Envoy::builder().concurrency(WORKERS));
    let envoy = &gateway.envoy;
    everywhere(envoy, ALICE, 200);
    let is_over = AtomicBool::new(false);
    let mut connection = Connection::open(envoy.address());
    let mut revision = 1;
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let watch = scope.spawn(|| strangers(&mut connection, &is_over));
        // Publishes a snapshot, and waits until every worker serves it.
        let mut follows = |keys: &[&str], is_there: u16| {
            revision += 1;
            feed.publish(&snapshot(revision, keys));
            everywhere(envoy, BOB, is_there);
            everywhere(envoy, ALICE, 200);
        };
        follows(&[ALICE, BOB], 200);

        gateway.breaks("keyward: feed `prod`", || gateway.lead(None));
        gateway.lead(Some(&there));
        follows(&[ALICE], 401);

        let mut nowhere = there.clone();
        nowhere["type"] = json!("STRICT_DNS");
        nowhere["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
            ["address"] = json!("nowhere.invalid");
        gateway.breaks("keyward: feed `prod`", || gateway.lead(Some(&nowhere)));
        gateway.lead(Some(&there));
        follows(&[ALICE, BOB], 200);

        // Every answer is cut at another place, until each place was used.
        let cutting = Cutting::start(feed.address());
        let cut = cluster(CLUSTER, cutting.address());
        feed.waits(false);
        gateway.breaks("keyward: feed `prod`", || gateway.lead(Some(&cut)));
        let mut number = revision;
        eventually(
            "answers were cut at all of these places",
            cutting.bound(),
            || {
                number += 1;
                let keys: &[&str] = if number % 2 == 0 {
                    &[ALICE, BOB]
                } else {
                    &[ALICE]
                };
                feed.publish(&snapshot(number, keys));
                assert_eq!(status(envoy, ALICE), 200);
                std::thread::sleep(std::time::Duration::from_millis(100));
                cutting.is_done().then_some(())
            },
        );
        feed.waits(true);
        gateway.lead(Some(&there));
        revision = number;
        let mut follows = |keys: &[&str], is_there: u16| {
            revision += 1;
            feed.publish(&snapshot(revision, keys));
            everywhere(envoy, BOB, is_there);
        };
        follows(&[ALICE, BOB], 200);
        follows(&[ALICE], 401);
        drop(over);
        let (asked, passed) = watch.join().unwrap();
        assert!(asked > 100 && passed == 0, "{passed} of {asked}");
    });
    leaks_nothing(&feed, envoy, revision);
}

/// Publishes many changes in a row: memory and connections stay at the level of the first changes.
fn leaks_nothing(feed: &Feed, envoy: &Envoy, mut revision: u64) {
    let mut change = |times: u64| {
        for number in 1..=times {
            revision += 1;
            let keys: &[&str] = if number % 2 == 0 {
                &[ALICE, BOB]
            } else {
                &[ALICE]
            };
            feed.publish(&snapshot(revision, keys));
            eventually("the newest is served", BOUND, || {
                let gauge = envoy.stats("keyward[_.]snapshot_revision$");
                gauge.values().any(|it| *it == revision).then_some(())
            });
        }
        everywhere(envoy, BOB, 200);
        (
            resident(envoy),
            envoy.stat(&format!("cluster.{CLUSTER}.upstream_cx_active")),
        )
    };
    let (before, _) = change(CHANGES / 10);
    let (after, connections) = change(CHANGES);
    let grown = after.saturating_sub(before) >> 20;
    println!("{grown} MiB more after {CHANGES} changes");
    // A leak of 2 KiB a change in each of 11 VMs would be 21 MiB.
    assert!(grown < 20, "{grown} MiB more after {CHANGES} changes");
    let followers = u64::try_from(followers(WORKERS.try_into().unwrap())).unwrap();
    assert!(connections <= 4 * followers, "{connections}");
    // No VM polls more often than the feed changes: of three polls by each, at least one waited for
    // a whole answer.
    feed.forget();
    let begin = std::time::Instant::now();
    eventually("polls", BOUND, || {
        let seen = feed.seen();
        let polls = seen.iter().filter(|seen| seen.path.ends_with(b"/head"));
        (polls.count() >= 3 * usize::try_from(followers).unwrap()).then_some(())
    });
    let took = begin.elapsed();
    assert!(took >= WAIT, "{took:?}");
}

/// Bytes of memory that Envoy's process has.
pub fn resident(envoy: &Envoy) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", envoy.process_id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
