//! How ids and names are spelled, and how what somebody sent in their place may be repeated.

use crate::mask::KnownPrefixes;
use crate::profile::Profile;

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

/// `customer_read`, as Stripe's API spells a grant: the permission and the level. `None` for what
/// is not spelled as a name, or is a key.
#[must_use]
pub fn with_ending(text: &str) -> Option<(&str, &'static str)> {
    let of = |level| Some((text.strip_suffix(level)?.strip_suffix('_')?, level));
    let is_name = is_id(text) && !Profile::stripe().known_prefixes().occur_in(text);
    of("read").or_else(|| of("write")).filter(|_| is_name)
}
