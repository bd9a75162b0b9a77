//! Numbers of things.

use std::fmt::Display;

/// `1 key`, `1204 keys`.
pub(super) fn counted<N: Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    let name = if number == N::from(1) { one } else { many };
    format!("{number} {name}")
}
