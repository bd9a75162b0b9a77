//! Finds keys in a text: those of the key file by their digests, wherever they begin and end, and
//! other words that look like keys.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

use keyward::digest::KeyDigest;
use keyward::invariant::Held;
use keyward::management::VALUE_LENGTH as LENGTH;
use keyward::mask::Masked;
use keyward_files::key_file::{Key, KeyFile};

/// The maximum length of a key that a gateway reads.
const LONGEST: usize = 512;

/// The minimum number of characters after a prefix for a word to look like a key, if it is not in
/// the file.
const SHORTEST: usize = 10;

/// The maximum number of digests that are computed: a few seconds of work. Only a text that was
/// made to exceed this does.
const MOST_DIGESTS: usize = 20_000_000;

/// The kind of text that was already examined.
#[derive(Hash)]
enum Seen {
    /// The text between two blanks.
    Run,
    /// A prefix and the text after it.
    Prefixed,
}

/// The search through all readings of a text.
pub(super) struct Search<'a> {
    file: &'a KeyFile,
    known: HashMap<KeyDigest, &'a Key>,
    /// The keys of the file that were found, in order.
    pub(super) found: Vec<&'a Key>,
    /// Words that look like keys but are not in the file, masked, each once.
    pub(super) strangers: Vec<String>,
    /// Words that may be the beginning of a key, masked and in clear text.
    cut: Vec<(String, Vec<u8>)>,
    /// The values of the keys that were found, as in the text.
    values: Vec<Vec<u8>>,
    /// Hashes of the text that was already examined, because logs repeat themselves.
    seen: HashSet<u64>,
    hasher: RandomState,
    digests: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(file: &'a KeyFile) -> Self {
        Self {
            file,
            known: file.keys().map(|key| (key.digest, key)).collect(),
            found: Vec::new(),
            strangers: Vec::new(),
            cut: Vec::new(),
            values: Vec::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            digests: 0,
        }
    }

    /// Returns words that may be the beginning of a key, masked, except beginnings of keys that
    /// were found.
    pub(super) fn cut(&self) -> impl Iterator<Item = &str> {
        let goes_on = |text: &[u8]| self.values.iter().any(|value| value.starts_with(text));
        let cut = self.cut.iter().filter(move |(_, text)| !goes_on(text));
        cut.map(|(shown, _)| shown.as_str())
    }

    /// Whether the search gave up.
    pub(super) fn is_cut_short(&self) -> bool {
        self.digests >= MOST_DIGESTS
    }

    /// Searches one reading of the text. `is_spaced` is false if the words are not separate, so
    /// that something which looks like a key may be several words.
    pub(super) fn look(&mut self, reading: &[u8], is_spaced: bool) {
        let is_of_key = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
        let mut rest = reading;
        while !rest.is_empty() && !self.is_cut_short() {
            let blanks = rest.iter().position(is_of_key).unwrap_or(rest.len());
            let run = rest.get(blanks..).held("a place in the rest");
            let end = run.iter().position(|byte| !is_of_key(byte));
            let (run, behind) = run.split_at(end.unwrap_or(run.len()));
            if self.is_new(Seen::Run, run) {
                self.by_prefix(run, behind, is_spaced);
                self.whole(run);
            }
            rest = behind;
        }
    }

    fn is_new(&mut self, what: Seen, text: &[u8]) -> bool {
        self.seen.insert(self.hasher.hash_one((what, text)))
    }

    /// Treats every known prefix as the start of a key of any length. `behind` is the text after
    /// the run.
    fn by_prefix(&mut self, run: &[u8], behind: &[u8], is_spaced: bool) {
        let file = self.file;
        let prefixes = file.profile().known_prefixes();
        for start in 0..run.len() {
            let from = run.get(start..).held("a place in the run");
            let prefix = prefixes.of(from).len();
            if prefix == 0 {
                continue;
            }
            let longest = from.get(..LONGEST).unwrap_or(from);
            if self.is_new(Seen::Prefixed, longest) && !self.is_any_length(longest, prefix) {
                let before = start.checked_sub(1).and_then(|before| run.get(before));
                if is_spaced && !before.is_some_and(u8::is_ascii_alphanumeric) {
                    self.note(from, prefix, behind);
                }
            }
            if self.is_cut_short() {
                return;
            }
        }
    }

    /// Whether `text` begins with a key of the file. It tries all lengths, because a key can end at
    /// any character.
    fn is_any_length(&mut self, text: &[u8], prefix: usize) -> bool {
        let mut digest = Sha256::new();
        let mut is_found = false;
        for (at, byte) in text.iter().enumerate() {
            digest.update([*byte]);
            if at >= prefix {
                self.digests += 1;
                if self.take(KeyDigest::from_bytes(digest.clone().finalize().into())) {
                    is_found = true;
                    self.values.extend(text.get(..=at).map(<[u8]>::to_vec));
                }
            }
        }
        is_found
    }

    /// Finds keys with an unknown prefix: tries the whole run without its quotes, and the parts
    /// between and after delimiters.
    fn whole(&mut self, run: &[u8]) {
        let is_quote = |byte: &u8| b"\"'`()[]{}<>;:.!?*".contains(byte);
        let start = run.iter().position(|byte| !is_quote(byte)).unwrap_or(0);
        let end = run.iter().rposition(|byte| !is_quote(byte));
        let bare = run.get(start..end.map_or(run.len(), |last| last + 1));
        let behind = run.splitn(2, |byte| *byte == b'=').nth(1);
        let pieces = run.split(|byte| b"\"'`()[]{}<>;:=&?|\\/@#".contains(byte));
        for piece in [Some(run), bare, behind]
            .into_iter()
            .flatten()
            .chain(pieces)
        {
            if (1..=LONGEST).contains(&piece.len()) {
                self.digests += 1;
                self.take(KeyDigest::of(piece));
            }
        }
    }

    fn take(&mut self, digest: KeyDigest) -> bool {
        let key = self.known.get(&digest).copied();
        if let Some(key) = key.filter(|key| !self.found.iter().any(|found| found.id == key.id)) {
            self.found.push(key);
        }
        key.is_some()
    }

    /// Notes a word that looks like a key but is not in the file.
    fn note(&mut self, from: &[u8], prefix: usize, behind: &[u8]) {
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let end = from.iter().position(|byte| !is_of_word(byte));
        let (word, after) = from.split_at(end.unwrap_or(from.len()));
        let Ok(text) = std::str::from_utf8(word) else {
            return;
        };
        let is_dotted = |text: &[u8]| text.starts_with(b"...") || text.starts_with("…".as_bytes());
        let is_dotted = is_dotted(after) || (after.is_empty() && is_dotted(behind));
        let is_long = word.len() >= prefix + SHORTEST;
        let is_masked = after.first() == Some(&b'*') || (is_dotted && !is_end(after, behind));
        if is_masked || !(is_long || is_dotted) || word.len() <= prefix {
            return;
        }
        let shown = Masked::new(text, self.file.profile().known_prefixes()).to_string();
        if word.len() >= LENGTH {
            if !self.strangers.contains(&shown) {
                self.strangers.push(shown);
            }
        } else if !self.cut.iter().any(|(known, _)| *known == shown) {
            self.cut.push((shown, word.to_vec()));
        }
    }
}

/// Whether the word ends with the dots, so that the end of the key is missing.
fn is_end(after: &[u8], behind: &[u8]) -> bool {
    let rest = if after.is_empty() { behind } else { after };
    let dots = |byte: &u8| *byte == b'.' || !byte.is_ascii();
    let next = rest.iter().find(|byte| !dots(byte));
    !next.is_some_and(u8::is_ascii_alphanumeric)
}
