//! How ids and names are spelled, and how what someone sent in their place may be repeated.

use crate::id::is_id;
use crate::mask::KnownPrefixes;
use crate::profile::Profile;

/// `name` as an error may repeat it: where it is spelled as ids and names are, and is not a key.
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
