//! What to ask a server about a text: the digests of everything that looks like a key, and the
//! endings of masked keys. In a key file every possible length is searched. A server answers only
//! five questions a second, so it is asked about whole words, and about the length of today's keys.

use super::masked::{self, MaskedKey};
use super::text::Text;
use crate::server::MOST_LOOKUPS;
use keyward::digest::KeyDigest;
use keyward::invariant::Held;
use keyward::management::VALUE_LENGTH;
use keyward::profile::Profile;
use keyward_files::key_file::{KeyFile, Records};

/// The maximum length of a key that a gateway reads.
const LONGEST: usize = 512;

/// The questions to a server.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) digests: Vec<KeyDigest>,
    /// Last four characters of masked keys.
    pub(super) ends: Vec<String>,
    /// What the server is not asked about, in words.
    pub(super) unasked: Vec<String>,
}

impl Asked {
    /// Returns the questions about a text.
    pub(super) fn of(mut text: Text, profile: &Profile) -> Self {
        let none = KeyFile::of_records(Records::of(profile.clone()));
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut masks: Vec<MaskedKey> = Vec::new();
        text.each_reading(|reading, is_spaced| {
            for at in 0..reading.len() {
                let from = reading.get(at..).held("a place in the reading");
                let prefix = profile.known_prefixes().of(from).len();
                if prefix > 0 {
                    put_words(from, prefix, &mut words);
                }
            }
            if is_spaced {
                masked::find(reading, &none, &mut masks);
            }
        });
        let mut asked = Self::default();
        if words.len() > MOST_LOOKUPS {
            asked.unasked.push(format!(
                "the text holds more that looks like a key than the {MOST_LOOKUPS} that the server is asked for: give it in parts"
            ));
        }
        let words = words.iter().take(MOST_LOOKUPS);
        asked.digests = words.map(|word| KeyDigest::of(word)).collect();
        for mask in masks.iter().filter(|mask| mask.has_end()) {
            match mask.last4() {
                Some(end) => asked.ends.push(end.to_owned()),
                None => asked.unasked.push(format!(
                    "`{}` shows fewer than four characters, and a server finds keys by the last four",
                    mask.shown()
                )),
            }
        }
        asked.ends.sort_unstable();
        asked.ends.dedup();
        asked
    }
}

/// Adds the word that begins here, and its first part with the length of today's keys.
fn put_words(from: &[u8], prefix: usize, words: &mut Vec<Vec<u8>>) {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let end = from.iter().position(|byte| !is_of_word(byte));
    let word = from
        .get(..end.unwrap_or(from.len()))
        .held("the end is in the text");
    let whole = word.get(..LONGEST).unwrap_or(word);
    for candidate in [Some(whole), word.get(..VALUE_LENGTH)]
        .into_iter()
        .flatten()
    {
        if candidate.len() > prefix && !words.iter().any(|known| known == candidate) {
            words.push(candidate.to_vec());
        }
    }
}
