//! A source for a follower: published states, and its answers to calls. Its clock moves only when a
//! test moves it.

use std::collections::{BTreeMap, VecDeque};

use ed25519_dalek::Signer;
use serde_json::{Value, json};
use sha2::Digest;

use super::*;
use crate::feed::head::{BaseEntry, DeltaEntry, Sha256};
use crate::profile::Profile;
use crate::signify::seal;
use crate::signify::tests::pair;
use crate::snapshot::delta::{Delta, Touched};
use crate::snapshot::packed::{Packed, Trust};

/// The time at which all tests begin, in Unix milliseconds.
pub(super) const START: u64 = 1_796_000_000_000;

pub(super) fn key(id: &str, digest: u8, status: &str) -> Value {
    json!({
        "id": id, "sha256": format!("{digest:02x}").repeat(32), "kind": "secret",
        "livemode": true, "owner": "acct_1", "status": status,
    })
}

pub(super) fn state(revision: u64, keys: Vec<Value>) -> Value {
    json!({
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": START / 1000,
        "catalogue": "none", "accounts": [{"id": "acct_1"}], "keys": keys,
    })
}

pub(super) fn revision(number: u64) -> Revision {
    Revision::new(number).unwrap()
}

pub(super) fn packed(state: &Value) -> Packed {
    Packed::from_json(state.to_string().as_bytes(), &Profile::stripe()).unwrap()
}

pub(super) fn feed() -> Feed {
    Feed {
        name: "prod".into(),
        cluster: "feed".into(),
        authority: "feed.test".into(),
        path: "/feeds/prod".into(),
        public_keys: [pair(1).1].into(),
        wait: 25,
        interval: 5,
        min_revision: None,
        serve_seed: false,
    }
}

/// An answer: status, headers, body.
type Given = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// How the source answers a call.
#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// With the right answer.
    Well,
    /// Not at all: the call fails without headers.
    Fails,
    /// With this status and body.
    With(u16, Vec<u8>),
    /// With a body to which this was done.
    Altered(fn(&mut Vec<u8>)),
    /// With this many bytes of its body.
    Cut(usize),
    /// All of an object, whatever was asked for.
    Whole,
    /// With a content coding.
    Encoded,
    /// At once, although it was asked to wait, and it says so.
    Impatient,
}

pub(super) struct World {
    pub(super) now: u64,
    pub(super) random: u32,
    pub(super) room: usize,
}

impl Surroundings for World {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn random(&mut self) -> u32 {
        self.random
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        bytes <= self.room
    }
}

pub(super) struct Rig {
    pub(super) follower: Follower,
    pub(super) world: World,
    pub(super) head: Head,
    pub(super) signer: u8,
    pub(super) signed: Option<Vec<u8>>,
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    pub(super) waits: bool,
    /// Whether heads have an entity tag.
    pub(super) tags: bool,
    /// How the next calls are answered. After the last one, all are answered well.
    pub(super) manners: VecDeque<Manner>,
    /// Calls without an answer yet: polls of an unchanged head, on a server that waits.
    pub(super) held: Vec<Call>,
    /// Everything that was requested, in order.
    pub(super) asked: Vec<Wanted>,
    pub(super) served: Vec<(u64, u64)>,
    pub(super) told: Vec<String>,
    pub(super) kept: usize,
    pub(super) bases: usize,
    /// How long each object took.
    pub(super) took: Vec<u64>,
}

impl Rig {
    pub(super) fn new(first: &Value) -> Self {
        let mut rig = Self {
            follower: Follower::new(feed(), None),
            world: World {
                now: START,
                random: 0,
                room: 1 << 30,
            },
            head: Head {
                feed: "prod".into(),
                source: "file:1".into(),
                line: "l1".into(),
                packed: PACKED,
                revision: revision(1),
                issued_at: START / 1000,
                keys: 0,
                accounts: 0,
                base: BaseEntry {
                    revision: revision(1),
                    size: 1,
                    sha256: Sha256::new([0; 32]),
                    urgent: false,
                },
                deltas: Vec::new(),
            },
            signer: 1,
            signed: None,
            objects: BTreeMap::new(),
            waits: false,
            tags: true,
            manners: VecDeque::new(),
            held: Vec::new(),
            asked: Vec::new(),
            served: Vec::new(),
            told: Vec::new(),
            kept: 0,
            bases: 0,
            took: Vec::new(),
        };
        rig.publish_base(first);
        rig
    }

    fn add(&mut self, bytes: Vec<u8>, kind: &str) -> (Sha256, u32) {
        let hash = Sha256::new(sha2::Sha256::digest(&bytes).into());
        let size = u32::try_from(bytes.len()).unwrap();
        self.objects.insert(format!("o/{hash}.{kind}"), bytes);
        (hash, size)
    }

    /// Publishes a new base, and no deltas.
    pub(super) fn publish_base(&mut self, state: &Value) {
        let packed = packed(state);
        let bytes = packed.chunks().unwrap().concat();
        let (sha256, size) = self.add(bytes, "base");
        self.head.base = BaseEntry {
            revision: packed.revision().unwrap(),
            size,
            sha256,
            urgent: false,
        };
        self.head.deltas = Vec::new();
        self.lead_to(&packed);
    }

    /// Publishes another delta, from the state before.
    pub(super) fn publish(&mut self, before: &Value, after: &Value) {
        let (old, new) = (packed(before), packed(after));
        let snapshot = |packed: &Packed| packed.snapshot(&Profile::stripe(), Trust::Nothing);
        let touched = Touched::between(&snapshot(&old).unwrap(), &snapshot(&new).unwrap());
        let from = old.revision().unwrap();
        let bytes = Delta::write(&new, &touched, from).unwrap();
        let (sha256, size) = self.add(bytes, "delta");
        self.head.deltas.push(DeltaEntry {
            from,
            to: new.revision().unwrap(),
            size,
            sha256,
        });
        self.lead_to(&new);
    }

    fn lead_to(&mut self, packed: &Packed) {
        let snapshot = packed.snapshot(&Profile::stripe(), Trust::Nothing).unwrap();
        self.head.revision = snapshot.revision();
        self.head.keys = u64::try_from(snapshot.key_count()).unwrap();
        self.head.accounts = u64::try_from(snapshot.accounts().len()).unwrap();
        self.head.issued_at = self.world.now / 1000;
    }

    pub(super) fn signed(&self) -> Vec<u8> {
        if let Some(signed) = &self.signed {
            return signed.clone();
        }
        let json = self.head.to_json().unwrap();
        let (secret, public) = pair(self.signer);
        seal(
            "keyward feed",
            public.number(),
            &secret.sign(&json).to_bytes(),
            &json,
        )
    }

    /// Lets this much time pass, tick by tick, and answers all calls.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let end = self.world.now + milliseconds;
        loop {
            let out = self.follower.tick(&Profile::stripe(), &mut self.world);
            self.carry_out(out);
            let next = self.world.now + self.follower.next_tick(self.world.now);
            if next > end {
                break;
            }
            self.world.now = next;
        }
        self.world.now = end;
    }

    /// Answers the calls that the server delayed.
    pub(super) fn release(&mut self) {
        for call in std::mem::take(&mut self.held) {
            let manner = self.manners.pop_front().unwrap_or(Manner::Whole);
            self.answer_by(manner, &call);
        }
    }

    fn carry_out(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Call(call) => {
                    self.asked.push(call.wanted.clone());
                    self.answer(&call);
                }
                Output::Serve(snapshot) => {
                    let served = (snapshot.revision().number(), snapshot.issued_at());
                    self.served.push(served);
                }
                Output::Keep(_) => self.kept += 1,
                Output::Trouble(trouble, why) => {
                    self.told.push(format!("{}: {why}", trouble.word()))
                }
                Output::Again(trouble) => self.told.push(format!("{} again", trouble.word())),
                Output::Recovered => self.told.push("recovered".to_owned()),
                Output::Loaded { is_base, took } => {
                    self.bases += usize::from(is_base);
                    self.took.push(took);
                }
            }
        }
    }

    fn answer(&mut self, call: &Call) {
        let manner = self.manners.pop_front().unwrap_or(Manner::Well);
        self.answer_by(manner, call);
    }

    fn answer_by(&mut self, manner: Manner, call: &Call) {
        let Some((status, mut headers, mut body)) = self.well(call, &manner) else {
            self.held.push(call.clone());
            return;
        };
        match manner {
            Manner::Well | Manner::Whole => {}
            Manner::Fails => {
                let out =
                    self.follower
                        .answered(call.id, None, &Profile::stripe(), &mut self.world);
                return self.carry_out(out);
            }
            Manner::With(status, body) => return self.give(call, status, &[], &body),
            Manner::Altered(alter) => alter(&mut body),
            Manner::Cut(end) => body.truncate(end),
            Manner::Encoded => headers.push(("content-encoding", "gzip".to_owned())),
            Manner::Impatient => headers.retain(|(name, _)| *name != "preference-applied"),
        }
        self.give(call, status, &headers, &body);
    }

    fn give(&mut self, call: &Call, status: u16, headers: &[(&str, String)], body: &[u8]) {
        let status = status.to_string();
        let mut pairs: Vec<(&[u8], &[u8])> = vec![(b":status", status.as_bytes())];
        pairs.extend(
            headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
        let answer = Answer::read(&pairs).unwrap();
        let mut body = body;
        let out = self.follower.answered(
            call.id,
            Some((&answer, &mut body)),
            &Profile::stripe(),
            &mut self.world,
        );
        self.carry_out(out);
    }

    /// Returns the right answer, or `None` if the server delays it.
    fn well(&self, call: &Call, manner: &Manner) -> Option<Given> {
        let mut headers = Vec::new();
        match &call.wanted {
            Wanted::Head { known, wait } => {
                let signed = self.signed();
                let tag = format!("\"{}\"", hex_of(&signed));
                // A server applies only a preference that the request has (RFC 7240, 3).
                let mut sent = call.wanted.headers("a", "", "k").into_iter();
                let asks_to_wait = sent.any(|(name, _)| name == "prefer");
                if self.waits && asks_to_wait {
                    headers.push(("preference-applied", format!("wait={wait}")));
                }
                if self.tags {
                    headers.push(("etag", tag.clone()));
                }
                if *known == Some(tag) {
                    if self.waits
                        && matches!(manner, Manner::Well)
                        && !self.held.iter().any(|held| held.id == call.id)
                    {
                        return None;
                    }
                    return Some((304, headers, Vec::new()));
                }
                Some((200, headers, signed))
            }
            Wanted::Object { range, .. } => {
                let Some(object) = self.objects.get(&call.wanted.to_string()) else {
                    return Some((404, headers, b"no such object".to_vec()));
                };
                match range {
                    Some((first, last)) if !matches!(manner, Manner::Whole) => {
                        let (first, last) = (
                            usize::try_from(*first).unwrap(),
                            usize::try_from(*last).unwrap(),
                        );
                        let total = object.len();
                        headers.push(("content-range", format!("bytes {first}-{last}/{total}")));
                        Some((206, headers, object[first..=last].to_vec()))
                    }
                    _ => Some((200, headers, object.clone())),
                }
            }
        }
    }
}

fn hex_of(bytes: &[u8]) -> String {
    Sha256::new(sha2::Sha256::digest(bytes).into()).to_string()
}
