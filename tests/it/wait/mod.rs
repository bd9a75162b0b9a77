//! `keyward wait` against a real Envoy: what it reports is true on every worker, and it never
//! reports too early.

mod refusals;
mod workers;

use std::time::Duration;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, CAROL, STRANGER, ask, configuration, heavy};
use crate::support::command::{Said, keyward};
use crate::support::http::Connection;
use crate::support::{BOUND, Envoy, Push, eventually, find};

fn wait(arguments: &[&str]) -> Said {
    keyward(&[&["wait"], arguments].concat())
}

fn url(envoy: &Envoy) -> String {
    format!("http://{}", envoy.admin_address())
}

/// Waits for `revision` on one Envoy.
fn wait_for(envoy: &Envoy, revision: u64, timeout: &str) -> Said {
    let (revision, url) = (revision.to_string(), url(envoy));
    wait(&[
        "--revision",
        &revision,
        "--admin",
        &url,
        "--timeout",
        timeout,
    ])
}

#[track_caller]
pub fn serves(envoy: &Envoy, revision: u64) {
    let said = wait_for(envoy, revision, "30s");
    let expected = format!(
        "{}: serves revision {revision} on every worker\n",
        url(envoy)
    );
    assert_eq!(
        (said.code, said.out),
        (Some(0), expected),
        "{}\n{}",
        said.err,
        envoy.logs()
    );
}

#[track_caller]
fn is_behind(envoy: &Envoy, revision: u64, why: &str) {
    let said = wait_for(envoy, revision, "1s");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains(why), "{}{}", said.out, said.err);
}
