//! Tests that the packed form contains what the JSON form does, and that arbitrary bytes are either
//! rejected or harmless to read.

mod faults;
mod users;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::layout::COVERED;
use super::*;
use crate::account::{AccountIndex, AccountPath};
use crate::digest::KeyDigest;
use crate::snapshot::tests::VALID;

fn pack(json: &str) -> Vec<u8> {
    let packed = Packed::from_json(json.as_bytes(), &Profile::stripe()).unwrap();
    packed.chunks().unwrap().concat()
}

fn open(bytes: &[u8], trust: Trust) -> Result<Snapshot, String> {
    let mut source = bytes;
    let whole = (0, bytes.len());
    let (profile, place) = (Profile::stripe(), Place::default());
    Snapshot::from_packed(&mut source, whole, &profile, trust, &place).map_err(
        |fault| match fault {
            LoadFault::Refused(refusal) => refusal.to_string(),
            LoadFault::Source(Outside) => panic!("read outside"),
        },
    )
}

/// Returns the bytes with the right checksum.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    use std::hash::Hasher;
    let mut checksum = twox_hash::XxHash64::with_seed(0);
    checksum.write(bytes.get(COVERED..).unwrap_or(&[]));
    if let Some(field) = bytes.get_mut(8..16) {
        field.copy_from_slice(&checksum.finish().to_le_bytes());
    }
    bytes
}

/// Calls everything that a snapshot offers. It must return, and must not panic.
fn look_everywhere(snapshot: &Snapshot) {
    let digests = (0..=16_u8)
        .map(|first| [first.wrapping_mul(17); 32])
        .chain(snapshot.keys().map(|(digest, _)| *digest.as_bytes()))
        .chain(
            (0..snapshot.key_count()).filter_map(|number| Some(*snapshot.keys.row(number)?.digest)),
        );
    for digest in digests.collect::<Vec<_>>() {
        let Some(key) = snapshot.key(&KeyDigest::from_bytes(digest)) else {
            continue;
        };
        assert!((1..=64).contains(&key.id().len()));
        if let Some(ips) = key.allowed_ips() {
            let _ = ips.contains([10, 1, 2, 3].into());
        }
        let charge = snapshot.permissions().find("charge").unwrap();
        for grants in [key.grants(), key.connect_grants()].into_iter().flatten() {
            let _ = grants.allow(charge, AccessLevel::Read);
        }
        let _ = snapshot.accounts().account(key.owner());
        let _ = snapshot.accounts().root(key.owner());
    }
    let prefixes = &Profile::stripe().names().ids.clone();
    for id in ["acct_1", "acct_2", "org_1"] {
        let found = snapshot.accounts().find(id);
        for start in found.into_iter().chain((0..4).map(AccountIndex)) {
            let _ = snapshot.accounts().root(start);
            let path = AccountPath::parse("acct_1/acct_2/acct_3", prefixes).unwrap();
            let _ = snapshot.accounts().reaches(start, path, |_| true);
        }
    }
}

/// Normalizes a JSON snapshot: members with default values are left out, and lists are sorted.
fn plain(mut json: Value) -> Value {
    for key in json["keys"].as_array_mut().unwrap() {
        let members = key.as_object_mut().unwrap();
        members.remove("annotations");
        members.retain(|_, value| !["active", "enforce"].iter().any(|usual| value == usual));
    }
    for account in json["accounts"].as_array_mut().unwrap() {
        let usual = ["active", "listed"];
        let members = account.as_object_mut().unwrap();
        members.retain(|_, value| !usual.iter().any(|usual| value == usual));
    }
    for list in ["keys", "accounts"] {
        let list = json[list].as_array_mut().unwrap();
        list.sort_by_key(|one| one["id"].as_str().unwrap().to_owned());
    }
    if json["empty"] == json!(false) {
        json.as_object_mut().unwrap().remove("empty");
    }
    json
}

#[test]
fn what_is_packed_is_unpacked_as_it_was() {
    let packed = Packed::from_bytes(&pack(VALID)).unwrap();
    let unpacked = packed.unpack(&Profile::stripe()).unwrap();
    let json = serde_json::to_value(&unpacked).unwrap();
    let valid: Value = serde_json::from_str(VALID).unwrap();
    assert_eq!(plain(json.clone()), plain(valid));
    // And back again, to exactly the same bytes.
    assert_eq!(pack(&json.to_string()), pack(VALID));
}

#[test]
fn both_forms_say_the_same() {
    let json = Snapshot::from_json(VALID.as_bytes(), &Profile::stripe()).unwrap();
    for trust in [Trust::Nothing, Trust::Content] {
        let packed = open(&pack(VALID), trust).unwrap();
        assert_eq!(packed.revision(), json.revision());
        assert_eq!(packed.issued_at(), json.issued_at());
        assert!(packed.serves_version("2020-08-27") && !packed.serves_version("2020-08-28"));
        let said = |snapshot: &Snapshot| {
            let keys = snapshot
                .keys()
                .map(|(digest, key)| format!("{digest} {key:?}"));
            let accounts = snapshot
                .accounts()
                .iter()
                .map(|account| format!("{account:?}"));
            keys.chain(accounts).collect::<Vec<_>>()
        };
        assert_eq!(said(&packed), said(&json));
        assert_eq!(said(&packed).len(), 6);
        look_everywhere(&packed);
    }
}

#[test]
fn no_keys_are_packed_like_any() {
    let empty =
        r#"{"format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1, "empty": true}"#;
    let snapshot = open(&pack(empty), Trust::Nothing).unwrap();
    assert_eq!((snapshot.key_count(), snapshot.accounts().len()), (0, 0));
    look_everywhere(&snapshot);
}

/// Returns [`VALID`] without the built-in endpoints, which would take time.
fn small() -> Vec<u8> {
    pack(&VALID.replace("\"catalogue\": \"stripe\"", "\"catalogue\": \"none\""))
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_does_no_harm() {
    let good = small();
    for at in 0..good.len() {
        for bits in [1 << (at % 8), 0x80 >> (at % 5), 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= bits;
            assert!(open(&bytes, Trust::Nothing).is_err(), "byte {at}");
            // Without the checksum, or with the right one, it is another snapshot, or none.
            for bytes in [bytes.clone(), sealed(bytes)] {
                for trust in [Trust::Nothing, Trust::Content] {
                    if let Ok(snapshot) = open(&bytes, trust) {
                        look_everywhere(&snapshot);
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_or_has_something_behind_it_is_refused() {
    let good = small();
    for length in 0..good.len() {
        for bytes in [good[..length].to_vec(), sealed(good[..length].to_vec())] {
            for trust in [Trust::Nothing, Trust::Content] {
                assert!(open(&bytes, trust).is_err(), "{length} bytes");
            }
        }
    }
    let longer = sealed([&good[..], &[0]].concat());
    for trust in [Trust::Nothing, Trust::Content] {
        let refusal = open(&longer, trust).unwrap_err();
        assert_eq!(refusal, "expected as many bytes as the header counts");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), from in 0_usize..1_200) {
        let mut made = small();
        let from = from.min(made.len());
        let to = (from + bytes.len()).min(made.len());
        made[from..to].copy_from_slice(&bytes[..to - from]);
        for bytes in [bytes, made.clone(), sealed(made)] {
            for trust in [Trust::Nothing, Trust::Content] {
                if let Ok(snapshot) = open(&bytes, trust) {
                    look_everywhere(&snapshot);
                }
            }
        }
    }

    #[test]
    fn any_numbers_do_no_harm(at in 0_usize..400, number in prop_oneof![any::<u32>(), 0_u32..8, (0_u32..8).prop_map(|less| u32::MAX - less)]) {
        let mut made = small();
        let at = COVERED + at * 4 % (made.len() - COVERED - 4);
        made[at..at + 4].copy_from_slice(&number.to_le_bytes());
        let made = sealed(made);
        for trust in [Trust::Nothing, Trust::Content] {
            if let Ok(snapshot) = open(&made, trust) {
                look_everywhere(&snapshot);
            }
        }
    }
}
