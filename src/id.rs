//! Ids and names of keys, permissions and grant sets, as snapshots spell them.

use std::fmt;

/// The maximum length of an id, in bytes.
pub const LONGEST: usize = 64;

/// What an error message says it expected.
pub const EXPECTED: &str = "an id of 1 to 64 letters, digits, `_`, `.` or `-`";

/// Returns whether `text` matches `[A-Za-z0-9_.-]{1,64}`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_id_byte)
}

/// Returns whether a byte may be in an id.
#[must_use]
pub(crate) const fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// An id that needs no heap. A decision reports the id of its key in this form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Id {
    /// Returns `None` if `text` is not an id.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::of_parts(text.as_bytes(), b"")
    }

    /// Returns the id that results from joining two parts.
    pub(crate) fn of_parts(first: &[u8], second: &[u8]) -> Option<Self> {
        let length = first.len().checked_add(second.len())?;
        // Without a branch for each byte, because loading a snapshot checks a million ids.
        let is_spelled = |part: &[u8]| {
            part.iter()
                .fold(true, |so_far, byte| so_far & is_id_byte(*byte))
        };
        if length == 0 || !is_spelled(first) || !is_spelled(second) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        let (start, rest) = bytes.split_at_mut_checked(first.len())?;
        start.copy_from_slice(first);
        rest.get_mut(..second.len())?.copy_from_slice(second);
        Some(Self { bytes, length })
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|id| std::str::from_utf8(id).ok())
            .unwrap_or("")
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_1_to_64_letters_digits_and_three_signs() {
        let longest = "a".repeat(LONGEST);
        for id in ["a", "mk_1", "A.b-C_9", &longest] {
            assert_eq!(Id::new(id).unwrap().as_str(), id);
        }
        let too_long = "a".repeat(LONGEST + 1);
        for other in ["", "a b", "a/b", "é", "a\n", &too_long] {
            assert_eq!(Id::new(other), None, "{other}");
        }
    }

    #[test]
    fn parts_are_joined_and_what_is_no_id_then_is_none() {
        assert_eq!(Id::of_parts(b"mk_", b"1").unwrap().as_str(), "mk_1");
        assert_eq!(Id::of_parts(&[b'a'; 60], b"12345"), None);
        assert_eq!(Id::of_parts(&[b'a'; 65], b""), None);
        assert_eq!(Id::of_parts(b"mk_", b"\xff"), None);
        assert_eq!(Id::of_parts(b"", b""), None);
    }
}
