//! Why a configuration is refused: the place, and what was expected there. Never the content.

use std::fmt;

/// A place in a configuration: `keys[17].allowed_ips[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(pub(crate) String);

impl Place {
    /// A top-level member.
    #[must_use]
    pub fn member(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// A member of this object.
    #[must_use]
    pub fn then(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self::member(name)
        } else {
            Self(format!("{}.{name}", self.0))
        }
    }

    /// An element of this array.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// A refusal of what stands here. `expected` is a fixed text, lower case, without a full stop.
    #[must_use]
    pub fn expected(&self, expected: &'static str) -> Refusal {
        Refusal {
            place: self.0.clone(),
            expected: format!("expected {expected}"),
        }
    }

    /// A refusal of what stands here, in other words than "expected".
    #[must_use]
    pub fn refused(&self, why: &'static str) -> Refusal {
        Refusal {
            place: self.0.clone(),
            expected: why.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a configuration is refused as a whole. Shown as `keys[17].allowed_ips[0]: expected an address or CIDR range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `keys[17].allowed_ips[0]`, or `line 7 column 2` where the text itself is broken. Empty for the whole.
    pub place: String,
    /// What was expected there.
    pub expected: String,
}

impl Refusal {
    /// The same refusal, of something that stands at `place` of a larger whole.
    #[must_use]
    pub fn below(self, place: &Place) -> Self {
        let place = match (place.0.as_str(), self.place.as_str()) {
            (outer, "") => outer.to_owned(),
            ("", inner) => inner.to_owned(),
            (outer, inner) if inner.starts_with("line ") => format!("{outer}: {inner}"),
            (outer, inner) => format!("{outer}.{inner}"),
        };
        Self { place, ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.expected)
        } else {
            write!(f, "{}: {}", self.place, self.expected)
        }
    }
}

impl std::error::Error for Refusal {}

/// Texts of our own that a deserializer may raise: they are fixed, so they can be shown.
pub(crate) const DUPLICATE_MEMBER: &str = "duplicate member";
