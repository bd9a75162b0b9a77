//! What is wrong with a key file: file, line, place, and what was expected there. Never its
//! content.

use std::fmt;

use keyward::refusal::{Place, Refusal};

/// One fault. Shown as `keys.d/billing.toml:41: keys[3].allowed_ips[0]: expected an address or CIDR range`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<usize>,
    /// The place in the file, and what was expected.
    pub refusal: Refusal,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.refusal),
            None => write!(f, "{}: {}", self.file, self.refusal),
        }
    }
}

/// All faults that were found, at least one, ordered by file and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Returns `Ok` if the list is empty.
    pub(super) fn of(mut faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        faults.dedup();
        Err(Self(faults))
    }

    /// Returns the faults.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Faults of one file, as they are found.
pub(super) struct Collector<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// The offset of every line end. Counting lines from the start each time would take quadratic
    /// time.
    line_ends: Vec<usize>,
    /// The offset of the piece in the file.
    pub(super) base: usize,
    pub(super) faults: Vec<Fault>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            line_ends: text.match_indices('\n').map(|(end, _)| end).collect(),
            base: 0,
            faults: Vec::new(),
        }
    }

    /// Notes that `expected` should be at `place`, which begins at byte `offset`.
    pub(super) fn expected(
        &mut self,
        offset: Option<usize>,
        place: &Place,
        expected: &'static str,
    ) {
        self.push(offset, place.expected(expected));
    }

    /// Notes a fault in its own words.
    pub(super) fn push(&mut self, offset: Option<usize>, refusal: Refusal) {
        self.faults.push(Fault {
            file: self.file.to_owned(),
            line: offset.map(|offset| self.line(offset)),
            refusal,
        });
    }

    /// Returns the line, from 1, of a byte of the piece.
    pub(super) fn line(&self, offset: usize) -> usize {
        let offset = self.base.saturating_add(offset);
        self.line_ends.partition_point(|end| *end < offset) + 1
    }
}
