//! A key file must not contain a raw key, not even in a comment. The reader rejects text that looks
//! like one before it reads anything else. The error names the line but does not show it.

use keyward::invariant::Held;
use keyward::key::KeyKind;
use keyward::profile::Profile;

/// The minimum number of characters after a prefix that make a key. A shorter text is a prefix or a
/// masked key.
const SHORTEST: usize = 10;

/// The kinds whose values are secret.
const SECRET: [KeyKind; 3] = [KeyKind::Secret, KeyKind::Restricted, KeyKind::Organization];

/// Whether something in `text` looks like one of Stripe's secret keys.
#[must_use]
pub fn has_secret_key(text: &str) -> bool {
    RawKeys::of(&Profile::stripe()).occur_in(text)
}

/// The prefixes of one API's secret keys, and always Stripe's.
#[derive(PartialEq, Eq)]
pub(super) struct RawKeys(Vec<Box<str>>);

impl RawKeys {
    /// Returns the prefixes of this profile and Stripe's.
    pub(super) fn of(profile: &Profile) -> Self {
        let stripe = Profile::stripe();
        let prefixes = SECRET
            .into_iter()
            .flat_map(|kind| profile.key_prefixes(kind).chain(stripe.key_prefixes(kind)))
            .map(Box::from);
        let mut prefixes: Vec<Box<str>> = prefixes.collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        Self(prefixes)
    }

    /// Whether something in `text` looks like a secret key.
    pub(super) fn occur_in(&self, text: &str) -> bool {
        // A key contains only ASCII.
        text.as_bytes()
            .split(|byte| !is_key_byte(*byte))
            .filter(|token| token.len() > SHORTEST)
            .any(|token| self.occur_in_token(token))
    }

    fn occur_in_token(&self, token: &[u8]) -> bool {
        let mut is_word_start = true;
        for (at, byte) in token.iter().enumerate() {
            let from = token.get(at..).held("a place in the token");
            if is_word_start && self.0.iter().any(|prefix| is_key(from, prefix)) {
                return true;
            }
            is_word_start = !byte.is_ascii_alphanumeric();
        }
        false
    }
}

fn is_key(text: &[u8], prefix: &str) -> bool {
    // A quick check: most words begin differently.
    let prefix = prefix.as_bytes();
    text.first() == prefix.first()
        && text
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= SHORTEST)
}

/// Whether generated keys contain this byte.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_found(text: &str, expected: bool) {
        let keys = RawKeys::of(&Profile::stripe());
        assert_eq!(keys.occur_in(text), expected, "{text}");
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        assert_found("sk_test_FAKE-alice-0001", true);
        assert_found("note = \"rk_live_FAKE-alice-0001\"", true);
        assert_found("name = 'a' # old: sk_org_FAKE-alice-0001", true);
        assert_found("mk_1-sk_test_FAKE-alice-0001", true);
        assert_found("äsk_test_FAKE-alice-0001", true);
    }

    #[test]
    fn prefixes_masks_and_public_keys_are_left_alone() {
        assert_found("prefixes = [\"sk_test_\", \"sk_live_\"]", false);
        assert_found("rk_test_****hixR", false);
        assert_found("pk_test_FAKE-alice-0001", false);
        assert_found("task_test_FAKE-alice-0001", false);
        assert_found("", false);
    }
}
