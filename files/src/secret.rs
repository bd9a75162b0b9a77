//! Values of new keys, from the system's randomness. A value is shown once, by [`Secret::expose`] alone, and wiped from memory when it is dropped; what is kept of it is its digest.

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use crate::key_file::{Key, KeyFile};
use keyward::key::{KeyKind, Livemode};
use keyward::profile::Profile;

/// How long a key is, prefix included: Stripe's length today.
pub const LENGTH: usize = 107;

/// Base62. A profile's prefix has at most 32 characters, so at least 75 of these follow it: 446 bits.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The whole multiples of 62 below 256: a byte above them is thrown away, so that every character is as likely as any other.
const FAIR: u8 = 248;

/// How long the random part of a key's id (`mk_…`) is: 95 bits.
const ID_LENGTH: usize = 16;

/// The value of a key that was just made. It has neither `Debug` nor `Display`, and no `Clone`.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new value for a key of that kind and mode under the profile's prefix.
    pub fn generate(profile: &Profile, kind: KeyKind, mode: Livemode) -> Result<Self> {
        let prefix = prefix(profile, kind, mode)?;
        let mut value = Zeroizing::new(String::with_capacity(LENGTH));
        value.push_str(prefix);
        push_base62(&mut value, LENGTH.saturating_sub(prefix.len()))?;
        Ok(Self(value))
    }

    /// The value itself, for standard output, and for the record of the key, which keeps its digest and its end. A publishable key's may go into the key file whole.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A key with a new value and a new id.
pub fn new_key(
    file: &KeyFile,
    kind: KeyKind,
    mode: Livemode,
    owner: &str,
) -> Result<(Key, Secret)> {
    let secret = Secret::generate(file.profile(), kind, mode)?;
    let id = new_key_id()?;
    let key = match kind {
        KeyKind::Publishable => Key::publishable(&id, mode, owner, secret.expose()),
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => {
            let prefixes = file.profile().known_prefixes();
            Key::of_value(&id, kind, mode, owner, secret.expose(), prefixes)
        }
    };
    Ok((key, secret))
}

/// A new id of a key: `mk_` and 16 characters of base62.
pub fn new_key_id() -> Result<String> {
    let mut id = "mk_".to_owned();
    push_base62(&mut id, ID_LENGTH)?;
    Ok(id)
}

/// A new id of a change, for the journal, or of a key file.
pub fn new_random_id() -> Result<String> {
    let mut id = String::new();
    push_base62(&mut id, ID_LENGTH)?;
    Ok(id)
}

/// The prefix of a new key: the one that names the mode, or the only one there is.
pub fn prefix(profile: &Profile, kind: KeyKind, mode: Livemode) -> Result<&str> {
    let names_mode = |prefix: &&str| prefix.split(['_', '-']).any(|word| word == mode.name());
    let mut all = profile.key_prefixes(kind);
    let found = match (all.next(), all.next()) {
        (Some(only), None) => Some(only),
        _ => profile.key_prefixes(kind).find(names_mode),
    };
    match found {
        Some(prefix) => Ok(prefix),
        None => bail!(
            "the profile has several prefixes for {} keys and none with the word `{}` in it: add one to `configuration.profile.prefixes.{}`",
            kind.name(),
            mode.name(),
            kind.name()
        ),
    }
}

fn push_base62(text: &mut String, count: usize) -> Result<()> {
    let mut wanted = count;
    let mut bytes = Zeroizing::new([0_u8; 64]);
    while wanted > 0 {
        getrandom::fill(bytes.as_mut())
            .context("the system has no randomness to give; no key was made")?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        for byte in fair.take(wanted) {
            // `% 62` is always an index of the alphabet.
            if let Some(character) = ALPHABET.get(usize::from(byte % 62)) {
                text.push(char::from(*character));
                wanted = wanted.saturating_sub(1);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

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
            let secret = Secret::generate(&stripe, kind, mode).unwrap();
            assert_eq!(secret.expose().len(), 107);
            let rest = secret.expose().strip_prefix(prefix).unwrap();
            assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut text = String::new();
        push_base62(&mut text, 62_000).unwrap();
        let mut counts: HashMap<char, i32> = HashMap::new();
        for character in text.chars() {
            *counts.entry(character).or_default() += 1;
        }
        assert_eq!((text.len(), counts.len()), (62_000, 62));
        // 1000 each, with a standard deviation of 31: eight of them never happen, a bias by `256 % 62` is as large.
        let far = counts.values().find(|count| (**count - 1000).abs() > 250);
        assert_eq!(far, None);
    }

    #[test]
    fn ids_are_short_and_never_the_same() {
        let (one, other) = (new_key_id().unwrap(), new_key_id().unwrap());
        assert_eq!((one.len(), one.starts_with("mk_")), (19, true));
        assert_ne!(one, other);
    }
}
