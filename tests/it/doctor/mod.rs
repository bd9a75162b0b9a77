//! Runs `keyward doctor` against real Envoys: the one that keyward ships, and the same with each
//! fault that the doctor must find.

mod broken;
mod counted;
mod feed;
mod server;
mod variants;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Output;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::Envoy;
use crate::support::builder::Builder;
use crate::support::command::{command, fed};

const ALICE: &str = "sk_test_FAKE-alice-0001";

/// Returns a correct configuration.
fn configuration() -> Value {
    let sha256 = KeyDigest::of(ALICE.as_bytes()).to_string();
    json!({"max_snapshot_age": 100_000_000, "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1_795_194_529, "accounts": [{"id": "acct_1"}],
        "keys": [{"id": "mk_1", "sha256": sha256, "kind": "secret", "livemode": false, "owner": "acct_1", "allowed_ips": ["127.0.0.0/8"]}]}})
}

fn builder() -> Builder {
    Envoy::builder().config(configuration().to_string())
}

/// The checks that found something, with their level. Notes are left out.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    code: Option<i32>,
    text: String,
}

impl Diagnosis {
    pub(crate) fn of(envoy: &Envoy, arguments: &[&str]) -> Self {
        let url = format!("http://{}", envoy.admin_address());
        Self::read(&keyward(
            &[&["doctor", "--admin", &url], arguments].concat(),
            b"",
        ))
    }

    fn read(output: &Output) -> Self {
        let text = [&output.stdout[..], &output.stderr].concat();
        Self {
            code: output.status.code(),
            text: String::from_utf8(text).unwrap(),
        }
    }

    fn found(&self) -> BTreeSet<(&str, &str)> {
        self.text
            .lines()
            .filter(|line| line.starts_with("FAIL ") || line.starts_with("warn "))
            .map(|line| line.split_once(" at ").unwrap().0)
            .map(|line| line.split_once("  ").unwrap())
            .collect()
    }

    pub(crate) fn has(&self, level: &str, check: &str) -> bool {
        self.found().contains(&(level, check))
    }

    /// Asserts that the doctor found only this, and that its exit code agrees.
    #[track_caller]
    pub(crate) fn assert_found(&self, expected: &[(&str, &str)]) {
        assert_eq!(
            self.found(),
            expected.iter().copied().collect(),
            "{}",
            self.text
        );
        let fails = expected.iter().any(|(level, _)| *level == "FAIL");
        assert_eq!(self.code, Some(i32::from(fails)), "{}", self.text);
        assert!(!self.text.contains("FAKE"), "{}", self.text);
    }
}

fn keyward(arguments: &[&str], input: &[u8]) -> Output {
    fed(command().args(arguments), input)
}

/// Runs as a check at the start, next to an Envoy that has not started yet.
#[test]
fn it_waits_for_an_envoy_that_is_about_to_start() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://127.0.0.1:{port}");
    let given_up = keyward(&["doctor", "--admin", &url, "--wait", "0.2s"], b"");
    let given_up = Diagnosis::read(&given_up);
    assert_eq!(given_up.code, Some(4), "{given_up:?}");
    assert!(
        given_up.text.contains("/ready` does not answer"),
        "{given_up:?}"
    );

    let waiting = std::thread::spawn(move || {
        Diagnosis::read(&keyward(
            &["doctor", "--admin", &url, "--wait", "60s", "--strict"],
            b"",
        ))
    });
    let _envoy = builder()
        .edit(move |all| all["admin"]["address"]["socket_address"]["port_value"] = json!(port))
        .start();
    waiting.join().unwrap().assert_found(&[]);
}

#[test]
fn what_is_shipped_is_good() {
    let envoy = builder().start();
    let diagnosis = Diagnosis::of(&envoy, &["--strict"]);
    diagnosis.assert_found(&[]);
    for check in [
        "interlock",
        "client-address",
        "underscores",
        "routes",
        "access-log",
        "stats",
        "failure-policy",
        "upgrades",
    ] {
        let good = diagnosis
            .text
            .lines()
            .find(|line| line.starts_with("good "));
        assert!(good.unwrap().contains(check), "{}", diagnosis.text);
    }
    // A saved dump gives the same result, except for the stats.
    let dump = envoy.admin("GET", "/config_dump").body;
    let saved = Diagnosis::read(&keyward(&["doctor", "--dump", "-"], &dump));
    saved.assert_found(&[]);
    assert!(saved.text.contains("interlock"), "{}", saved.text);
}

#[test]
fn what_cannot_be_read_is_never_good() {
    for (dump, told) in [
        ("", "no JSON"),
        ("{}", "expected Envoy's `/config_dump`"),
        ("[]", "expected Envoy's `/config_dump`"),
        (
            "{\"configs\": []}",
            "there is no HTTP connection manager in the dump",
        ),
        // Camel case, as other tools write it.
        (
            "{\"configs\": [{\"@type\": \"x/envoy.admin.v3.ListenersConfigDump\", \"dynamicListeners\": [{}]}]}",
            "there is no HTTP connection manager in the dump",
        ),
    ] {
        let diagnosis = Diagnosis::read(&keyward(&["doctor", "--dump", "-"], dump.as_bytes()));
        assert_eq!(diagnosis.code, Some(4), "{dump}: {}", diagnosis.text);
        assert!(diagnosis.text.contains(told), "{dump}: {}", diagnosis.text);
    }
    // No process listens on this port.
    let output = keyward(&["doctor", "--admin", "http://127.0.0.1:1"], b"");
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn warnings_fail_where_that_is_asked_for() {
    let envoy = builder().allow_underscores().start();
    Diagnosis::of(&envoy, &[]).assert_found(&[("warn", "underscores")]);
    assert_eq!(Diagnosis::of(&envoy, &["--strict"]).code, Some(1));
}
