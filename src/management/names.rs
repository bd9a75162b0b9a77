//! How ids and names are spelled, and how an error may repeat what a caller sent instead.

use crate::id::is_id;
use crate::mask::KnownPrefixes;
use crate::profile::Profile;

/// Returns `name` as an error may repeat it: itself, if it is spelled like an id or a name and is
/// not a key.
#[must_use]
pub fn shown<'a>(name: &'a str, prefixes: &KnownPrefixes) -> &'a str {
    if is_id(name) && !prefixes.occur_in(name) {
        name
    } else {
        "…"
    }
}

/// Splits `customer_read`, as Stripe's API spells a grant, into the permission and the level.
/// Returns `None` if the text is not spelled like a name, or is a key.
#[must_use]
pub fn with_ending(text: &str) -> Option<(&str, &'static str)> {
    let of = |level| Some((text.strip_suffix(level)?.strip_suffix('_')?, level));
    let is_name = is_id(text) && !Profile::stripe().known_prefixes().occur_in(text);
    of("read").or_else(|| of("write")).filter(|_| is_name)
}
