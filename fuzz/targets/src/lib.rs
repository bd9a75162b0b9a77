//! The fuzz targets: each is one function on bytes that panics if a promise is broken. libFuzzer
//! runs them from `fuzz/fuzz_targets`, and `tests/pure/fuzz_corpora.rs` on the stable toolchain.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "a target panics where a promise is broken"
)]

pub mod access_log;
pub mod configuration;
pub mod context_path;
pub mod credential;
pub mod decide;
pub mod endpoint;
pub mod feed_answers;
pub mod feed_delta;
pub mod feed_head;
pub mod hooks;
pub mod key_file;
pub mod server_body;
pub mod server_forwarded;
pub mod server_page;
pub mod server_principal;
pub mod snapshot_json;
pub mod snapshot_packed;
pub mod version;

use std::sync::LazyLock;

use keyward::profile::Profile;
use regex::bytes::Regex;

/// A target's name, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("access_log", access_log::run),
    ("configuration", configuration::run),
    ("context_path", context_path::run),
    ("credential", credential::run),
    ("decide", decide::run),
    ("endpoint", endpoint::run),
    ("feed_answers", feed_answers::run),
    ("feed_delta", feed_delta::run),
    ("feed_head", feed_head::run),
    ("hooks", hooks::run),
    ("key_file", key_file::run),
    ("server_body", server_body::run),
    ("server_forwarded", server_forwarded::run),
    ("server_page", server_page::run),
    ("server_principal", server_principal::run),
    ("snapshot_json", snapshot_json::run),
    ("snapshot_packed", snapshot_packed::run),
    ("version", version::run),
];

static STRIPE: LazyLock<Profile> = LazyLock::new(Profile::stripe);

/// Matches characters after the prefix of a secret key. Text for people may contain a prefix, but
/// never more.
static RAW_KEY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:[rs]k_(?:test|live)|sk_org(?:_test|_live)?)_[0-9A-Za-z]"));

/// Compiles a pattern over bytes. Patterns are written from the contract, and run in another engine
/// than the hand-written readers under test.
fn pattern(text: &str) -> Regex {
    Regex::new(&format!("(?-u){text}")).unwrap()
}

/// Asserts that the message of a rejection names the place and what was expected, in one line, and
/// nothing of the input.
fn assert_tells_no_key(refusal: &str) {
    assert!(!RAW_KEY.is_match(refusal.as_bytes()), "{refusal}");
    assert!(!refusal.is_empty() && !refusal.contains('\n'), "{refusal}");
}

/// Takes the first byte, or 0 if the input is empty.
fn take(input: &mut &[u8]) -> u8 {
    match input.split_first() {
        Some((first, rest)) => {
            *input = rest;
            *first
        }
        None => 0,
    }
}

/// Takes a length byte and then that many bytes, or all that are left.
fn take_part<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let length = usize::from(take(input)).min(input.len());
    let (part, rest) = input.split_at(length);
    *input = rest;
    part
}
