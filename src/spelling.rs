//! Header names as servers spell them: what is ours to the letter, and what is ours only for a server that folds.

/// How a header's name compares with one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// In any case.
    Exact,
    /// With other bytes for the hyphens: a server that makes variables of names reads it as ours.
    Folded,
}

/// A byte of a name, as the most generous server reads it: a letter or digit in any case, or anything else.
///
/// CGI makes `_` of `-`, and so do WSGI, Rack, PSGI and nginx. PHP does the same with `.`, blanks and `[`; lighttpd and Apache up to 2.2 with every
/// byte that is not a letter or digit. None drops a byte or makes one of two, so a folded name has the length of ours.
///
/// Sources: RFC 3875, section 4.1.18; `php_register_variable_ex` of PHP; `http_cgi_encode_varname` of lighttpd; `http2env` of Apache.
#[must_use]
pub const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// Compares `sent` with `ours`, which is spelled with small letters, digits and hyphens.
pub(crate) fn spelled(sent: &[u8], ours: &str) -> Option<Spelling> {
    if sent.len() != ours.len() {
        return None;
    }
    // As Envoy hands names over.
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

/// Lets through every name that was put in, however it is spelled, and few others: most headers mean nothing, and are compared with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sieve([u64; 4]);

impl Sieve {
    /// Holds nothing yet.
    pub(crate) const EMPTY: Self = Self([0; 4]);

    /// With one name more.
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

    /// Whether it may be one of them.
    pub(crate) fn may_hold(&self, name: &[u8]) -> bool {
        let (Some(first), Some(last)) = (name.first(), name.last()) else {
            return false;
        };
        let (word, bit) = Self::place(name.len(), *first, *last);
        self.0
            .get(usize::from(word))
            .is_some_and(|word| word & bit != 0)
    }

    /// By length, first and last byte: which of the four words, and the bit in it.
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
