//! The cost of a decision by the number of keys: a restricted key reads a customer. Measured with
//! the same key every time, and with some thousands in turn, which also shows the effect of a
//! larger table on the processor's caches.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use divan::black_box;
use keyward::configuration::{Configuration, packed_settings};
use keyward::decision::{Decision, Environment, decide};
use keyward::digest::KeyDigest;
use keyward::request::RequestHead;
use keyward::snapshot::packed::Packed;

/// The number of keys that are used in turn.
const ACTIVE: usize = 4_096;

/// The number of rounds over all keys. The fastest one counts, because nothing else ran at the same
/// time.
const ROUNDS: usize = 25;

struct Nowhere;

impl Environment for Nowhere {
    fn now(&self) -> Option<u64> {
        None
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}

fn key(number: usize) -> String {
    format!("rk_test_FAKE-{number:08}-{}", "x".repeat(80))
}

/// Returns a packed configuration with this many restricted keys, ten per account, and 50 grant
/// sets.
fn configuration(keys: usize) -> Configuration {
    let accounts = keys.div_ceil(10);
    let mut json =
        r#"{"format":"keyward.snapshot/v1","revision":7,"issued_at":1795194529,"accounts":["#
            .to_owned();
    for number in 0..accounts {
        let comma = if number == 0 { "" } else { "," };
        write!(json, r#"{comma}{{"id":"acct_{number:016}"}}"#).unwrap();
    }
    json.push_str(r#"],"grant_sets":{"#);
    for number in 0..50 {
        let comma = if number == 0 { "" } else { "," };
        write!(
            json,
            r#"{comma}"set_{number}":{{"customer":"read","charge":"write","balance":"read"}}"#
        )
        .unwrap();
    }
    json.push_str(r#"},"keys":["#);
    for number in 0..keys {
        let comma = if number == 0 { "" } else { "," };
        let digest = KeyDigest::of(key(number).as_bytes());
        let id: String = KeyDigest::of(&number.to_le_bytes())
            .to_string()
            .chars()
            .take(24)
            .collect();
        let (owner, set) = (number % accounts, number % 50);
        write!(json, r#"{comma}{{"id":"mk_{id}","sha256":"{digest}","kind":"restricted","livemode":false,"owner":"acct_{owner:016}","grants":"set_{set}"}}"#).unwrap();
    }
    json.push_str("]}");
    let (head, profile) = packed_settings(b"{}").unwrap();
    let packed = Packed::from_json(json.as_bytes(), &profile).unwrap();
    drop(json);
    Configuration::read(&[head, packed.chunks().unwrap().concat()].concat()).unwrap()
}

/// Returns the time of one decision: for the first key every time, and for [`ACTIVE`] keys in turn.
fn times(keys: usize) -> [Duration; 2] {
    let configuration = configuration(keys);
    let authorizations: Vec<String> = (0..ACTIVE)
        .map(|number| format!("Bearer {}", key(number * keys.div_ceil(ACTIVE) % keys)))
        .collect();
    let requests: Vec<RequestHead<'_>> = authorizations
        .iter()
        .map(|authorization| {
            let headers = [
                (&b":method"[..], &b"GET"[..]),
                (b":path", b"/v1/customers/cus_1"),
                (b"authorization", authorization.as_bytes()),
                (b"stripe-version", b"2026-10-28.endive"),
            ];
            RequestHead::read(
                configuration.profile(),
                configuration.identity_names(),
                headers,
                false,
            )
        })
        .collect();
    let allow = |request: &RequestHead<'_>| {
        let decision = decide(black_box(&configuration), black_box(request), &Nowhere);
        assert!(matches!(decision, Decision::Allow(_)));
    };
    let quickest = |round: &dyn Fn()| {
        let time = |_| {
            let start = Instant::now();
            round();
            start.elapsed()
        };
        (0..ROUNDS).map(time).min().unwrap() / u32::try_from(ACTIVE).unwrap()
    };
    let first = requests.first().unwrap();
    [
        quickest(&|| (0..ACTIVE).for_each(|_| allow(first))),
        quickest(&|| requests.iter().for_each(allow)),
    ]
}

/// Writes one line for each bound.
pub(crate) fn bounds(mut line: impl FnMut(&str, String, String, bool)) {
    let [few, many] = [1, 1_000_000].map(times);
    let whose = ["of one key over and over", "of 4,096 keys in turn"];
    for (whose, (few, many)) in whose.iter().zip(few.iter().zip(many)) {
        let change = many.as_secs_f64() / few.as_secs_f64() - 1.0;
        line(
            &format!("deciding among 1,000,000 keys against 1, {whose}"),
            "+25 %".to_owned(),
            format!(
                "{:+.0} % ({} ns, {} ns)",
                change * 100.0,
                few.as_nanos(),
                many.as_nanos()
            ),
            change <= 0.25,
        );
    }
}
