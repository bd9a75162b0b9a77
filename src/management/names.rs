//! How ids and names are spelled, and how what somebody sent in their place may be repeated.

use crate::mask::KnownPrefixes;

/// Whether `text` is spelled as ids of keys, names of permissions and names of grant sets are:
/// 1 to 64 of `[A-Za-z0-9_.-]`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// `name` as an error may repeat it: where it is spelled as ids and names are, and is no key.
#[must_use]
pub fn shown<'a>(name: &'a str, prefixes: &KnownPrefixes) -> &'a str {
    if is_id(name) && !prefixes.occur_in(name) {
        name
    } else {
        "…"
    }
}
