//! Packed pushes that were cut off, damaged, or made to cause harm with a correct checksum. The
//! library decides whether each is valid, and Envoy must agree.

use std::hash::Hasher;

use keyward::configuration::Configuration;
use serde_json::json;
use twox_hash::XxHash64;

use super::malformed::Dice;
use crate::fail_closed::{ALICE, BOB, STRANGER, Watch, configuration, everywhere, status};
use crate::support::{BOUND, Ecds, Envoy, Push, Wrapper, packed};

/// The offset of the snapshot: the settings are `{}`. `docs/packed-snapshot.md` describes the
/// header.
const SNAPSHOT: usize = 18;
/// The header's numbers, which are the version and counts of four bytes each.
const NUMBERS: std::ops::Range<usize> = SNAPSHOT + 16..SNAPSHOT + 76;

/// An Envoy, a stranger who sends requests to it continuously, and what was pushed.
struct Target {
    envoy: Envoy,
    stranger: Watch,
    good: Vec<u8>,
    taken: usize,
    refused: usize,
}

impl Target {
    fn start() -> Self {
        let mut whole = configuration(5, &[ALICE]);
        let snapshot = &mut whole["snapshot"];
        snapshot["accounts"] =
            json!([{"id": "acct_1", "children": "any"}, {"id": "acct_2", "parent": "acct_1"}]);
        snapshot["grant_sets"] = json!({"support": {"customer": "read", "charge": "write"}});
        let mut limited = snapshot["keys"][0].clone();
        for (member, value) in [
            ("id", json!("mk_limited")),
            ("kind", json!("restricted")),
            ("sha256", json!("a".repeat(64))),
            ("grants", json!("support")),
            ("allowed_ips", json!(["203.0.113.0/24", "2001:db8::1"])),
            ("expires_at", json!(1_795_800_000)),
        ] {
            limited[member] = value;
        }
        snapshot["keys"].as_array_mut().unwrap().push(limited);
        let good = packed(&whole.to_string()).unwrap();
        assert!(good[SNAPSHOT..].starts_with(b"\x89KWS"));
        assert_eq!(sealed(good.clone()), good);
        let envoy = Envoy::builder()
            .ecds(Ecds::Pb)
            .config(configuration(1, &[ALICE]).to_string())
            .start();
        everywhere(&envoy, ALICE, 200);
        let stranger = Watch::start(envoy.address(), STRANGER);
        let mut target = Self {
            envoy,
            stranger,
            good,
            taken: 0,
            refused: 0,
        };
        assert_eq!(
            target.push("as it is", &target.good.clone()),
            Push::Accepted
        );
        everywhere(&target.envoy, ALICE, 200);
        target
    }

    /// Pushes bytes. Envoy must accept them exactly if the library does, and Alice's key must work
    /// as before.
    #[track_caller]
    fn push(&mut self, what: &str, bytes: &[u8]) -> Push {
        let verdict = self.envoy.push_pb_and_wait(Wrapper::Bytes, bytes, BOUND);
        let read = Configuration::read(bytes);
        let expected = if read.is_ok() {
            Push::Accepted
        } else {
            Push::Rejected
        };
        assert_eq!(verdict, expected, "{what}: {:?}", read.err());
        if verdict == Push::Accepted {
            self.taken += 1;
        } else {
            self.refused += 1;
            assert_eq!(status(&self.envoy, ALICE), 200, "{what}");
        }
        verdict
    }

    /// Like [`Self::push`], for bytes that must be rejected.
    #[track_caller]
    fn refused(&mut self, what: &str, bytes: &[u8]) {
        assert_eq!(self.push(what, bytes), Push::Rejected, "{what} is taken");
    }

    #[track_caller]
    fn end(self) {
        println!("{} taken, {} refused", self.taken, self.refused);
        let last = packed(&configuration(9_000, &[BOB]).to_string()).unwrap();
        let push = self.envoy.push_pb_and_wait(Wrapper::Bytes, &last, BOUND);
        assert_eq!(push, Push::Accepted);
        everywhere(&self.envoy, BOB, 200);
        assert_eq!(status(&self.envoy, ALICE), 401);
        let answers = self.stranger.stop();
        assert_eq!(answers.into_keys().collect::<Vec<_>>(), [401]);
        assert!(!self.envoy.logs().contains("panicked"));
        assert_eq!(
            self.envoy
                .stat("http.gateway.rbac.keyward_interlock.denied"),
            0
        );
    }
}

/// Corrects the checksum.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let (head, covered) = bytes.split_at_mut(SNAPSHOT + 16);
    let mut checksum = XxHash64::with_seed(0);
    checksum.write(covered);
    head[SNAPSHOT + 8..].copy_from_slice(&checksum.finish().to_le_bytes());
    bytes
}

#[test]
fn cut_off_and_bits_flipped() {
    let mut target = Target::start();
    let good = target.good.clone();
    for end in (1..good.len()).step_by(13) {
        target.refused(&format!("the first {end} bytes"), &good[..end]);
        if end > SNAPSHOT + 16 {
            let cut = sealed(good[..end].to_vec());
            target.refused(&format!("the first {end} bytes, sealed"), &cut);
        }
    }
    let longer = [&good[..], b"\0"].concat();
    target.refused("a byte more", &longer);
    target.refused("a byte more, sealed", &sealed(longer));
    target.refused("twice", &[&good[..], &good].concat());
    let mut dice = Dice(7);
    for _ in 0..100 {
        let mut bytes = good.clone();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
        target.refused(&format!("a bit of byte {at}"), &bytes);
    }
    target.end();
}

/// The checksum finds only accidents, so the filter must check bytes with a correct checksum as
/// well.
#[test]
fn numbers_that_are_lies() {
    let mut target = Target::start();
    let good = target.good.clone();
    for at in NUMBERS.step_by(4) {
        let number = u32::from_le_bytes(good[at..at + 4].try_into().unwrap());
        for lie in [
            0,
            number.wrapping_add(1),
            number.wrapping_sub(1),
            1 << 20,
            1 << 30,
            1 << 31,
            u32::MAX,
        ] {
            if lie == number {
                continue;
            }
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            target.refused(&format!("{lie} at {at}"), &sealed(bytes));
        }
    }
    // The settings' length, and the version before it.
    for at in [8, 12] {
        for lie in [0_u32, 3, 1 << 20, 1 << 30, u32::MAX] {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            target.refused(&format!("{lie} at {at}"), &bytes);
        }
    }
    let mut dice = Dice(23);
    for _ in 0..150 {
        let mut bytes = good.clone();
        for _ in 0..=dice.below(3) {
            let at = NUMBERS.end + dice.below(bytes.len() - NUMBERS.end);
            bytes[at] = u8::try_from(dice.below(256)).unwrap();
        }
        if target.push("bytes after the header", &sealed(bytes)) == Push::Accepted {
            let back = target.push("back", &good);
            assert_eq!(back, Push::Accepted);
            everywhere(&target.envoy, ALICE, 200);
        }
    }
    target.end();
}

/// A raw key in place of an id.
#[test]
fn a_key_in_a_packed_push_is_refused_and_not_told() {
    let mut target = Target::start();
    let leaked = b"sk_live_FAKE-51-must-never-show";
    let good = target.good.clone();
    for at in (SNAPSHOT + 76..good.len() - leaked.len()).step_by(7) {
        let mut bytes = good.clone();
        bytes[at..at + leaked.len()].copy_from_slice(leaked);
        if target.push(&format!("a key at {at}"), &sealed(bytes)) == Push::Accepted {
            assert_eq!(target.push("back", &good), Push::Accepted);
        }
    }
    everywhere(&target.envoy, ALICE, 200);
    for page in ["/stats", "/stats/prometheus", "/clusters"] {
        assert!(
            !target.envoy.admin("GET", page).text().contains("FAKE-51"),
            "{page}"
        );
    }
    assert!(!target.envoy.logs().contains("FAKE-51"));
    target.end();
}
