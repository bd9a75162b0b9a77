//! Tests that every key of a snapshot is found by its digest, and that no other digest finds one,
//! however the digests are spread.

use std::fmt::Write;

use super::*;

/// Returns a snapshot with a key for each digest. The key's id is its place.
fn of(digests: &[[u8; 32]]) -> Snapshot {
    let mut json = r#"{"format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1795194529, "accounts": [{"id": "acct_1"}], "keys": ["#.to_owned();
    for (place, digest) in digests.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let digest = KeyDigest::from_bytes(*digest);
        write!(json, r#"{comma}{{"id": "mk_{place}", "sha256": "{digest}", "kind": "secret", "livemode": false, "owner": "acct_1"}}"#).unwrap();
    }
    json.push_str("]}");
    read(&json).unwrap()
}

/// Returns the digests just before and after, as numbers.
fn neighbours(digest: [u8; 32]) -> [[u8; 32]; 2] {
    [0xff_u8, 1].map(|step| {
        let mut digest = digest;
        for byte in digest.iter_mut().rev() {
            let before = *byte;
            *byte = before.wrapping_add(step);
            let carries = if step == 1 {
                before == 0xff
            } else {
                before == 0
            };
            if !carries {
                break;
            }
        }
        digest
    })
}

#[track_caller]
fn assert_found(mut digests: Vec<[u8; 32]>) {
    digests.sort_unstable();
    digests.dedup();
    let snapshot = of(&digests);
    for (place, digest) in digests.iter().enumerate() {
        let key = snapshot.key(&KeyDigest::from_bytes(*digest)).unwrap();
        assert_eq!(key.id(), format!("mk_{place}"));
        for other in neighbours(*digest) {
            let found = snapshot.key(&KeyDigest::from_bytes(other));
            assert_eq!(found.is_some(), digests.contains(&other));
        }
    }
}

fn number(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

#[test]
fn keys_whose_digests_are_spread_evenly_are_found() {
    for count in [1, 2, 7, 8, 9, 100, 3_000] {
        let digest = |of: u32| *KeyDigest::of(&number(of)).as_bytes();
        assert_found((0..count).map(digest).collect());
    }
}

#[test]
fn keys_whose_digests_are_not_are_found_too() {
    let with = |start: u8, place: usize, value: u32| {
        let mut digest = [start; 32];
        digest[place..place + 4].copy_from_slice(&number(value));
        digest
    };
    let mut all = Vec::new();
    // In one bucket, equal in the bits where the search begins, at both ends and in the middle.
    for start in [0, 0x5a, 0xff] {
        let few = (0..200).map(|value| with(start, 28, value));
        all.extend(few.clone());
        assert_found(few.collect());
    }
    // At the ends of buckets.
    for value in (0..64).map(|step: u32| step << 26) {
        all.extend([with(0, 0, value), with(0xff, 0, value | 0x03ff_ffff)]);
    }
    all.extend([[0; 32], [0xff; 32]]);
    assert_found(all);
}
