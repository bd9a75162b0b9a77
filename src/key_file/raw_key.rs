//! A raw key has no place in a key file, not even in a comment. What looks like one is refused by its line, before anything else is read and without being shown.

use crate::key::KeyKind;
use crate::profile::Profile;

/// How many characters behind a prefix make a key of it: shorter texts name a prefix or a masked key.
const SHORTEST: usize = 10;

/// The kinds whose values are secret.
const SECRET: [KeyKind; 3] = [KeyKind::Secret, KeyKind::Restricted, KeyKind::Organization];

/// Where, in bytes, the first text stands that looks like a secret key of this profile or of Stripe's.
pub(super) fn find(text: &str, profile: &Profile) -> Option<usize> {
    let stripe = Profile::stripe();
    let prefixes: Vec<&str> = SECRET
        .into_iter()
        .flat_map(|kind| profile.key_prefixes(kind).chain(stripe.key_prefixes(kind)))
        .collect();
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(rest) = bytes.get(start..) {
        let length = rest.iter().take_while(|byte| is_key_byte(**byte)).count();
        let token = rest.get(..length).unwrap_or_default();
        let found = (0..token.len()).find(|at| {
            let at_word = at
                .checked_sub(1)
                .and_then(|before| token.get(before))
                .is_none_or(|before| !before.is_ascii_alphanumeric());
            let from = token.get(*at..).unwrap_or_default();
            at_word && prefixes.iter().any(|prefix| is_key(from, prefix))
        });
        if let Some(found) = found {
            return Some(start + found);
        }
        start += length + 1;
    }
    None
}

fn is_key(text: &[u8], prefix: &str) -> bool {
    text.strip_prefix(prefix.as_bytes())
        .is_some_and(|rest| rest.len() >= SHORTEST)
}

/// What generated keys are spelled with.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_found(text: &str, expected: Option<usize>) {
        assert_eq!(find(text, &Profile::stripe()), expected, "{text}");
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        assert_found("sk_test_FAKE-alice-0001", Some(0));
        assert_found("note = \"rk_live_FAKE-alice-0001\"", Some(8));
        assert_found("# x\nname = 'a' # old: sk_org_FAKE-alice-0001", Some(22));
        assert_found("mk_1-sk_test_FAKE-alice-0001", Some(5));
    }

    #[test]
    fn prefixes_masks_and_public_keys_are_left_alone() {
        assert_found("prefixes = [\"sk_test_\", \"sk_live_\"]", None);
        assert_found("rk_test_****hixR", None);
        assert_found("pk_test_FAKE-alice-0001", None);
        assert_found("task_test_FAKE-alice-0001", None);
        assert_found("", None);
    }
}
