//! A feed in a folder, a gateway that follows it with the core's own code, and publishers.

mod changed;
mod faulty;
mod followers;
mod kills;
mod large;
mod left;
mod mirrored;
mod rules;
mod runs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Published, Publisher, Request, Settings};
use crate::feed::content::Content;
use crate::feed::present::{Present, Reader};
use crate::feed::signing_key::SigningKey;
use crate::feed::store::{FeedStore, Folder};
use crate::key_file::SourceName;
use keyward::digest::KeyDigest;
use keyward::feed::Way;
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::Touched;

const NOW: u64 = 1_796_054_400;
const RETAIN: u64 = 86_400;

/// Returns a signing key made of one byte, for tests only.
pub(super) fn key(seed: u8) -> SigningKey {
    struct Same(u8);
    impl keyward::management::Randomness for Same {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), keyward::management::NoRandomness> {
            bytes.fill(self.0);
            Ok(())
        }
    }
    SigningKey::new(&mut Same(seed)).unwrap()
}

fn public(seed: u8) -> PublicKey {
    PublicKey::from_line(&key(seed).public_key()).unwrap()
}

/// Returns a key's row. Every tenth account has a parent.
fn row(number: usize, members: Value) -> Value {
    let digest = KeyDigest::of(format!("sk_test_FAKE-{number}").as_bytes());
    let mut row = json!({"id": format!("mk_{number:06}"), "sha256": digest.to_string(), "kind": "restricted",
        "livemode": false, "owner": format!("acct_{}", number % 7), "grants": "readers"});
    for (name, value) in members.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// Returns a snapshot with this many keys, for a test to change.
fn world(keys: usize) -> Value {
    let accounts: Vec<Value> = (0..7)
        .map(|number| match number {
            0 => json!({"id": "acct_0"}),
            _ => json!({"id": format!("acct_{number}"), "parent": "acct_0"}),
        })
        .collect();
    let keys: Vec<Value> = (0..keys).map(|number| row(number, json!({}))).collect();
    json!({"format": "keyward.snapshot/v1", "revision": 1, "issued_at": NOW, "accounts": accounts,
        "grant_sets": {"readers": {"customer": "read"}, "writers": {"customer": "write", "charge": "read"}}, "keys": keys})
}

fn content(world: &Value) -> Content {
    Content::of_configuration("the test", world.to_string().as_bytes()).unwrap()
}

fn settings(seed: u8) -> Settings {
    Settings {
        feed: "prod".to_owned(),
        key: key(seed),
        trusted: Vec::new(),
        retain: RETAIN,
        cache: None,
        verify_all: true,
    }
}

fn request() -> Request {
    Request {
        source: SourceName::parse("file:test"),
        ..Request::default()
    }
}

fn begin() -> Request {
    Request {
        begin: true,
        ..request()
    }
}

/// A store and its feed.
struct World {
    _folder: TempDir,
    store: Folder,
    profile: Profile,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::open(folder.path()).unwrap();
        Self {
            _folder: folder,
            store,
            profile: Profile::stripe(),
        }
    }

    fn begun(world: &Value) -> Self {
        let new = Self::new();
        new.publish(world, &begin(), NOW).unwrap();
        new
    }

    /// Publishes with a new publisher, which knows only the store.
    fn publish(&self, world: &Value, request: &Request, now: u64) -> anyhow::Result<Published> {
        let mut publisher = Publisher::new(&self.store, settings(1))?;
        publisher.publish(&content(world), request, now)
    }

    fn present(&self) -> Present {
        let keys = [public(1)];
        reader(&self.store, &self.profile, &keys)
            .read(None)
            .unwrap()
            .unwrap()
    }

    #[track_caller]
    fn refused(&self, world: &Value, request: &Request, now: u64) -> String {
        let before = self.present().head;
        let error = self.publish(world, request, now).unwrap_err();
        assert_eq!(self.present().head, before, "nothing was written");
        format!("{error:#}")
    }
}

fn reader<'a>(store: &'a dyn FeedStore, profile: &'a Profile, keys: &'a [PublicKey]) -> Reader<'a> {
    Reader {
        store,
        feed: "prod",
        keys,
        profile,
        cache: None,
    }
}

/// A gateway, reduced to its state.
struct Gateway {
    line: String,
    snapshot: Snapshot,
    /// How often it loaded a base.
    bases: usize,
}

impl Gateway {
    fn new(world: &World) -> Self {
        let head = world.present().head;
        let keys = [public(1)];
        let reader = reader(&world.store, &world.profile, &keys);
        let snapshot = reader.base(&head.base).unwrap();
        let mut gateway = Self {
            line: head.line.to_string(),
            snapshot,
            bases: 1,
        };
        gateway.follow(world);
        gateway
    }

    /// Follows the head.
    fn follow(&mut self, world: &World) {
        let keys = [public(1)];
        let reader = reader(&world.store, &world.profile, &keys);
        let (head, _, _) = reader.head().unwrap().unwrap();
        let mut loaded = (*self.line == *head.line).then(|| self.snapshot.revision());
        loop {
            self.snapshot = match head.way(loaded) {
                Way::There => break,
                Way::Delta(entry) => {
                    let delta = reader.delta(entry).unwrap();
                    self.snapshot.apply(&delta, &world.profile).unwrap()
                }
                Way::Base(entry) => {
                    self.bases += 1;
                    reader.base(entry).unwrap()
                }
            };
            loaded = Some(self.snapshot.revision());
        }
        self.line = head.line.to_string();
        let counts = (self.snapshot.key_count(), self.snapshot.accounts().len());
        let of_head = (usize::try_from(head.keys), usize::try_from(head.accounts));
        assert_eq!((Ok(counts.0), Ok(counts.1)), of_head);
    }

    /// Asserts that it decides by this state.
    #[track_caller]
    fn has(&self, world: &Value) {
        let meant = content(world);
        let differs = Touched::between(&self.snapshot, meant.snapshot());
        assert!(differs.is_empty(), "{differs:?}");
    }
}
