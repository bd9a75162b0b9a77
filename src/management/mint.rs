//! Generates the values and ids of new keys. A value is shown once, by [`Secret::expose`], and
//! wiped from memory when dropped. A record keeps only its digest.

use std::fmt;

use zeroize::Zeroizing;

use super::record::Key;
use super::refusal::RuleCode;
use crate::key::{KeyKind, Livemode};
use crate::profile::Profile;

/// The length of a key, including its prefix: Stripe's current length.
pub const VALUE_LENGTH: usize = 107;

/// Base62. A profile's prefix has at most 32 characters, so at least 75 of these follow it: 446
/// bits.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The largest multiple of 62 below 256. Bytes from here on are discarded, so that all characters
/// are equally likely.
const FAIR: u8 = 248;

/// The length of the random part of a key's id (`mk_…`): 95 bits.
const ID_LENGTH: usize = 16;

/// The maximum number of reads of randomness. At each read, half of the 64 bytes are enough for the
/// longest text, so a source that needs more reads is not random.
const MOST_READS: usize = 64;

/// A source of randomness: the system's in production, and a fixed one in tests.
pub trait Randomness {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// If no random bytes are available.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The source of randomness is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the system has no randomness to give")
    }
}

impl std::error::Error for NoRandomness {}

/// The value of a new key. It has no `Display` and no `Clone`, and its `Debug` does not show it.
pub struct Secret(Zeroizing<String>);

impl Secret {
    fn generate(
        profile: &Profile,
        kind: KeyKind,
        mode: Livemode,
        randomness: &mut dyn Randomness,
    ) -> Result<Self, RuleCode> {
        let prefix = prefix(profile, kind, mode)?;
        let mut value = Zeroizing::new(String::with_capacity(VALUE_LENGTH));
        value.push_str(prefix);
        let rest = VALUE_LENGTH.saturating_sub(prefix.len());
        push_base62(&mut value, rest, randomness).map_err(|NoRandomness| RuleCode::NoRandomness)?;
        Ok(Self(value))
    }

    /// Returns the value itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Creates a key with a new value and a new id.
pub(super) fn new_key(
    profile: &Profile,
    kind: KeyKind,
    mode: Livemode,
    owner: &str,
    id: Option<&str>,
    randomness: &mut dyn Randomness,
) -> Result<(Key, Secret), RuleCode> {
    let secret = Secret::generate(profile, kind, mode, randomness)?;
    let id = match id {
        Some(id) => id.to_owned(),
        None => new_key_id(randomness)?,
    };
    let key = match kind {
        KeyKind::Publishable => Key::publishable(&id, mode, owner, secret.expose()),
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => {
            let prefixes = profile.known_prefixes();
            Key::of_value(&id, kind, mode, owner, secret.expose(), prefixes)
        }
    };
    Ok((key, secret))
}

/// Generates a key's id: `mk_` and 16 characters of base62.
pub(super) fn new_key_id(randomness: &mut dyn Randomness) -> Result<String, RuleCode> {
    let random = random_id(randomness).map_err(|NoRandomness| RuleCode::NoRandomness)?;
    Ok(format!("mk_{random}"))
}

/// Generates 16 random characters of base62, for ids of any kind.
///
/// # Errors
/// If no randomness is available.
pub fn random_id(randomness: &mut dyn Randomness) -> Result<String, NoRandomness> {
    let mut id = String::new();
    push_base62(&mut id, ID_LENGTH, randomness)?;
    Ok(id)
}

/// Returns the prefix of a new key: the one that names the mode, or the only one.
fn prefix(profile: &Profile, kind: KeyKind, mode: Livemode) -> Result<&str, RuleCode> {
    let names_mode = |prefix: &&str| prefix.split(['_', '-']).any(|word| word == mode.name());
    let mut all = profile.key_prefixes(kind);
    let found = match (all.next(), all.next()) {
        (Some(only), None) => Some(only),
        _ => profile.key_prefixes(kind).find(names_mode),
    };
    found.ok_or(RuleCode::NoPrefixForMode { kind, mode })
}

fn push_base62(
    text: &mut String,
    count: usize,
    randomness: &mut dyn Randomness,
) -> Result<(), NoRandomness> {
    let mut wanted = count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    for _ in 0..MOST_READS {
        randomness.fill(bytes.as_mut())?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        for byte in fair.take(wanted) {
            // `% 62` is always an index of the alphabet.
            if let Some(character) = ALPHABET.get(usize::from(byte % 62)) {
                text.push(char::from(*character));
                wanted = wanted.saturating_sub(1);
            }
        }
        if wanted == 0 {
            return Ok(());
        }
    }
    Err(NoRandomness)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::management::testing::Counter;

    #[test]
    fn a_value_has_its_prefix_and_107_characters() {
        let stripe = Profile::stripe();
        for (kind, mode, prefix) in [
            (KeyKind::Secret, Livemode::Test, "sk_test_"),
            (KeyKind::Secret, Livemode::Live, "sk_live_"),
            (KeyKind::Restricted, Livemode::Live, "rk_live_"),
            (KeyKind::Publishable, Livemode::Test, "pk_test_"),
            (KeyKind::Organization, Livemode::Live, "sk_org_"),
        ] {
            let secret = Secret::generate(&stripe, kind, mode, &mut Counter::new()).unwrap();
            assert_eq!(secret.expose().len(), 107);
            let rest = secret.expose().strip_prefix(prefix).unwrap();
            assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut randomness = Counter::new();
        let mut text = String::new();
        for _ in 0..1_000 {
            push_base62(&mut text, 62, &mut randomness).unwrap();
        }
        let mut counts: HashMap<char, i32> = HashMap::new();
        for character in text.chars() {
            *counts.entry(character).or_default() += 1;
        }
        assert_eq!((text.len(), counts.len()), (62_000, 62));
        // 1000 each are expected, with a standard deviation of 31. The bias of `256 % 62` would be
        // eight deviations.
        let far = counts.values().find(|count| (**count - 1000).abs() > 250);
        assert_eq!(far, None);
    }

    #[test]
    fn a_source_that_gives_nothing_of_use_is_given_up() {
        struct Stuck;
        impl Randomness for Stuck {
            fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
                bytes.fill(255);
                Ok(())
            }
        }
        assert_eq!(random_id(&mut Stuck), Err(NoRandomness));
    }

    #[test]
    fn debug_does_not_show_a_value() {
        let stripe = Profile::stripe();
        let secret = Secret::generate(
            &stripe,
            KeyKind::Secret,
            Livemode::Test,
            &mut Counter::new(),
        );
        assert_eq!(format!("{:?}", secret.unwrap()), "Secret(…)");
    }

    #[test]
    fn ids_are_short_and_never_the_same() {
        let mut randomness = Counter::new();
        let one = new_key_id(&mut randomness).unwrap();
        let other = new_key_id(&mut randomness).unwrap();
        assert_eq!((one.len(), one.starts_with("mk_")), (19, true));
        assert_ne!(one, other);
    }
}
