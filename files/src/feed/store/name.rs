//! What the blobs of a feed are called. No name comes from outside: objects are named by their hash.

use std::fmt;

use keyward::digest::KeyDigest;

/// A blob whose content is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutable {
    /// What gateways ask for.
    Head,
    /// Which objects no head names any more, and since when. Gateways never read it.
    Retired,
}

impl Mutable {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Retired => "retired",
        }
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A whole snapshot.
    Base,
    /// What changed between two revisions.
    Delta,
}

impl ObjectKind {
    fn ending(self) -> &'static str {
        match self {
            Self::Base => ".base",
            Self::Delta => ".delta",
        }
    }
}

/// An object, by what it is and the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// What it is.
    pub kind: ObjectKind,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
}

impl ObjectName {
    /// The name that these bytes have.
    #[must_use]
    pub fn of(kind: ObjectKind, bytes: &[u8]) -> Self {
        Self {
            kind,
            sha256: *KeyDigest::of(bytes).as_bytes(),
        }
    }

    /// Reads a name, as it is below `o/`: 64 hexadecimal digits in lower case and an ending.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, kind) = match text.strip_suffix(ObjectKind::Base.ending()) {
            Some(digits) => (digits, ObjectKind::Base),
            None => (
                text.strip_suffix(ObjectKind::Delta.ending())?,
                ObjectKind::Delta,
            ),
        };
        let sha256 = *KeyDigest::from_hex(digits)?.as_bytes();
        let name = Self { kind, sha256 };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            KeyDigest::from_bytes(self.sha256),
            self.kind.ending()
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, reason = "these texts are ASCII")]

    use super::*;

    #[test]
    fn a_name_reads_as_it_was_written_and_nothing_else_is_one() {
        let name = ObjectName::of(ObjectKind::Delta, b"abc");
        let text = name.to_string();
        assert!(text.starts_with("ba7816bf") && text.ends_with("15ad.delta"));
        assert_eq!(ObjectName::parse(&text), Some(name));
        let upper = text.to_uppercase().replace(".DELTA", ".delta");
        for text in [
            "",
            "head",
            ".base",
            "../o/x.base",
            &upper,
            &text[1..],
            &format!("{text}.base"),
            &format!(" {text}"),
        ] {
            assert_eq!(ObjectName::parse(text), None, "{text}");
        }
    }
}
