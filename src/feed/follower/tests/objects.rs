//! Tests of how objects are fetched.

use super::*;

/// Returns a base of several pieces: 16,000 keys take 600 KB.
fn large(revision: u64) -> Value {
    let keys = (0..16_000_u32).map(|number| {
        let digest = format!("{number:08x}").repeat(8);
        serde_json::json!({
            "id": format!("mk_{number:020}"), "sha256": digest, "kind": "secret",
            "livemode": true, "owner": "acct_1",
        })
    });
    state(revision, keys.collect())
}

#[test]
fn a_large_object_comes_in_pieces_of_which_four_are_under_way() {
    let mut rig = Rig::new(&large(10));
    let size = u64::from(rig.head.base.size);
    assert!(size > 2 * 262_144, "{size}");
    rig.pass(1000);
    assert_eq!(rig.served.len(), 1);
    let ranges: Vec<(u64, u64)> = rig
        .asked
        .iter()
        .filter_map(|wanted| match wanted {
            Wanted::Object { range, .. } => *range,
            Wanted::Head { .. } => None,
        })
        .collect();
    assert_eq!(ranges.first(), Some(&(0, 262_143)));
    assert_eq!(ranges.last().unwrap().1, size - 1);
    assert_eq!(u64::try_from(ranges.len()).unwrap(), size.div_ceil(262_144));
    // It is built in several steps.
    let digest = crate::digest::KeyDigest::from_hex(&"00000007".repeat(8)).unwrap();
    assert!(rig.follower.snapshot().unwrap().key(&digest).is_some());
}

#[test]
fn a_server_without_ranges_sends_all_of_it_and_that_is_as_good() {
    let mut rig = Rig::new(&large(10));
    rig.manners = [Manner::Well, Manner::Whole].into();
    rig.pass(1000);
    assert_eq!((rig.served.len(), rig.told.len()), (1, 0));
}

#[test]
fn no_object_is_taken_for_anything_without_its_hash() {
    let [first, second, _] = states();
    let bad: [(Manner, &str); 9] = [
        (Manner::Altered(|body| body[60] ^= 1), "hash"),
        (
            Manner::Altered(|body| {
                body.pop();
            }),
            "answer",
        ),
        (Manner::Altered(|body| body.push(0)), "answer"),
        (Manner::With(200, b"it works!".to_vec()), "answer"),
        (Manner::With(302, Vec::new()), "answer"),
        (Manner::With(404, b"gone".to_vec()), "missing"),
        (Manner::With(500, Vec::new()), "answer"),
        (Manner::With(503, Vec::new()), "unreachable"),
        (Manner::Encoded, "answer"),
    ];
    for (manner, word) in bad {
        let mut rig = Rig::new(&first);
        rig.manners = [Manner::Well, manner.clone()].into();
        rig.pass(500);
        assert_eq!(
            (rig.follower.word(), rig.served.len()),
            (word, 0),
            "{manner:?}"
        );
        rig.pass(10_000);
        assert_eq!(
            (rig.follower.word(), rig.served.len()),
            ("ok", 1),
            "{manner:?}"
        );
        rig.publish(&first, &second);
        rig.manners = [Manner::Well, manner.clone()].into();
        rig.pass(5900);
        assert!(
            rig.told.iter().any(|told| told.starts_with(word)),
            "{manner:?}: {:?}",
            rig.told
        );
        rig.pass(10_000);
        assert!(is_deleted(&rig, 2), "{manner:?}");
    }
}

#[test]
fn a_head_may_be_broken_in_every_manner() {
    let [first, ..] = states();
    for (manner, word) in [
        (Manner::With(302, Vec::new()), "answer"),
        (Manner::With(304, Vec::new()), "answer"),
        (Manner::With(404, Vec::new()), "answer"),
        (
            Manner::With(504, b"upstream request timeout".to_vec()),
            "unreachable",
        ),
        (Manner::With(200, Vec::new()), "signature"),
        (Manner::Encoded, "answer"),
        (Manner::Fails, "unreachable"),
    ] {
        let mut rig = Rig::new(&first);
        rig.manners = [manner.clone()].into();
        rig.pass(500);
        assert_eq!(
            (rig.follower.word(), rig.served.len()),
            (word, 0),
            "{manner:?}"
        );
        rig.pass(10_000);
        assert_eq!(rig.served.len(), 1, "{manner:?}");
    }
}

#[test]
fn a_404_in_the_middle_begins_with_the_head() {
    let mut rig = Rig::new(&large(10));
    rig.manners = [Manner::Well, Manner::Well, Manner::With(404, Vec::new())].into();
    rig.pass(500);
    assert_eq!(rig.follower.word(), "missing");
    let asked = heads(&rig);
    rig.pass(5000);
    assert_eq!((heads(&rig), rig.served.len()), (asked + 1, 1));
}

#[test]
fn what_the_memory_does_not_hold_is_not_begun() {
    let mut rig = Rig::new(&large(10));
    rig.world.room = 1000;
    rig.pass(5000);
    assert_eq!(rig.follower.word(), "memory");
    assert!(rig.asked.iter().all(|it| matches!(it, Wanted::Head { .. })));
    rig.world.room = 1 << 30;
    rig.pass(40_000);
    assert_eq!(rig.served.len(), 1);
}

#[test]
fn a_delta_that_is_refused_leaves_the_base_as_a_way() {
    let [first, second, third] = states();
    let mut rig = Rig::new(&first);
    rig.pass(10);
    rig.publish(&first, &second);
    // The object matches the head's hash, but is not a delta.
    let name = rig.head.deltas[0].sha256;
    let junk = b"\x89KWD\r\n\x1a\n and nothing that follows from it".to_vec();
    let hash = crate::feed::head::Sha256::new({
        use sha2::Digest;
        sha2::Sha256::digest(&junk).into()
    });
    rig.objects.remove(&format!("o/{name}.delta"));
    rig.objects.insert(format!("o/{hash}.delta"), junk.clone());
    rig.head.deltas[0].sha256 = hash;
    rig.head.deltas[0].size = u32::try_from(junk.len()).unwrap();
    rig.pass(20_000);
    assert_eq!((rig.follower.word(), rig.served.len()), ("object", 1));
    assert!(rig.bases >= 2);
    rig.world.now += 1000;
    rig.publish_base(&third);
    rig.pass(60_000);
    assert_eq!(rig.served.last().unwrap().0, 12);
}

#[test]
fn answers_to_calls_that_were_given_up_are_nothing() {
    let [first, ..] = states();
    let mut rig = Rig::new(&first);
    rig.waits = true;
    rig.pass(10);
    let late = rig.held.clone();
    rig.follower = rig.follower.reconfigured(feed(), None);
    rig.pass(10);
    let asked = rig.asked.len();
    for call in late {
        let out = rig
            .follower
            .answered(call.id, None, &Profile::stripe(), &mut rig.world);
        assert!(out.is_empty());
    }
    assert_eq!(rig.asked.len(), asked);
}
