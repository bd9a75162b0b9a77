//! The sets of grants that keys refer to by number: the base's, and in front of them the named sets
//! that deltas changed or added.

use std::sync::Arc;

use super::terms::NONE;
use crate::permission::{Grants, PermissionRegistry};
use crate::rows::index;

/// All sets of grants. Copies share the sets.
#[derive(Clone)]
pub(super) struct GrantTable {
    base: Arc<[Option<Grants>]>,
    /// The names of the base's first sets.
    names: Arc<[Box<str>]>,
    /// Changed sets, sorted by number. Sets that the base does not have get numbers after the
    /// base's, and keep them even if they are removed and return.
    changed: Arc<Vec<ChangedSet>>,
}

#[derive(Clone)]
struct ChangedSet {
    number: u32,
    name: Arc<str>,
    /// `None` if the set is gone, or names a permission that is gone.
    grants: Option<Arc<Grants>>,
}

impl GrantTable {
    pub(super) fn new(grants: Box<[Grants]>, names: Box<[Box<str>]>) -> Self {
        Self {
            base: grants.into_iter().map(Some).collect(),
            names: names.into(),
            changed: Arc::default(),
        }
    }

    /// Returns the set with that number. Returns `None` if it does not exist, which the caller must
    /// never treat as "no limit".
    pub(super) fn get(&self, number: u32) -> Option<&Grants> {
        if !self.changed.is_empty()
            && let Ok(place) = self.place(number)
        {
            return self.changed.get(place)?.grants.as_deref();
        }
        self.base.get(index(number)?)?.as_ref()
    }

    fn place(&self, number: u32) -> Result<usize, usize> {
        self.changed.binary_search_by_key(&number, |set| set.number)
    }

    /// Returns the number that a name has or had.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let place = self.names.iter().position(|known| **known == *name);
        match place {
            Some(place) => u32::try_from(place).ok(),
            None => {
                let mut changed = self.changed.iter();
                changed.find(|set| *set.name == *name).map(|set| set.number)
            }
        }
    }

    /// Returns the name of the set with that number, if it has one.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        if let Ok(place) = self.place(number) {
            return self.changed.get(place).map(|set| &*set.name);
        }
        self.names.get(index(number)?).map(|name| &**name)
    }

    /// Returns the named sets that exist.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &Grants)> {
        let base = (0..).zip(self.names.iter()).map(|(number, _)| number);
        let added = self.changed.iter().map(|set| set.number);
        let count = self.names.len();
        let added = added.filter(move |number| index(*number).is_none_or(|it| it >= count));
        base.chain(added)
            .filter_map(|number| Some((self.name(number)?, self.get(number)?)))
    }

    /// Returns how many sets differ from the base.
    pub(super) fn changed_len(&self) -> usize {
        self.changed.len()
    }

    /// Sets the grants of the set with that name, and returns its number. Returns `None` if all
    /// numbers are in use.
    pub(super) fn set(&mut self, name: &str, grants: Option<Arc<Grants>>) -> Option<u32> {
        let number = match self.find(name) {
            Some(number) => number,
            None => {
                let last = self.changed.last().map_or(0, |set| set.number);
                let behind = u32::try_from(self.base.len()).ok()?;
                behind.max(last.checked_add(1)?)
            }
        };
        if number == NONE {
            return None;
        }
        let place = self.place(number);
        let changed = Arc::make_mut(&mut self.changed);
        match place {
            Ok(place) => {
                if let Some(set) = changed.get_mut(place) {
                    set.grants = grants;
                }
            }
            Err(place) => {
                let name = name.into();
                changed.insert(
                    place,
                    ChangedSet {
                        number,
                        name,
                        grants,
                    },
                );
            }
        }
        Some(number)
    }

    /// Returns the same sets under another registry. A set that names an unknown permission becomes
    /// unreachable.
    pub(super) fn under(&self, before: &PermissionRegistry, after: &PermissionRegistry) -> Self {
        let moved = |grants: &Grants| grants.under(before, after);
        let changed = self.changed.iter().map(|set| ChangedSet {
            grants: set.grants.as_deref().and_then(moved).map(Arc::new),
            ..set.clone()
        });
        Self {
            base: self
                .base
                .iter()
                .map(|set| set.as_ref().and_then(moved))
                .collect(),
            names: Arc::clone(&self.names),
            changed: Arc::new(changed.collect()),
        }
    }
}
