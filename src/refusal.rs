//! Why a configuration is rejected: the place, and what was expected there. A refusal never quotes
//! the content.

use std::borrow::Cow;
use std::fmt;

/// A step on the way to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Member(Cow<'static, str>),
    /// An element of an array.
    Index(usize),
}

/// A place in a configuration: `keys[17].allowed_ips[0]`, or `line 7 column 2` if the text itself
/// is broken. An empty place is the whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    segments: Vec<Segment>,
    /// Line and column, if the text itself is broken.
    text: Option<(usize, usize)>,
}

impl Place {
    /// Returns the place of a top-level member.
    #[must_use]
    pub fn member(name: impl Into<Cow<'static, str>>) -> Self {
        Self::default().then(name)
    }

    /// Returns a place in a text.
    #[must_use]
    pub fn in_text(line: usize, column: usize) -> Self {
        Self {
            segments: Vec::new(),
            text: Some((line, column)),
        }
    }

    /// Returns the place of a member of this object.
    #[must_use]
    pub fn then(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.step(Segment::Member(name.into()))
    }

    /// Returns the place of an element of this array.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        self.step(Segment::Index(index))
    }

    fn step(&self, segment: Segment) -> Self {
        let mut segments = Vec::with_capacity(self.segments.len() + 1);
        segments.extend_from_slice(&self.segments);
        segments.push(segment);
        Self {
            segments,
            text: self.text,
        }
    }

    /// Returns the steps that lead from the whole to this place.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns whether the place is the whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.segments.is_empty() && self.text.is_none()
    }

    /// Returns the same place relative to a larger whole, where this one is at `outer`.
    #[must_use]
    pub fn below(&self, outer: &Self) -> Self {
        Self {
            segments: [&*outer.segments, &self.segments].concat(),
            text: self.text,
        }
    }

    /// Returns the place relative to the first segment if that is `member`, and otherwise the place
    /// unchanged.
    #[must_use]
    pub fn within(&self, member: &str) -> Self {
        match self.segments.split_first() {
            Some((Segment::Member(first), rest)) if first == member => Self {
                segments: rest.to_vec(),
                text: self.text,
            },
            _ => self.clone(),
        }
    }

    /// Creates a refusal at this place. `expected` is a fixed text, lower case, without a full
    /// stop.
    #[must_use]
    pub fn expected(&self, expected: &'static str) -> Refusal {
        self.refused(format!("expected {expected}"))
    }

    /// Creates a refusal at this place in words other than "expected". They must not quote the
    /// content.
    #[must_use]
    pub fn refused(&self, why: impl Into<String>) -> Refusal {
        Refusal {
            place: self.clone(),
            expected: why.into(),
        }
    }
}

impl From<&[Segment]> for Place {
    fn from(segments: &[Segment]) -> Self {
        Self {
            segments: segments.to_vec(),
            text: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Member(name) if number == 0 => f.write_str(name)?,
                Segment::Member(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if let Some((line, column)) = self.text {
            let behind = if self.segments.is_empty() { "" } else { ": " };
            write!(f, "{behind}line {line} column {column}")?;
        }
        Ok(())
    }
}

/// Why a configuration is rejected as a whole. Displayed as
/// `keys[17].allowed_ips[0]: expected an address or CIDR range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The place.
    pub place: Place,
    /// What was expected at that place.
    pub expected: String,
}

impl Refusal {
    /// Returns the same refusal for something that is at `place` of a larger whole.
    #[must_use]
    pub fn below(self, place: &Place) -> Self {
        Self {
            place: self.place.below(place),
            ..self
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_whole() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.expected)
    }
}

impl std::error::Error for Refusal {}

/// Receives the faults that a reader finds.
pub trait Sink {
    /// Receives a fault. `Err` ends the reading with it. After `Ok`, the reader skips the faulty
    /// part and continues.
    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal>;

    /// Returns how a place shows a name that an operator chose. The default hides it, because the
    /// name may be anything.
    fn name(&self, _: &str) -> Cow<'static, str> {
        Cow::Borrowed("*")
    }

    /// Returns whether that account was left out, so that anything that depends on it is not a
    /// separate fault.
    fn is_left_out(&self, _account: &str) -> bool {
        false
    }

    /// Records that an account is left out.
    fn leave_out(&mut self, _account: &str) {}

    /// Returns the value that was read, or reports the fault to this sink and returns `None`.
    fn take<T>(&mut self, read: Result<T, Refusal>) -> Result<Option<T>, Refusal>
    where
        Self: Sized,
    {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(refusal) => self.fault(refusal).map(|()| None),
        }
    }
}

/// A sink that ends the reading at the first fault.
#[derive(Clone, Copy, Debug)]
pub struct First;

impl Sink for First {
    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        Err(refusal)
    }
}

/// keyward's own texts that a deserializer may raise. They are fixed, so it is safe to show them.
pub(crate) const DUPLICATE_MEMBER: &str = "duplicate member";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_as_it_is_written() {
        let place = Place::member("keys").at(17).then("allowed_ips").at(0);
        assert_eq!(place.to_string(), "keys[17].allowed_ips[0]");
        let refusal = place.expected("an address or CIDR range");
        let outer = Place::member("snapshot");
        assert_eq!(
            refusal.below(&outer).to_string(),
            "snapshot.keys[17].allowed_ips[0]: expected an address or CIDR range"
        );
        assert_eq!(Place::default().refused("no").to_string(), "no");
        let element = Place::default().at(3).below(&Place::member("api_versions"));
        assert_eq!(element.to_string(), "api_versions[3]");
    }

    #[test]
    fn a_place_in_a_text_stands_behind_the_place_of_the_text() {
        let place = Place::in_text(7, 2);
        assert_eq!(place.to_string(), "line 7 column 2");
        let inner = place.below(&Place::member("snapshot"));
        assert_eq!(inner.to_string(), "snapshot: line 7 column 2");
    }

    #[test]
    fn the_whole_and_its_parts_are_called_after_where_they_are_looked_at_from() {
        let place = Place::member("snapshot").then("keys").at(2);
        assert_eq!(place.within("snapshot").to_string(), "keys[2]");
        assert_eq!(place.within("profile"), place);
        assert!(Place::member("snapshot").within("snapshot").is_whole());
    }
}
