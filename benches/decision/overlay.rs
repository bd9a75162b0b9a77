//! What a feed's deltas changed, in front of a table: look-ups ask it first.

use std::collections::BTreeSet;
use std::fs;

use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::profile::Profile;
use keyward::snapshot::Revision;
use keyward::snapshot::delta::{Delta, Touched};
use keyward::snapshot::packed::Packed;

use crate::costs::kept;
use crate::world::{Kind, World, key};

/// How many keys it has. They are among those that are used in turn.
const CHANGED: u32 = 10_000;

/// The first keys are of all kinds, the others restricted.
const FIRST: u32 = 400;

/// As `benches/gateway/bounds.rs` asks for it.
pub(crate) const OUTCOME: &str = "allowed, many in turn, 10000 in an overlay";

/// The same configuration with an overlay.
pub(crate) fn before(plain: &Configuration, keys: u32) -> Configuration {
    let profile = Profile::stripe();
    let delta = Delta::read(&delta(keys, &profile));
    let delta = delta.unwrap_or_else(|_| panic!("our own bytes are refused"));
    let snapshot = plain.snapshot().unwrap().apply(&delta, &profile);
    let snapshot = snapshot.unwrap_or_else(|_| panic!("our own delta is refused"));
    assert!(snapshot.changed_count() >= CHANGED as usize);
    plain.with_snapshot(Some(snapshot))
}

fn delta(keys: u32, profile: &Profile) -> Vec<u8> {
    let file = kept(&format!("{keys}-{CHANGED}.delta"));
    if let Some(bytes) = file.as_ref().and_then(|file| fs::read(file).ok()) {
        return bytes;
    }
    let json = World::new(keys, Kind::Restricted).snapshot(2, None);
    let packed = Packed::from_json(json.as_bytes(), profile);
    let packed = packed.unwrap_or_else(|_| panic!("our own snapshot is refused"));
    let changed = FIRST..FIRST + CHANGED;
    let digests: BTreeSet<KeyDigest> = changed
        .map(|number| KeyDigest::of(key(Kind::Restricted, number).as_bytes()))
        .collect();
    let touched = Touched {
        keys: digests,
        ..Touched::default()
    };
    let bytes = Delta::write(&packed, &touched, Revision::new(1).unwrap());
    let bytes = bytes.unwrap_or_else(|_| panic!("our own delta cannot be written"));
    if let Some(file) = file {
        fs::write(file, &bytes).unwrap();
    }
    bytes
}
