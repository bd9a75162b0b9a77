use sha2::Digest;

use super::*;
use crate::feed::head::{BaseEntry, Head, Sha256};
use crate::signify::tests::{pair, signed};
use crate::snapshot::packed::{Packed, Trust};

/// A call: its cluster, its headers, its timeout.
pub(in crate::filter) type Made = (String, Vec<(String, String)>, u64);

/// A host that makes or fails calls, and records them.
#[derive(Default)]
pub(in crate::filter) struct Fake {
    pub(in crate::filter) calls: Vec<Made>,
    refuses: bool,
    kept: Option<Box<[u8]>>,
    pub(in crate::filter) counted: Vec<(Counter, u64)>,
    logged: Vec<String>,
    served: Vec<u64>,
    pub(in crate::filter) now: u64,
}

impl Surroundings for Fake {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn random(&mut self) -> u32 {
        0x1234_abcd
    }

    fn has_room(&mut self, _: usize) -> bool {
        true
    }
}

impl FeedHost for Fake {
    fn call(&mut self, cluster: &str, headers: &[(String, String)], timeout: u64) -> Option<u32> {
        if self.refuses {
            return None;
        }
        self.calls
            .push((cluster.to_owned(), headers.to_vec(), timeout));
        u32::try_from(self.calls.len()).ok()
    }

    fn serve(&mut self, snapshot: &Snapshot, follows: &dyn Fn(&Configuration) -> bool) {
        for (number, key) in [(1, 1), (2, 2)] {
            if follows(&configuration(key)) {
                self.served
                    .push(number * 1000 + snapshot.revision().number());
            }
        }
    }

    fn keep(&mut self, feed: &str, head: &[u8], is_newer: &dyn Fn(&[u8]) -> bool) {
        assert_eq!(feed, "prod");
        if !self.kept.as_deref().is_some_and(is_newer) {
            self.kept = Some(head.into());
        }
    }

    fn kept(&mut self, _: &str) -> Option<Box<[u8]>> {
        self.kept.clone()
    }

    fn count(&mut self, counter: Counter, by: u64) {
        self.counted.push((counter, by));
    }

    fn log(&mut self, _: LogLevel, line: &str) {
        self.logged.push(line.to_owned());
    }

    fn node(&mut self) -> String {
        "edge-7 (a; b)\u{e9}\n".to_owned()
    }
}

fn configuration(key: u8) -> Configuration {
    configuration_of("prod", key)
}

pub(in crate::filter) fn configuration_of(feed: &str, key: u8) -> Configuration {
    let json = format!(
        r#"{{"max_snapshot_age": 60, "feed": {{"name": "{feed}", "cluster": "c", "authority": "a:1", "path": "/p", "public_keys": ["{}"]}}}}"#,
        pair(key).1.line()
    );
    Configuration::from_json(json.as_bytes()).unwrap()
}

fn feed(key: u8) -> Feed {
    configuration(key).settings().feed.clone().unwrap()
}

fn answer(following: &mut Following, host: &mut Fake, token: u32, body: &[u8]) -> Option<u64> {
    let answer = Answer::read(&[(b":status", b"200")]).unwrap();
    let mut body = body;
    following.answered(token, Some((&answer, &mut body)), &Profile::stripe(), host)
}

/// Returns the signed head of a feed at revision 7, and its base.
pub(in crate::filter) fn published() -> (Vec<u8>, Vec<u8>) {
    let json = br#"{"format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1, "keys": [], "empty": true}"#;
    let packed = Packed::from_json(json, &Profile::stripe()).unwrap();
    let revision = packed.revision().unwrap();
    assert!(packed.snapshot(&Profile::stripe(), Trust::Nothing).is_ok());
    let base = packed.chunks().unwrap().concat();
    let head = head_of(revision, 1, &base);
    (signed(1, &head.to_json().unwrap()), base)
}

fn head_of(revision: Revision, issued_at: u64, base: &[u8]) -> Head {
    Head {
        feed: "prod".into(),
        source: "file:1".into(),
        line: "l".into(),
        packed: 1,
        revision,
        issued_at,
        keys: 0,
        accounts: 0,
        base: BaseEntry {
            revision,
            size: u32::try_from(base.len()).unwrap(),
            sha256: Sha256::new(sha2::Sha256::digest(base).into()),
            urgent: false,
        },
        deltas: Vec::new(),
    }
}

#[test]
fn who_asks_is_told_and_nothing_that_breaks_a_log() {
    let mut host = Fake::default();
    let mut following = Following::begin(None, feed(1), None, &mut host);
    following.tick(&Profile::stripe(), &mut host);
    let (cluster, headers, timeout) = &host.calls[0];
    assert_eq!((&**cluster, *timeout), ("c", 10_000));
    let told: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        told,
        [
            ":method: GET".to_owned(),
            ":path: /p/head".to_owned(),
            ":authority: a:1".to_owned(),
            format!(
                "user-agent: keyward/{version} (gw=edge-7ab; vm=1234abcd; rev=0; state=loading)"
            ),
            "prefer: wait=25".to_owned(),
        ]
    );
}

#[test]
fn what_a_head_leads_to_is_served_where_its_signer_is_trusted() {
    let mut host = Fake::default();
    let mut following = Following::begin(None, feed(1), None, &mut host);
    let (head, base) = published();
    following.tick(&Profile::stripe(), &mut host);
    assert_eq!(
        answer(&mut following, &mut host, 9, &head),
        None,
        "nobody's answer"
    );
    answer(&mut following, &mut host, 1, &head).unwrap();
    assert_eq!(host.kept.as_deref(), Some(&*head));
    host.now += 7;
    answer(&mut following, &mut host, 2, &base).unwrap();
    // The configuration that trusts key 1, and not the one that trusts key 2.
    assert_eq!(host.served, [1007]);
    let bytes = |body: &[u8]| (Counter::FeedBytes, u64::try_from(body.len()).unwrap());
    let counted = [
        bytes(&head),
        bytes(&base),
        (Counter::FeedBases, 1),
        (Counter::FeedLoads, 1),
        (Counter::FeedLoadTime, 7),
    ];
    assert_eq!(host.counted, counted);
    assert_eq!(following.snapshot().unwrap().revision().number(), 7);
    // After a push of other settings, the snapshot stays, and polling starts again.
    let mut following = Following::begin(Some(following), feed(1), None, &mut host);
    assert!(following.snapshot().is_some());
    assert_eq!(answer(&mut following, &mut host, 3, &head), None);
    let following = Following::begin(Some(following), feed(2), None, &mut host);
    assert!(following.snapshot().is_none());
}

#[test]
fn a_new_vm_begins_with_the_floor_of_the_others() {
    let (head, _) = published();
    let mut host = Fake {
        kept: Some(head.into()),
        ..Fake::default()
    };
    let mut following = Following::begin(None, feed(1), None, &mut host);
    assert!(following.follower.floor().newest_bytes().is_some());
    let mut following = Following::begin(None, feed(2), None, &mut host);
    assert!(following.follower.floor().newest_bytes().is_none());
}

#[test]
fn a_head_never_replaces_a_newer_one_that_another_vm_kept() {
    let (head, _) = published();
    let other = |signer: u8, feed: &str, revision, issued_at| {
        let revision = Revision::new(revision).unwrap();
        let mut other = head_of(revision, issued_at, b"base");
        // A feed that was restored from a backup begins another line.
        (other.line, other.feed) = ("other".into(), feed.into());
        signed(signer, &other.to_json().unwrap())
    };
    let mut broken = other(1, "prod", 8, 2);
    *broken.last_mut().unwrap() ^= 1;
    for (kept, stays) in [
        (other(1, "prod", 8, 2), true),
        (other(1, "prod", 7, 2), true),
        (other(1, "prod", 7, 1), false),
        (other(1, "prod", 6, 2), false),
        // Nothing that a key signed counts once the key is not trusted.
        (other(2, "prod", 8, 2), false),
        (other(1, "test", 8, 2), false),
        (broken, false),
        (Vec::new(), false),
    ] {
        let mut host = Fake::default();
        let mut following = Following::begin(None, feed(1), None, &mut host);
        following.tick(&Profile::stripe(), &mut host);
        host.kept = Some(kept.clone().into());
        answer(&mut following, &mut host, 1, &head).unwrap();
        let expected = if stays { &kept } else { &head };
        assert_eq!(host.kept.as_deref(), Some(&**expected), "{stays}");
    }
}

#[test]
fn a_call_that_cannot_be_made_is_told_once_and_counted_each_time() {
    let mut host = Fake {
        refuses: true,
        ..Fake::default()
    };
    let mut following = Following::begin(None, feed(1), None, &mut host);
    for _ in 0..3 {
        let next = following.tick(&Profile::stripe(), &mut host);
        assert_eq!(next, 1000);
        host.now += 60_000;
    }
    let unreachable = Counter::FeedTroubles(crate::feed::Trouble::Unreachable);
    assert_eq!(host.counted, [(unreachable, 1); 3]);
    let line = "keyward: feed `prod`: the cluster is not known, or has no host; everything is denied that no verified head allows";
    assert_eq!(host.logged, [line]);
}
