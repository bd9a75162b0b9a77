//! Runs `keyward push` as a person would.

use std::fs;

use crate::fail_closed::{ALICE, configuration, status};
use crate::support::command::keyward;
use crate::support::process::Folder;
use crate::support::{BOUND, Envoy, eventually};

#[test]
fn push_reaches_a_running_envoy() {
    let envoy = Envoy::builder().start();
    assert_eq!(status(&envoy, ALICE), 503);
    let folder = Folder::new("command");
    let source = folder.path().join("keyward.json");
    fs::write(&source, configuration(8, &[ALICE]).to_string()).unwrap();
    let (source, ecds) = (source.to_str().unwrap(), envoy.ecds_file());
    let said = keyward(&["push", "-c", source, "--ecds", ecds.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let pushed = "pushed revision 8 with 1 key to ";
    assert!(said.out.starts_with(pushed), "{}", said.out);
    eventually("the pushed key to pass", BOUND, || {
        (status(&envoy, ALICE) == 200).then_some(())
    });
}
