//! Cursors of lists: an accepted cursor was issued for this list and filter, and has only one
//! spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_server::fuzzing::{FILTER, cursor, page};

use super::take;

/// The first bytes are the filter's digest, and the rest is what a client sends as `page`.
pub fn run(mut input: &[u8]) {
    let filter: [u8; FILTER] = std::array::from_fn(|_| take(&mut input));
    given_out(input, filter);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let found = page(text, filter);
    assert_eq!(found, expected(input, filter), "{text:?}");
    if let Some((is_older, number)) = found {
        assert_eq!(cursor(is_older, number, filter), text);
        is_of_this_filter(text, filter);
    }
}

/// Parses a cursor by its layout: a letter, the record's number, the digest.
fn expected(text: &[u8], filter: [u8; FILTER]) -> Option<(bool, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let is_whole = bytes.len() == 9 + FILTER && bytes[9..] == filter;
    let is_older = match bytes.first()? {
        b'o' => true,
        b'n' => false,
        _ => return None,
    };
    is_whole.then_some(())?;
    let number = bytes[1..9]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (number <= i64::MAX.unsigned_abs()).then_some((is_older, number))
}

/// Asserts that the server accepts what it issues.
fn given_out(mut input: &[u8], filter: [u8; FILTER]) {
    let is_older = take(&mut input).is_multiple_of(2);
    let number = u64::from_be_bytes(std::array::from_fn(|_| take(&mut input))) >> 1;
    let text = cursor(is_older, number, filter);
    assert_eq!(page(&text, filter), Some((is_older, number)));
    is_of_this_filter(&text, filter);
    for end in ["=", "A", " ", "\0"] {
        assert_eq!(page(&format!("{text}{end}"), filter), None);
    }
}

/// Asserts that it is invalid with another filter, or for another caller.
fn is_of_this_filter(text: &str, filter: [u8; FILTER]) {
    for at in 0..FILTER {
        let mut other = filter;
        other[at] ^= 1;
        assert_eq!(page(text, other), None, "{text:?}");
    }
}
