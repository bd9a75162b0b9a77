//! What a record keeps of an existing key's value. It is computed where the value is, so the rules
//! never see the value itself.

use std::collections::HashSet;

use super::refusal::RuleCode;
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::mask::Masked;
use crate::profile::Profile;

/// The maximum length of a key that a gateway reads.
const LONGEST: usize = 512;

/// How many random characters after the prefix make a key hard to guess: 24 of base62 are 142 bits.
const STRONG: usize = 24;

/// How many of these characters must differ: 24 random ones of base62 have about 20 different ones,
/// and a masked key (`****hVXR`) or `xxxx…` has few.
const DIFFERENT: usize = 8;

/// What a record keeps of an existing key's value, and what the value reveals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedValue {
    pub(super) digest: KeyDigest,
    pub(super) last4: Option<String>,
    /// The value of a publishable key. It is public.
    pub(super) public: Option<String>,
    pub(super) kind: Result<KeyKind, RuleCode>,
    pub(super) mode: Result<Livemode, RuleCode>,
    pub(super) body: Body,
}

/// The last four characters of a value, as masked keys show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last4([u8; 4]);

impl Last4 {
    /// Returns `None` unless `text` is four letters or digits.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let bytes: [u8; 4] = text.as_bytes().try_into().ok()?;
        let is_shown = bytes.iter().all(u8::is_ascii_alphanumeric);
        is_shown.then_some(Self(bytes))
    }

    /// Returns the characters as a text.
    pub(super) fn text(self) -> String {
        self.0.into_iter().map(char::from).collect()
    }
}

/// The part of a key after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    Short,
    Long,
}

impl ImportedValue {
    /// Reads a value. `kind` and `mode` are what the caller stated. Faults of the value are
    /// reported when the import is decided.
    #[must_use]
    pub fn read(
        profile: &Profile,
        value: &str,
        kind: Option<KeyKind>,
        mode: Option<Livemode>,
    ) -> Self {
        let kind = kind_of(profile, value, kind);
        let known = kind.as_ref().ok().copied();
        let mode = known.map_or(Err(RuleCode::ModeUnsaid), |kind| {
            mode_of(profile, value, kind, mode)
        });
        let public = (known == Some(KeyKind::Publishable)).then(|| value.to_owned());
        let end = Masked::new(value, profile.known_prefixes()).end();
        let last4 = Some(end.to_owned()).filter(|end| public.is_none() && !end.is_empty());
        Self {
            digest: KeyDigest::of(value.as_bytes()),
            last4,
            public,
            kind,
            mode,
            body: known.map_or(Body::Nothing, |kind| body(profile, value, kind)),
        }
    }

    /// Returns a value that is known only by its digest.
    #[must_use]
    pub fn digest_of(digest: KeyDigest, kind: KeyKind, mode: Livemode) -> Self {
        Self {
            digest,
            last4: None,
            public: None,
            kind: Ok(kind),
            mode: Ok(mode),
            body: Body::Long,
        }
    }

    /// Adds the value's last characters, if the caller gave them.
    #[must_use]
    pub fn ending(self, last4: Option<Last4>) -> Self {
        Self {
            last4: last4.map(Last4::text),
            ..self
        }
    }

    /// Returns the value's digest.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        self.digest
    }
}

/// Returns the kind that the key's prefix implies. A gateway rejects a key whose prefix does not
/// match its kind, so this does as well.
fn kind_of(profile: &Profile, value: &str, said: Option<KeyKind>) -> Result<KeyKind, RuleCode> {
    let is_spelled = value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',');
    if value.len() > LONGEST || !is_spelled {
        return Err(RuleCode::NotAKey);
    }
    let fitting: Vec<KeyKind> = KeyKind::ALL
        .into_iter()
        .filter(|kind| profile.is_key_of_kind(value, *kind))
        .collect();
    match (said, fitting.as_slice()) {
        (Some(said), kinds) if kinds.contains(&said) => Ok(said),
        (Some(kind), _) => Err(RuleCode::PrefixOfAnotherKind {
            kind,
            prefixes: profile.key_prefixes(kind).map(str::to_owned).collect(),
        }),
        (None, [kind]) => Ok(*kind),
        (None, []) => Err(RuleCode::PrefixUnknown),
        (None, [_, _, ..]) => Err(RuleCode::KindUnsaid),
    }
}

/// Returns the mode from the key's prefix, or from the word after it: `sk_org_live_…`.
fn mode_of(
    profile: &Profile,
    value: &str,
    kind: KeyKind,
    said: Option<Livemode>,
) -> Result<Livemode, RuleCode> {
    let told = prefix_of(profile, value, kind).and_then(|prefix| {
        let after = value.strip_prefix(prefix)?.split_once(['_', '-']);
        let words = prefix.split(['_', '-']).chain(after.map(|(word, _)| word));
        words.filter_map(named_mode).next()
    });
    match (told, said) {
        (Some(told), Some(said)) if told != said => Err(RuleCode::ModeContradicts { told, said }),
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) => Err(RuleCode::ModeUnsaid),
    }
}

fn named_mode(word: &str) -> Option<Livemode> {
    match word {
        "live" => Some(Livemode::Live),
        "test" => Some(Livemode::Test),
        _ => None,
    }
}

/// Classifies what follows the prefix, and the mode if that comes next. If nothing follows, as when
/// a variable was unset, the key would let in anyone who sends the prefix.
fn body(profile: &Profile, value: &str, kind: KeyKind) -> Body {
    let prefix = prefix_of(profile, value, kind).unwrap_or_default();
    let body = value.strip_prefix(prefix).unwrap_or(value);
    let body = match body.split_once(['_', '-']) {
        Some((word, rest)) if named_mode(word).is_some() => rest,
        _ => body,
    };
    let different: HashSet<u8> = body.bytes().collect();
    if !body.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        Body::Nothing
    } else if body.len() < STRONG || different.len() < DIFFERENT {
        Body::Short
    } else {
        Body::Long
    }
}

fn prefix_of<'a>(profile: &'a Profile, value: &str, kind: KeyKind) -> Option<&'a str> {
    let prefixes = profile.key_prefixes(kind);
    prefixes
        .filter(|prefix| value.starts_with(prefix))
        .max_by_key(|prefix| prefix.len())
}
