//! Checks for printable ASCII, eight bytes at a time. keyward checks every header that it reads.

/// Repeats a byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGH: u64 = each(0x80);

/// Returns whether a byte of `word` is outside 0x20 to 0x7e.
///
/// Source: the tests for a zero byte and for a byte less than another in
/// <https://graphics.stanford.edu/~seander/bithacks.html>
fn holds_another(word: u64) -> bool {
    let below_space = word.wrapping_sub(each(0x20)) & !word;
    let deletes = word ^ each(0x7f);
    let is_delete = deletes.wrapping_sub(each(1)) & !deletes;
    (word | below_space | is_delete) & HIGH != 0
}

/// Returns the text if it contains only printable ASCII, 0x20 to 0x7e.
#[must_use]
pub(crate) fn printable(bytes: &[u8]) -> Option<&str> {
    let (words, rest) = bytes.as_chunks::<8>();
    let holds = |word: &[u8; 8]| holds_another(u64::from_ne_bytes(*word));
    if words.iter().any(holds) || !rest.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// Returns whether `byte` is among `bytes`.
pub(crate) fn holds(bytes: &[u8], byte: u8) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_word = |word: &[u8; 8]| {
        let others = u64::from_ne_bytes(*word) ^ each(byte);
        others.wrapping_sub(each(1)) & !others & HIGH != 0
    };
    words.iter().any(in_word) || rest.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{holds, printable};

    #[test]
    fn a_byte_is_found_in_every_place() {
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![byte.wrapping_add(1); length];
                    assert!(!holds(&bytes, byte), "{bytes:?}");
                    bytes[place] = byte;
                    assert!(holds(&bytes, byte), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn every_byte_in_every_place_is_told() {
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'~'; length];
                    bytes[place] = byte;
                    let is_printable = (0x20..=0x7e).contains(&byte);
                    assert_eq!(printable(&bytes).is_some(), is_printable, "{bytes:?}");
                }
            }
        }
        assert_eq!(printable(b""), Some(""));
    }

    #[test]
    fn neighbours_do_not_hide_each_other() {
        for pair in [[0x7f, 0x20], [0x80, 0x1f], [0x00, 0x01], [0xff, 0x00]] {
            assert_eq!(printable(&[pair, pair, pair, pair].concat()), None);
        }
        assert!(printable(b"\x20\x7e\x20\x7e\x20\x7e\x20\x7e").is_some());
    }
}
