//! The head of a feed: the only file that changes. It names every object by its hash and size. The
//! signature covers its exact bytes.

mod wire;

use std::fmt;

use crate::configuration::LARGEST;
use crate::id::is_id;
use crate::json::from_json;
use crate::refusal::{Place, Refusal};
use crate::signify::{self, PublicKey, SignatureFault};
use crate::snapshot::Revision;
use crate::snapshot::delta::LARGEST_DELTA;
use crate::wire::Object;
use wire::{Named, WireHead, WireObject};

/// The format that this version reads and writes.
pub const FORMAT: &str = "keyward.feed/v1";

/// The layout of packed snapshots and deltas that this version reads.
pub const PACKED: u32 = 1;

/// The maximum size of a signed head that is read, in bytes.
pub const LARGEST_HEAD: usize = 64 << 10;

/// The maximum number of deltas in a head.
pub const MOST_DELTAS: usize = 64;

/// The maximum size of JSON that a publisher signs, in bytes: AWS KMS accepts no longer message.
pub const LARGEST_WRITTEN: usize = 4096;

/// The maximum number of deltas that a publisher names.
pub const MOST_WRITTEN_DELTAS: usize = 24;

/// From this number on, a time in Unix seconds must be one in milliseconds by mistake.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// SHA-256 of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Wraps a hash.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case digits. Upper case would give an object a second name.
    fn from_hex(text: &str) -> Option<Self> {
        let is_lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let mut bytes = [0; 32];
        if !text.bytes().all(is_lower) || hex::decode_to_slice(text, &mut bytes).is_err() {
            return None;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A base: a whole packed snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseEntry {
    /// Its revision.
    pub revision: Revision,
    /// Its size in bytes.
    pub size: u32,
    /// Its hash, which is also its name.
    pub sha256: Sha256,
    /// Whether a follower without another way to the head's revision must load it at once, because
    /// it ends someone's access.
    pub urgent: bool,
}

/// A delta: the final record of everything that changed after `from`, up to and including `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaEntry {
    /// The first revision to which it applies. It applies to all from there on, below `to`.
    pub from: Revision,
    /// The revision that it leads to.
    pub to: Revision,
    /// Its size in bytes.
    pub size: u32,
    /// Its hash, which is also its name.
    pub sha256: Sha256,
}

/// A head that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The feed's name.
    pub feed: Box<str>,
    /// The publisher: `file:…` or `server:…`.
    pub source: Box<str>,
    /// A random text for each start or restore of a feed. A delta applies only to states of its own
    /// line.
    pub line: Box<str>,
    /// The layout of its objects.
    pub packed: u32,
    /// The revision that it leads to.
    pub revision: Revision,
    /// When it was signed, in Unix seconds.
    pub issued_at: u64,
    /// The number of keys at that revision.
    pub keys: u64,
    /// The number of accounts at that revision.
    pub accounts: u64,
    /// The base.
    pub base: BaseEntry,
    /// The deltas.
    pub deltas: Vec<DeltaEntry>,
}

/// The next step towards a head's revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'h> {
    /// No step: the revision is reached.
    There,
    /// Apply this delta.
    Delta(&'h DeltaEntry),
    /// Load the base.
    Base(&'h BaseEntry),
}

/// Why a head is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// It is larger than a head may be.
    TooLarge,
    /// It is not signed by a trusted key.
    Signature(SignatureFault),
    /// It is signed, but has a format that this version does not read.
    Format,
    /// It is signed, but does not follow the format.
    Grammar(Refusal),
    /// It is signed, but belongs to another feed.
    OtherFeed,
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "expected a head of at most {LARGEST_HEAD} bytes"),
            Self::Signature(fault) => fault.fmt(f),
            Self::Format => write!(f, "format: expected `{FORMAT}`"),
            Self::Grammar(refusal) => refusal.fmt(f),
            Self::OtherFeed => f.write_str("it is the head of another feed"),
        }
    }
}

impl std::error::Error for HeadFault {}

impl Head {
    /// Returns the head in `signed`, and the key that signed it. Nothing is parsed before its
    /// signature is verified.
    pub fn open<'k>(
        signed: &[u8],
        keys: &'k [PublicKey],
        feed: &str,
    ) -> Result<(Self, &'k PublicKey), HeadFault> {
        if signed.len() > LARGEST_HEAD {
            return Err(HeadFault::TooLarge);
        }
        let (json, key) = signify::open(signed, keys).map_err(HeadFault::Signature)?;
        let head = Self::from_json(json)?;
        if *head.feed != *feed {
            return Err(HeadFault::OtherFeed);
        }
        Ok((head, key))
    }

    /// Reads the JSON of a head, and checks all of it.
    pub fn from_json(json: &[u8]) -> Result<Self, HeadFault> {
        if let Ok(Named { format }) = serde_json::from_slice(json)
            && format != FORMAT
        {
            return Err(HeadFault::Format);
        }
        let wire: WireHead<'_> = from_json(json).map_err(HeadFault::Grammar)?;
        let head = Self::from_wire(&wire).map_err(HeadFault::Grammar)?;
        head.check().map_err(HeadFault::Grammar)?;
        Ok(head)
    }

    fn from_wire(wire: &WireHead<'_>) -> Result<Self, Refusal> {
        if wire.format != FORMAT {
            return Err(Place::member("format").expected("`keyward.feed/v1`"));
        }
        let mut deltas = Vec::with_capacity(wire.deltas.len().min(MOST_DELTAS));
        for (index, Object(delta)) in wire.deltas.iter().take(MOST_DELTAS + 1).enumerate() {
            let place = Place::member("deltas").at(index);
            let (None, Some(from), Some(to), None) =
                (delta.revision, delta.from, delta.to, delta.urgent)
            else {
                return Err(place.expected("`from`, `to`, `size` and `sha256`"));
            };
            deltas.push(DeltaEntry {
                from: revision(from, &place.then("from"))?,
                to: revision(to, &place.then("to"))?,
                size: size(delta.size, LARGEST_DELTA, &place, "1 to 4194304 bytes")?,
                sha256: hash(delta.sha256, &place)?,
            });
        }
        Ok(Self {
            feed: wire.feed.into(),
            source: wire.source.into(),
            line: wire.line.into(),
            packed: u32::try_from(wire.packed).unwrap_or(u32::MAX),
            revision: revision(wire.revision, &Place::member("revision"))?,
            issued_at: wire.issued_at,
            keys: wire.keys,
            accounts: wire.accounts,
            base: base(&wire.base.0)?,
            deltas,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        let member = |name: &'static str| Place::member(name);
        if !is_id(&self.feed) {
            return Err(member("feed").expected(NAME));
        }
        if !is_source(&self.source) {
            return Err(member("source").expected("`file:` or `server:`, and an id"));
        }
        if !is_id(&self.line) {
            return Err(member("line").expected(NAME));
        }
        if self.issued_at >= FIRST_MILLISECONDS {
            return Err(member("issued_at").expected("Unix seconds, not milliseconds"));
        }
        let base = member("base");
        if self.base.revision > self.revision {
            return Err(base.then("revision").expected("at most `revision`"));
        }
        size(self.base.size.into(), largest_base(), &base, BASE_SIZE)?;
        let deltas = member("deltas");
        if self.deltas.len() > MOST_DELTAS {
            return Err(deltas.expected("at most 64 deltas"));
        }
        for (index, delta) in self.deltas.iter().enumerate() {
            let place = || deltas.at(index);
            if delta.from >= delta.to || delta.to > self.revision {
                return Err(place().expected("`from` below `to`, and `to` at most `revision`"));
            }
            size(
                delta.size.into(),
                LARGEST_DELTA,
                &place(),
                "1 to 4194304 bytes",
            )?;
        }
        // Every step leads to a higher revision, so this ends.
        let mut at = self.base.revision;
        loop {
            match self.way(Some(at)) {
                Way::There => return Ok(()),
                Way::Delta(delta) => at = delta.to,
                Way::Base(_) => return Err(deltas.expected("a way from `base` to `revision`")),
            }
        }
    }

    /// Returns the step from a loaded revision of the same line: the delta that leads furthest.
    /// Without a loaded revision, returns the base.
    #[must_use]
    pub fn way(&self, loaded: Option<Revision>) -> Way<'_> {
        let Some(mine) = loaded else {
            return Way::Base(&self.base);
        };
        if mine == self.revision {
            return Way::There;
        }
        let fits = |delta: &&DeltaEntry| delta.from <= mine && mine < delta.to;
        self.deltas
            .iter()
            .filter(fits)
            .max_by_key(|delta| (delta.to, std::cmp::Reverse(delta.size)))
            .map_or(Way::Base(&self.base), Way::Delta)
    }

    /// Returns the JSON to sign, after the checks that a reader makes. The publisher must check
    /// whether it is short enough for every signer ([`LARGEST_WRITTEN`]).
    pub fn to_json(&self) -> Result<Vec<u8>, HeadFault> {
        self.check().map_err(HeadFault::Grammar)?;
        let base_hash = self.base.sha256.to_string();
        let hashes: Vec<String> = self
            .deltas
            .iter()
            .map(|delta| delta.sha256.to_string())
            .collect();
        let deltas = self.deltas.iter().zip(&hashes);
        let wire = WireHead {
            format: FORMAT,
            feed: &self.feed,
            source: &self.source,
            line: &self.line,
            packed: self.packed.into(),
            revision: self.revision.number(),
            issued_at: self.issued_at,
            keys: self.keys,
            accounts: self.accounts,
            base: Object(WireObject {
                revision: Some(self.base.revision.number()),
                size: self.base.size.into(),
                sha256: &base_hash,
                urgent: self.base.urgent.then_some(true),
                ..WireObject::default()
            }),
            deltas: deltas
                .map(|(delta, sha256)| {
                    Object(WireObject {
                        from: Some(delta.from.number()),
                        to: Some(delta.to.number()),
                        size: delta.size.into(),
                        sha256,
                        ..WireObject::default()
                    })
                })
                .collect(),
        };
        serde_json::to_vec(&wire).map_err(|_| {
            HeadFault::Grammar(Place::default().expected("a head that can be written"))
        })
    }
}

const NAME: &str = "an id of 1 to 64 letters, digits, `_`, `.` or `-`";

fn is_source(source: &str) -> bool {
    let id = source
        .strip_prefix("file:")
        .or_else(|| source.strip_prefix("server:"));
    id.is_some_and(is_id)
}

fn revision(number: u64, place: &Place) -> Result<Revision, Refusal> {
    Revision::new(number).ok_or_else(|| place.expected("an integer below 10^15"))
}

fn base(wire: &WireObject<'_>) -> Result<BaseEntry, Refusal> {
    let place = Place::member("base");
    let (Some(number), None, None) = (wire.revision, wire.from, wire.to) else {
        return Err(place.expected("`revision`, `size`, `sha256`, and at most `urgent`"));
    };
    Ok(BaseEntry {
        revision: revision(number, &place.then("revision"))?,
        size: size(wire.size, largest_base(), &place, BASE_SIZE)?,
        sha256: hash(wire.sha256, &place)?,
        urgent: wire.urgent.unwrap_or(false),
    })
}

const BASE_SIZE: &str = "1 to 134217728 bytes";

fn largest_base() -> u32 {
    u32::try_from(LARGEST).unwrap_or(u32::MAX)
}

fn size(bytes: u64, most: u32, place: &Place, expected: &'static str) -> Result<u32, Refusal> {
    u32::try_from(bytes)
        .ok()
        .filter(|bytes| (1..=most).contains(bytes))
        .ok_or_else(|| place.then("size").expected(expected))
}

fn hash(text: &str, place: &Place) -> Result<Sha256, Refusal> {
    let expected = "64 hexadecimal digits in lower case";
    Sha256::from_hex(text).ok_or_else(|| place.then("sha256").expected(expected))
}

#[cfg(test)]
mod tests;
