//! Header names as servers spell them: exact matches of keyward's names, and names that match only
//! for a server that folds characters.

/// How a header's name compares with one of keyward's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// The same name in any case.
    Exact,
    /// The same name with other bytes in place of the hyphens. A server that turns header names
    /// into variables reads it as keyward's.
    Folded,
}

/// Folds a byte of a name as the most lenient server does: to a letter or digit in lower case, or
/// to one byte for everything else.
///
/// CGI turns `-` into `_`, and so do WSGI, Rack, PSGI and nginx. PHP does the same with `.`, blanks
/// and `[`; lighttpd and Apache up to 2.2 with every byte that is not a letter or digit. None of
/// them drops or doubles a byte, so a folded name is as long as keyward's.
///
/// Sources: RFC 3875, section 4.1.18; `php_register_variable_ex` of PHP; `http_cgi_encode_varname`
/// of lighttpd; `http2env` of Apache.
#[must_use]
pub const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// Compares `sent` with `ours`, which consists of lower-case letters, digits and hyphens.
pub(crate) fn spelled(sent: &[u8], ours: &str) -> Option<Spelling> {
    if sent.len() != ours.len() {
        return None;
    }
    // The fast path: Envoy already lower-cases names.
    if sent == ours.as_bytes() {
        return Some(Spelling::Exact);
    }
    if sent.eq_ignore_ascii_case(ours.as_bytes()) {
        return Some(Spelling::Exact);
    }
    let mut bytes = sent.iter().zip(ours.bytes());
    bytes
        .all(|(sent, ours)| fold(*sent) == ours)
        .then_some(Spelling::Folded)
}

/// Lets through every name that was added, in any spelling, and few others. Most headers mean
/// nothing to keyward, so most are compared with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sieve([u64; 4]);

impl Sieve {
    /// Contains no name yet.
    pub(crate) const EMPTY: Self = Self([0; 4]);

    /// Returns the sieve with one more name.
    pub(crate) const fn with(self, name: &[u8]) -> Self {
        let (Some(first), Some(last)) = (name.first(), name.last()) else {
            return self;
        };
        let [mut a, mut b, mut c, mut d] = self.0;
        let (word, bit) = Self::place(name.len(), *first, *last);
        match word {
            0 => a |= bit,
            1 => b |= bit,
            2 => c |= bit,
            _ => d |= bit,
        }
        Self([a, b, c, d])
    }

    /// Returns whether `name` may be one of the added names.
    pub(crate) fn may_hold(&self, name: &[u8]) -> bool {
        let (Some(first), Some(last)) = (name.first(), name.last()) else {
            return false;
        };
        let (word, bit) = Self::place(name.len(), *first, *last);
        self.0
            .get(usize::from(word))
            .is_some_and(|word| word & bit != 0)
    }

    /// Returns which of the four words and which bit in it belong to a length, first byte and last
    /// byte.
    const fn place(length: usize, first: u8, last: u8) -> (u8, u64) {
        let [length, ..] = length.to_le_bytes();
        let sum = length
            .wrapping_mul(37)
            .wrapping_add(fold(first).wrapping_mul(11))
            .wrapping_add(fold(last).wrapping_mul(3));
        (sum >> 6, 1 << (sum & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_for_a_hyphen_folds_and_none_for_a_letter_does() {
        for byte in 0..=u8::MAX {
            let sent = [b"X", &[byte][..], b"Key"].concat();
            let expected = match byte {
                b'-' => Some(Spelling::Exact),
                byte if byte.is_ascii_alphanumeric() => None,
                _ => Some(Spelling::Folded),
            };
            assert_eq!(spelled(&sent, "x-key"), expected, "{byte:#04x}");
            let sent = [b"x-", &[byte][..], b"ey"].concat();
            let expected = byte.eq_ignore_ascii_case(&b'k').then_some(Spelling::Exact);
            assert_eq!(spelled(&sent, "x-key"), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn a_longer_or_a_shorter_name_is_another() {
        for sent in ["x-ke", "x-keys", "x--key", "-x-key", "x-key.", ""] {
            assert_eq!(spelled(sent.as_bytes(), "x-key"), None, "{sent}");
        }
    }

    #[test]
    fn the_sieve_lets_every_spelling_of_what_it_holds_through() {
        let long = "x".repeat(300);
        for name in ["x-key", "a", "x-http-method-override", &long] {
            let sieve = Sieve::EMPTY.with(b"other").with(name.as_bytes());
            for sent in [name.to_owned(), name.to_uppercase(), name.replace('-', ".")] {
                assert!(sieve.may_hold(sent.as_bytes()), "{sent}");
            }
            assert!(!Sieve::EMPTY.may_hold(name.as_bytes()));
        }
        assert!(!Sieve::EMPTY.with(b"").may_hold(b""));
    }
}
