//! A measured number, with its spread.

use std::fmt;

/// The median of several measurements, and the range of the middle half.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Figure {
    pub fn of(mut measured: Vec<f64>) -> Self {
        assert!(!measured.is_empty());
        measured.sort_unstable_by(f64::total_cmp);
        let at = |quarters: usize| {
            let whole = (measured.len() - 1) * quarters;
            let (below, part) = (whole / 4, (whole % 4) as f64 / 4.0);
            let above = measured[(below + 1).min(measured.len() - 1)];
            measured[below] + (above - measured[below]) * part
        };
        Self {
            median: at(2),
            low: at(1),
            high: at(3),
        }
    }
}

/// Shows the median, and in brackets the quartiles.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, low, high } = self;
        write!(f, "{median:.2} ({low:.2} to {high:.2})")
    }
}
