//! A target that cannot be written. It prevents no key from ending, and stops no other target.

use std::fs;
use std::time::Instant;

use keyward_files::publish::{Found, Target as Published};
use serde_json::Value;
use tokio::time::sleep;

use super::*;
use crate::configuration::{Group, Target};
use crate::store::tests::{Fixture, entry, wait};

/// The snapshot in a target.
fn snapshot(path: &Path) -> Option<Value> {
    let target = Published::ecds(path, None, true);
    let found = Found::at(&target).ok()?;
    let configuration: Value = serde_json::from_str(&found.configuration?).ok()?;
    configuration.get("snapshot").cloned()
}

#[test]
fn a_target_that_cannot_be_written_stops_no_end_and_no_other_target() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    let (broken, good) = (folder.join("broken"), folder.join("good"));
    let file = |folder: &Path| folder.join("keyward.yaml");
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/ecds/keyward.yaml");
    let targets = [&broken, &good].map(|folder| {
        fs::create_dir(folder).unwrap();
        wait(first(&fixture.store, &file(folder), &template)).unwrap();
        Target {
            file: file(folder),
            group: Group::Edge,
        }
    });
    let away = folder.join("away");
    wait(async {
        let targets = Targets {
            files: &targets,
            feed: None,
        };
        let publisher = Publisher::start(&fixture.store, targets, Manner::Snapshot)
            .await
            .unwrap();
        let before = snapshot(&file(&good)).unwrap();
        // A file is in the place of the folder, so nothing can be written into it.
        fs::rename(&broken, &away).unwrap();
        fs::write(&broken, "").unwrap();
        let change: std::result::Result<u64, StoreError> = fixture
            .store
            .end(|tx| Ok(tx.record(entry("api_key_expired"))?.sequence))
            .await;
        let change = change.unwrap();
        publisher.wake(Haste::AtOnce);
        let is_new =
            || snapshot(&file(&good)).is_some_and(|now| now["revision"] != before["revision"]);
        let until = Instant::now() + Duration::from_secs(30);
        while !is_new() && Instant::now() < until {
            sleep(Duration::from_millis(10)).await;
        }
        assert!(is_new(), "the other one is written");
        assert!(publisher.state().through < change, "and not all are");

        fs::remove_file(&broken).unwrap();
        fs::rename(&away, &broken).unwrap();
        publisher.wait(change, Duration::from_secs(30)).await;
        assert!(publisher.state().through >= change, "it is tried again");
        let revision =
            |folder: &Path| snapshot(&file(folder)).map(|found| found["revision"].clone());
        assert_eq!(revision(&broken), revision(&good));
    });
}
