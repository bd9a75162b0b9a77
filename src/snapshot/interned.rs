//! Values by number, for tables whose rows refer to rows of other tables.

use std::collections::HashMap;
use std::hash::Hash;

use super::terms::NONE;

/// Values by number. Equal values are stored once.
pub(super) struct Interned<T> {
    pub(super) values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    /// Returns the number of a value, which is added if it is new. Returns `None` if there are more
    /// values than numbers.
    pub(super) fn number(&mut self, value: T) -> Option<u32> {
        if let Some(known) = self.known(&value) {
            return Some(known);
        }
        let number = u32::try_from(self.values.len()).ok()?;
        if number == NONE {
            return None;
        }
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        Some(number)
    }

    /// Returns the number of a value that was added.
    pub(super) fn known(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }
}
