//! Packed configurations with a real Envoy, and with the command.

use serde_json::Value;

use crate::fail_closed::{ALICE, BOB, STRANGER, configuration};
use crate::support::{BOUND, Ecds, Envoy, Push, Wrapper, eventually, packed};

fn status(envoy: &Envoy, key: &str) -> u16 {
    let authorization = format!("Bearer {key}");
    envoy
        .get("/v1/balance", &[("authorization", authorization)])
        .status
}

#[track_caller]
fn becomes(envoy: &Envoy, key: &str, expected: u16) {
    eventually(&format!("{key}: {expected}"), BOUND, || {
        (status(envoy, key) == expected).then_some(())
    });
}

fn bytes(configuration: &Value) -> Vec<u8> {
    packed(&configuration.to_string()).unwrap()
}

#[test]
fn packed_and_json_pushes_take_turns() {
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder().ecds(Ecds::Pb).config(start).start();
    becomes(&envoy, ALICE, 200);
    let push = |content: &[u8]| envoy.push_pb_and_wait(Wrapper::Bytes, content, BOUND);
    let two = bytes(&configuration(2, &[BOB]));
    assert_eq!(push(&two), Push::Accepted);
    becomes(&envoy, BOB, 200);
    assert_eq!(status(&envoy, ALICE), 401);
    assert_eq!(status(&envoy, STRANGER), 401);
    let three = configuration(3, &[ALICE]).to_string();
    assert_eq!(push(three.as_bytes()), Push::Accepted);
    becomes(&envoy, ALICE, 200);
    assert_eq!(status(&envoy, BOB), 401);
    let mut four = configuration(4, &[BOB]);
    four["serve_mode"] = "live".into();
    assert_eq!(push(&bytes(&four)), Push::Accepted);
    becomes(&envoy, ALICE, 401);
    let denied = envoy.get("/v1/balance", &[("authorization", format!("Bearer {BOB}"))]);
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("livemode_mismatch"),
        "the settings are before the snapshot"
    );
}

#[test]
fn a_broken_packed_push_is_refused_with_its_place_and_the_last_good_one_goes_on() {
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder().ecds(Ecds::Pb).config(start).start();
    becomes(&envoy, ALICE, 200);
    let good = bytes(&configuration(2, &[BOB]));
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let checksum = "snapshot: the checksum is another";
    let length = "snapshot: expected as many bytes as the header counts";
    let cases = [
        (flipped(good.len() - 40), checksum),
        (good[..good.len() - 1].to_vec(), length),
        ([&good[..], b"x"].concat(), length),
        (good[..16].to_vec(), "expected settings of at most 1 MiB"),
        (flipped(8), "expected version 1 of the packed form"),
    ];
    for (bad, expected) in cases {
        let verdict = envoy.push_pb_and_wait(Wrapper::Bytes, &bad, BOUND);
        assert_eq!(verdict, Push::Rejected, "{expected}");
        let line = format!("keyward: configuration refused: {expected}");
        assert!(envoy.logs().contains(&line), "{line}\n{}", envoy.logs());
        assert_eq!(status(&envoy, ALICE), 200);
        assert_eq!(status(&envoy, BOB), 401);
    }
    let verdict = envoy.push_pb_and_wait(Wrapper::Bytes, &good, BOUND);
    assert_eq!(verdict, Push::Accepted);
    becomes(&envoy, BOB, 200);
}
