//! Why a configuration is refused: the place, and what was expected there. Never the content.

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

/// A place in a configuration: `keys[17].allowed_ips[0]`, or `line 7 column 2` where the text itself is broken. Empty for the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    segments: Vec<Segment>,
    /// Line and column of what is there.
    text: Option<(usize, usize)>,
}

impl Place {
    /// A top-level member.
    #[must_use]
    pub fn member(name: impl Into<Cow<'static, str>>) -> Self {
        Self::default().then(name)
    }

    /// A place in a text.
    #[must_use]
    pub fn in_text(line: usize, column: usize) -> Self {
        Self {
            segments: Vec::new(),
            text: Some((line, column)),
        }
    }

    /// A member of this object.
    #[must_use]
    pub fn then(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.step(Segment::Member(name.into()))
    }

    /// An element of this array.
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

    /// The way from the whole to here.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether it is the whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.segments.is_empty() && self.text.is_none()
    }

    /// The same place, of something that is at `outer`.
    #[must_use]
    pub fn below(&self, outer: &Self) -> Self {
        Self {
            segments: [&*outer.segments, &self.segments].concat(),
            text: self.text,
        }
    }

    /// The same place, as it is called in what is at its first segment; unaltered where that is not `member`.
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

    /// A refusal of what is here. `expected` is a fixed text, lower case, without a full stop.
    #[must_use]
    pub fn expected(&self, expected: &'static str) -> Refusal {
        self.refused(format!("expected {expected}"))
    }

    /// A refusal of what is here, in other words than "expected". They hold nothing of the content.
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

/// Why a configuration is refused as a whole. Shown as `keys[17].allowed_ips[0]: expected an address or CIDR range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// What was expected there.
    pub expected: String,
}

impl Refusal {
    /// The same refusal, of something that is at `place` of a larger whole.
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

/// Takes the faults that reading finds.
pub trait Sink {
    /// Takes a fault. `Err` ends the reading with it; after `Ok` what is at fault is left out, and the rest is read.
    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal>;

    /// How a place calls what an operator named: not at all, for the name may hold anything.
    fn name(&self, _: &str) -> Cow<'static, str> {
        Cow::Borrowed("*")
    }

    /// Whether the account of that id was left out, so that what depends on it is not a separate fault.
    fn is_left_out(&self, _account: &str) -> bool {
        false
    }

    /// Takes note of an account that is left out.
    fn leave_out(&mut self, _account: &str) {}

    /// What was read; a fault is taken, and `None` is left.
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

/// Ends the reading at the first fault.
#[derive(Clone, Copy, Debug)]
pub struct First;

impl Sink for First {
    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        Err(refusal)
    }
}

/// Texts of our own that a deserializer may raise: they are fixed, so they can be shown.
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
