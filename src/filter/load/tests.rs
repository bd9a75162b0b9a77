//! Tests of what happens to a configuration, depending on its bytes and its VM.

use super::*;
use crate::configuration::packed_settings;
use crate::snapshot::packed::Packed;

/// A VM with this much free memory and this many old snapshots that streams keep.
struct FakeVm {
    bytes: Vec<u8>,
    is_fresh: bool,
    /// The free memory if nothing is pinned. Each pinned snapshot takes [`PINNED`] of it.
    room: usize,
    pinned: usize,
    is_low: bool,
    peak: usize,
    /// The host fails to return the range that begins here.
    refuses: Option<usize>,
    /// The amounts of memory that were requested, in order.
    asked: Vec<usize>,
}

const PINNED: usize = 64 << 20;

impl FakeVm {
    fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            is_fresh: true,
            room: 1 << 30,
            pinned: 0,
            is_low: true,
            peak: 0,
            refuses: None,
            asked: Vec::new(),
        }
    }

    fn load(&mut self) -> Loaded {
        let size = self.bytes.len();
        load(self, size)
    }

    #[track_caller]
    fn assert_served(&mut self, revision: Option<u64>, freshness: Freshness) {
        match self.load() {
            Loaded::Serve(configuration, was) => {
                let snapshot = configuration.snapshot();
                let served = snapshot.map(|snapshot| snapshot.revision().number());
                assert_eq!((served, was), (revision, freshness));
            }
            other @ (Loaded::Refuse { .. } | Loaded::Behind(_)) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_refused(&mut self, expected: &str, of: Option<u64>) {
        match self.load() {
            Loaded::Refuse { why, revision } => assert_eq!((&*why, revision), (expected, of)),
            other @ (Loaded::Serve(..) | Loaded::Behind(_)) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_behind(&mut self, expected: &str) {
        match self.load() {
            Loaded::Behind(why) => assert_eq!(why, expected),
            other @ (Loaded::Serve(..) | Loaded::Refuse { .. }) => panic!("{other:?}"),
        }
    }
}

impl Source for FakeVm {
    type Fault = &'static str;

    fn read(&mut self, start: usize, length: usize) -> Result<Box<[u8]>, Self::Fault> {
        assert!(length <= CHUNK);
        if self.refuses == Some(start) {
            return Err("status 7");
        }
        let range = self.bytes.get(start..start + length);
        range.map(Box::from).ok_or("status 1")
    }
}

impl Vm for FakeVm {
    fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    fn ages(&mut self) {
        self.is_fresh = false;
    }

    fn has_room(&mut self, size: usize) -> bool {
        self.asked.push(size);
        size <= self.room.saturating_sub(self.pinned * PINNED)
    }

    fn is_low(&self) -> bool {
        self.is_low || self.pinned == 0
    }

    fn give_up_pinned(&mut self) -> bool {
        let has_any = self.pinned > 0;
        self.pinned = self.pinned.saturating_sub(1);
        has_any
    }

    fn peak(&self) -> usize {
        self.peak
    }

    fn start_metering(&mut self) {}
}

const SNAPSHOT: &str = r#"{"format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1795194529, "accounts": [{"id": "acct_1"}],
    "keys": [{"id": "mk_1", "sha256": "0000000000000000000000000000000000000000000000000000000000000001", "kind": "secret", "livemode": false, "owner": "acct_1"}]}"#;

fn text() -> String {
    format!(r#"{{"snapshot": {SNAPSHOT}}}"#)
}

fn packed() -> Vec<u8> {
    let (mut bytes, profile) = packed_settings(b"{}").unwrap();
    let packed = Packed::from_json(SNAPSHOT.as_bytes(), &profile).unwrap();
    for chunk in packed.chunks().unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

#[test]
fn a_good_configuration_is_served_and_the_vm_is_fresh_no_longer() {
    for bytes in [text().into_bytes(), packed()] {
        let mut vm = FakeVm::of(bytes);
        vm.assert_served(Some(7), Freshness::Fresh);
        vm.assert_served(Some(7), Freshness::Aged);
    }
    // Nothing, and an empty object: both deny everything.
    for bytes in ["", "{}"] {
        FakeVm::of(bytes).assert_served(None, Freshness::Fresh);
    }
}

#[test]
fn bytes_that_are_wrong_are_refused_with_the_revision_that_they_name() {
    FakeVm::of(r#"{"snapshot": {"revision": 9, "format": 1}}"#)
        .assert_refused("snapshot.format: expected a string", Some(9));
    let mut torn = packed();
    *torn.last_mut().unwrap() ^= 1;
    let mut vm = FakeVm::of(torn);
    match vm.load() {
        Loaded::Refuse { why, revision } => {
            assert!(why.contains("checksum"), "{why}");
            assert_eq!(revision, Some(7));
        }
        other @ (Loaded::Serve(..) | Loaded::Behind(_)) => panic!("{other:?}"),
    }
    assert!(vm.is_fresh, "nothing was loaded");
}

#[test]
fn one_byte_too_many_is_refused_before_any_is_read() {
    let mut vm = FakeVm::of("");
    match load(&mut vm, LARGEST + 1) {
        Loaded::Refuse { why, revision } => {
            assert_eq!(
                why,
                "expected at most 134217728 bytes, and there are 134217729"
            );
            assert_eq!(revision, None);
        }
        other @ (Loaded::Serve(..) | Loaded::Behind(_)) => panic!("{other:?}"),
    }
    assert_eq!(vm.asked, [0; 0]);
}

#[test]
fn a_host_that_hands_nothing_over_leaves_the_vm_behind() {
    let behind = "the host did not hand it over: status 7";
    for bytes in [text().into_bytes(), packed()] {
        FakeVm {
            refuses: Some(0),
            ..FakeVm::of(bytes)
        }
        .assert_behind(behind);
    }
    // In the middle of the text.
    let long = format!("{}{}", text(), " ".repeat(2 * CHUNK));
    FakeVm {
        refuses: Some(CHUNK),
        ..FakeVm::of(long)
    }
    .assert_behind(behind);
}

#[test]
fn old_snapshots_of_streams_are_given_up_one_by_one_until_there_is_room() {
    let of_text = Form::Text.needed(text().len());
    let mut vm = FakeVm {
        room: of_text + PINNED,
        pinned: 3,
        ..FakeVm::of(text())
    };
    vm.assert_served(Some(7), Freshness::Fresh);
    assert_eq!((vm.pinned, &*vm.asked), (1, &[of_text; 3][..]));
    // If much memory is in use, they are dropped first.
    let mut vm = FakeVm {
        pinned: 3,
        is_low: false,
        ..FakeVm::of(text())
    };
    vm.assert_served(Some(7), Freshness::Fresh);
    assert_eq!(vm.pinned, 0);
}

#[test]
fn without_room_the_load_does_not_begin() {
    let mut vm = FakeVm {
        room: Form::Text.needed(text().len()) - 1,
        pinned: 2,
        refuses: Some(16),
        ..FakeVm::of(text())
    };
    vm.assert_behind("there is not enough memory to load it beside what is served");
    assert_eq!(vm.pinned, 0);
    assert!(vm.is_fresh);
}

#[test]
fn a_fresh_vm_refuses_what_takes_more_than_its_bytes_allow() {
    let most = Form::Text.allowance(text().len());
    let over = || FakeVm {
        peak: most + 1,
        ..FakeVm::of(text())
    };
    over().assert_refused(
        &format!("expected a configuration that takes at most {most} bytes of memory to load"),
        Some(7),
    );
    FakeVm {
        peak: most,
        ..FakeVm::of(text())
    }
    .assert_served(Some(7), Freshness::Fresh);
    // An older VM has other gaps, and the trial has already decided.
    FakeVm {
        is_fresh: false,
        ..over()
    }
    .assert_served(Some(7), Freshness::Aged);
}

#[test]
fn what_a_load_may_take_follows_from_its_size_and_form() {
    for (form, size, allowance) in [
        (Form::Text, 0, 4 << 20),
        (Form::Text, 1 << 20, 36 << 20),
        (Form::Packed, 1 << 20, 7 << 20),
        (Form::Text, LARGEST, 320 << 20),
        (Form::Packed, LARGEST, 320 << 20),
        (Form::Text, usize::MAX, 320 << 20),
    ] {
        assert_eq!(form.allowance(size), allowance, "{form:?} {size}");
        assert_eq!(form.needed(size), allowance * 3 / 2 + (32 << 20));
    }
}
