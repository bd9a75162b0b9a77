//! Masked keys: `rk_test_****hVXR`, `sk_live_…hVXR`, `****hVXR`. They show their last characters,
//! so the keys in the file with that ending are the candidates.

use keyward::invariant::Held;
use keyward::key::Livemode;
use keyward_files::key_file::{Key, KeyFile};

/// The maximum number of characters that a mask leaves at the end.
const LONGEST_END: usize = 12;

/// The minimum number of stars in a mask without a prefix. Fewer are emphasis.
const FEWEST_STARS: usize = 3;

/// A masked key as a text contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MaskedKey {
    /// The known prefix before the mask, or empty.
    prefix: String,
    /// The characters after the mask, or empty if everything is masked.
    end: String,
}

impl MaskedKey {
    /// Returns a uniform spelling, whatever the mask was.
    pub(super) fn shown(&self) -> String {
        format!("{}****{}", self.prefix, self.end)
    }

    pub(super) fn has_end(&self) -> bool {
        !self.end.is_empty()
    }

    /// Returns its last four characters. `None` if it shows fewer.
    pub(super) fn last4(&self) -> Option<&str> {
        let start = self.end.len().checked_sub(4)?;
        self.end.get(start..)
    }

    /// Whether it can be `key`. `None` if the file does not contain the key's ending.
    pub(super) fn may_be(&self, key: &Key, file: &KeyFile) -> Option<bool> {
        let mut prefixes = file.profile().key_prefixes(key.kind);
        let names_mode = |mode: Livemode| {
            self.prefix
                .split(['_', '-'])
                .any(|word| word == mode.name())
        };
        let other = match key.mode {
            Livemode::Live => Livemode::Test,
            Livemode::Test => Livemode::Live,
        };
        let has_prefix = prefixes.any(|prefix| prefix == self.prefix) && !names_mode(other);
        if !self.prefix.is_empty() && !has_prefix {
            return Some(false);
        }
        let end = key.last4.as_deref().or(key.value.as_deref())?;
        Some(end.ends_with(&self.end) || self.end.ends_with(end))
    }
}

/// Adds the masked keys in one reading of a text to `all`, each once.
pub(super) fn find(reading: &[u8], file: &KeyFile, all: &mut Vec<MaskedKey>) {
    let text = String::from_utf8_lossy(reading);
    let prefixes = file.profile().known_prefixes();
    let mut is_word_start = true;
    for (at, character) in text.char_indices() {
        let rest = text.get(at..).held("a character begins here");
        let prefix = if is_word_start {
            prefixes.of(rest.as_bytes())
        } else {
            ""
        };
        let found = if !prefix.is_empty() {
            behind_prefix(prefix, rest)
        } else if is_word_start && is_star(character) {
            without_prefix(rest)
        } else {
            None
        };
        if let Some(found) = found.filter(|found| !all.contains(found)) {
            all.push(found);
        }
        // No mask begins inside another.
        is_word_start = !character.is_alphanumeric() && !is_star(character) && character != '_';
    }
}

fn behind_prefix(prefix: &str, rest: &str) -> Option<MaskedKey> {
    let rest = rest.get(prefix.len()..)?;
    let word = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
    let (head, behind) = rest.split_at(word);
    let crosses = head.find(|c| c != 'x' && c != 'X').unwrap_or(head.len());
    if crosses >= 6 {
        return Some(MaskedKey {
            prefix: prefix.to_owned(),
            end: head.get(crosses..)?.to_owned(),
        })
        .filter(|found| found.end.len() <= LONGEST_END);
    }
    let after = behind.trim_start_matches(is_mask);
    let mask = behind.get(..behind.len().saturating_sub(after.len()))?;
    let dots = mask.chars().filter(|c| *c == '.').count();
    // Three dots are an ellipsis; one dot ends a sentence.
    if mask.is_empty() || (dots == mask.len() && dots < 3) {
        return None;
    }
    let end = after.find(|c: char| !is_of_word(c)).unwrap_or(after.len());
    let end = after.get(..end)?.to_owned();
    // A start and dots without an ending: the key was cut off, not masked.
    let is_cut = end.is_empty() && !head.is_empty() && !mask.chars().any(is_star);
    (!is_cut && end.len() <= LONGEST_END).then(|| MaskedKey {
        prefix: prefix.to_owned(),
        end,
    })
}

fn without_prefix(rest: &str) -> Option<MaskedKey> {
    let after = rest.trim_start_matches(is_star);
    let stars = rest.chars().take_while(|c| is_star(*c)).count();
    let end = after.find(|c: char| !is_of_word(c)).unwrap_or(after.len());
    let (end, behind) = after.split_at(end);
    let is_emphasis = behind.starts_with(is_star) || end.len() > LONGEST_END;
    // Only stars between other words could mean anything.
    let is_alone = end.is_empty() && !behind.trim().is_empty();
    (stars >= FEWEST_STARS && !is_emphasis && !is_alone).then(|| MaskedKey {
        prefix: String::new(),
        end: end.to_owned(),
    })
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_star(c: char) -> bool {
    matches!(c, '*' | '•' | '●' | '·' | '█' | '∗' | '＊')
}

fn is_mask(c: char) -> bool {
    is_star(c) || matches!(c, '…' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let empty = "format = \"keyward.keys/v1\"\n".to_owned();
        let file = KeyFile::read(vec![("keyward.toml".to_owned(), empty)]).unwrap();
        let mut all = Vec::new();
        find(text.as_bytes(), &file, &mut all);
        all.iter().map(MaskedKey::shown).collect()
    }

    #[test]
    fn masks_of_many_tools_are_read_alike() {
        for text in [
            "rk_test_****hVXR",
            "key: \"rk_test_**********************hVXR\".",
            "rk_test_…hVXR",
            "rk_test_...hVXR",
            "rk_test_51Habc…hVXR",
            "rk_test_51Habc***hVXR",
            "rk_test_••••hVXR",
            "rk_test_xxxxxxxxxxhVXR",
            "(rk_test_****hVXR)",
        ] {
            assert_eq!(found(text), ["rk_test_****hVXR"], "{text}");
        }
        assert_eq!(found("the key ****hVXR leaked"), ["****hVXR"]);
        assert_eq!(found("***"), ["****"]);
        assert_eq!(found("sk_live_***"), ["sk_live_****"]);
        assert_eq!(
            found("rk_test_****hVXR sk_live_…abcd"),
            ["rk_test_****hVXR", "sk_live_****abcd"]
        );
    }

    #[test]
    fn other_stars_and_dots_are_no_masks() {
        for text in [
            "**bold** and ***both***",
            "sk_test_FAKE-alice-0001.",
            "sk_test_FAKE-alice-0001",
            "sk_live_51Habc…",
            "a * b *** c",
            "keys begin with sk_live_.",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
