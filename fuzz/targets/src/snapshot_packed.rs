//! The packed form of a snapshot: any bytes are accepted or rejected. An accepted one unpacks to
//! JSON with the same meaning, which packs to the same bytes again. If bytes are accepted on trust,
//! every look-up in them is safe, whatever they are.

use std::hash::Hasher;

use keyward::account::AccountPath;
use keyward::digest::KeyDigest;
use keyward::permission::AccessLevel;
use keyward::refusal::Place;
use keyward::snapshot::Snapshot;
use keyward::snapshot::packed::{LoadFault, Packed, Trust};
use serde_json::Value;
use twox_hash::XxHash64;

use super::snapshot_json::{list, text, told};
use super::{STRIPE, assert_tells_no_key};

const MAGIC: &[u8] = b"\x89KWS\r\n\x1a\n";

/// The length of what the checksum does not cover. The version follows.
const COVERED: usize = 16;
const VERSION: [u8; 4] = [1, 0, 0, 0];

/// The input is JSON to pack, or else a packed snapshot after its checksum. The checksum is
/// corrected, because otherwise nothing would get past it.
pub fn run(input: &[u8]) {
    if input.starts_with(b"{") {
        return json(input);
    }
    for bytes in [input.to_vec(), sealed(input)] {
        let strict = load(&bytes, Trust::Nothing);
        let trusting = load(&bytes, Trust::Content);
        match (strict, trusting) {
            (Ok(strict), trusting) => {
                lookups(&bytes, &strict);
                lookups(&bytes, &trusting.unwrap());
                unpacked(&bytes, &strict);
            }
            (Err(refusal), trusting) => {
                assert_tells_no_key(&refusal);
                match trusting {
                    Ok(trusting) => lookups(&bytes, &trusting),
                    Err(refusal) => assert_tells_no_key(&refusal),
                }
            }
        }
    }
}

/// Returns a packed snapshot with the input after the version.
fn sealed(input: &[u8]) -> Vec<u8> {
    let rest = [&VERSION[..], input].concat();
    let mut checksum = XxHash64::with_seed(0);
    checksum.write(&rest);
    [MAGIC, &checksum.finish().to_le_bytes(), &rest].concat()
}

fn load(mut bytes: &[u8], trust: Trust) -> Result<Snapshot, String> {
    let whole = (0, bytes.len());
    let place = Place::default();
    Snapshot::from_packed(&mut bytes, whole, &STRIPE, trust, &place).map_err(|fault| match fault {
        LoadFault::Source(_) => "no such bytes".to_owned(),
        LoadFault::Refused(refusal) => refusal.to_string(),
    })
}

/// Asserts that accepted JSON can be packed, and has the same meaning.
fn json(input: &[u8]) {
    match Packed::from_json(input, &STRIPE) {
        Err(refusal) => {
            let of_json = Snapshot::from_json(input, &STRIPE).unwrap_err();
            assert_eq!(refusal, of_json);
        }
        Ok(packed) => {
            let bytes = packed.chunks().unwrap().concat();
            let snapshot = load(&bytes, Trust::Nothing).unwrap();
            let of_json = Snapshot::from_json(input, &STRIPE).unwrap();
            let value: Value = serde_json::from_slice(input).unwrap();
            assert_eq!(told(&snapshot, &value), told(&of_json, &value));
            lookups(&bytes, &snapshot);
            unpacked(&bytes, &snapshot);
            // A flipped bit is found.
            let at = COVERED + input.len() % (bytes.len() - COVERED);
            let mut broken = bytes;
            broken[at] ^= 1 << (input.len() % 8);
            assert!(load(&broken, Trust::Nothing).is_err());
        }
    }
}

/// Asserts that its JSON has the same meaning, and packs to the same bytes again.
fn unpacked(bytes: &[u8], snapshot: &Snapshot) {
    let packed = Packed::from_bytes(bytes).unwrap();
    let json = serde_json::to_string(&packed.unpack(&STRIPE).unwrap()).unwrap();
    let value: Value = serde_json::from_str(&json).unwrap();
    let of_json = Snapshot::from_json(json.as_bytes(), &STRIPE)
        .unwrap_or_else(|refusal| panic!("{refusal}\n{json}"));
    assert_eq!(told(&of_json, &value), told(snapshot, &value), "{json}");
    let again = Packed::from_json(json.as_bytes(), &STRIPE).unwrap();
    let once = again.chunks().unwrap().concat();
    let unpacked = serde_json::to_string(&again.unpack(&STRIPE).unwrap()).unwrap();
    let twice = Packed::from_json(unpacked.as_bytes(), &STRIPE).unwrap();
    assert!(
        twice.chunks().unwrap().concat() == once,
        "{json}\n{unpacked}"
    );
    for key in list(&value, "keys") {
        let digest = KeyDigest::from_hex(text(key, "sha256").unwrap()).unwrap();
        assert_eq!(
            snapshot.key(&digest).map(|found| found.id().to_owned()),
            text(key, "id").map(str::to_owned)
        );
    }
}

/// Looks up whatever may be in the bytes, and follows every link.
fn lookups(bytes: &[u8], snapshot: &Snapshot) {
    let accounts = snapshot.accounts();
    let mut found = 0;
    for (digest, record) in snapshot.keys() {
        found += 1;
        let _ = (
            record.id(),
            record.kind(),
            record.livemode(),
            record.is_deleted(),
        );
        let _ = (
            record.not_before(),
            record.expires_at(),
            record.enforcement(),
        );
        let _ = snapshot.key(&digest).map(|record| record.owner());
        if let Some(owner) = accounts.account(record.owner()) {
            let _ = (owner.id().len(), owner.is_suspended(), owner.is_platform());
        }
        let _ = accounts.root(record.owner()).is_some();
        if let Some(ranges) = record.allowed_ips() {
            let _ = ranges.contains("203.0.113.7".parse().unwrap());
            let _ = ranges.contains("2001:db8::1".parse().unwrap());
        }
        for grants in [record.grants(), record.connect_grants()]
            .into_iter()
            .flatten()
        {
            for permission in snapshot.permissions().iter().take(4) {
                let _ = grants.allow(permission, AccessLevel::Write);
            }
        }
        let ids = &STRIPE.names().ids;
        for path in ["acct_1", "acct_1/acct_2", "acct_a/acct_a/acct_a"] {
            let path = AccountPath::parse(path, ids).unwrap();
            let _ = accounts.reaches(record.owner(), path, |_| true);
        }
        assert!(found <= snapshot.key_count());
    }
    // Digests as they may be in the rows, and some that are not.
    for window in bytes.windows(32).rev().step_by(7).take(24) {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = snapshot.key(&KeyDigest::from_hex(&hex).unwrap()).is_some();
    }
    for id in ["acct_1", "", "zzz"] {
        let _ = accounts
            .find(id)
            .and_then(|index| accounts.root(index))
            .is_some();
    }
}
