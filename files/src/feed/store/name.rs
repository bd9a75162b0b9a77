//! The names of a feed's blobs. No name comes from outside: objects are named by their hash.

use std::fmt;

use keyward::digest::KeyDigest;

/// A blob whose content can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutable {
    /// The head, which gateways ask for.
    Head,
    /// The objects that no head names any more, and since when. Gateways never read it.
    Retired,
}

impl Mutable {
    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Retired => "retired",
        }
    }
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A complete snapshot.
    Base,
    /// The changes between two revisions.
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

/// The name of an object: its kind and the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The object's kind.
    pub kind: ObjectKind,
    /// The hash of the object's bytes.
    pub sha256: [u8; 32],
}

impl ObjectName {
    /// Returns the name of an object with these bytes.
    #[must_use]
    pub fn of(kind: ObjectKind, bytes: &[u8]) -> Self {
        Self {
            kind,
            sha256: *KeyDigest::of(bytes).as_bytes(),
        }
    }

    /// Parses a name as it is below `o/`: 64 lower-case hexadecimal digits and an extension.
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
