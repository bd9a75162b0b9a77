//! Reads grants: named sets, and sets that a key lists itself. Equal sets are stored once.

use std::collections::HashMap;

use super::wire;
use crate::id::{self, is_id};
use crate::order::sort;
use crate::permission::{AccessLevel, Permission, PermissionRegistry};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal, Sink};
use crate::snapshot::document::Grants;
use crate::snapshot::terms::NONE;
use crate::wire::{Members, Text};

/// Granted permissions, sorted.
pub(in crate::snapshot) type Granted = Vec<(Permission, AccessLevel)>;

/// All sets of grants. Named sets come first.
#[derive(Default)]
pub(in crate::snapshot) struct GrantSets<'a> {
    pub(in crate::snapshot) names: Vec<Text<'a>>,
    pub(in crate::snapshot) sets: Vec<Granted>,
    by_name: HashMap<Text<'a>, u32>,
    written_out: HashMap<Granted, u32>,
}

impl<'a> GrantSets<'a> {
    pub(super) fn named<S: Sink>(
        wire: Members<Text<'a>, wire::Granted<'a>>,
        permissions: &PermissionRegistry,
        place: &Place,
        sink: &mut S,
    ) -> Result<Self, Refusal> {
        let mut all = Self::default();
        for (name, members) in wire.0 {
            let place = place.then(sink.name(&name.0));
            let granted = if is_id(&name.0) {
                granted(&members, permissions, &place)
            } else {
                Err(place.expected(id::EXPECTED))
            };
            // A faulty set stays as an empty set, so that keys that name it are not at fault.
            let granted = sink.take(granted)?.unwrap_or_default();
            let set = all.push(granted, &place)?;
            if all.by_name.insert(name.clone(), set).is_some() {
                sink.fault(place.refused(DUPLICATE_MEMBER))?;
            }
            all.names.push(name);
        }
        Ok(all)
    }

    /// Returns the number of the set that contains a key's grants.
    pub(super) fn number(
        &mut self,
        wire: Option<&wire::Grants<'_>>,
        permissions: &PermissionRegistry,
        place: &Place,
    ) -> Result<u32, Refusal> {
        match wire {
            None => Ok(NONE),
            Some(Grants::Set(name)) => self
                .by_name
                .get(name)
                .copied()
                .ok_or_else(|| place.expected("the name of a grant set")),
            Some(Grants::Inline(members)) => {
                let granted = granted(members, permissions, place)?;
                if let Some(known) = self.written_out.get(&granted) {
                    return Ok(*known);
                }
                let number = self.push(granted.clone(), place)?;
                self.written_out.insert(granted, number);
                Ok(number)
            }
        }
    }

    fn push(&mut self, granted: Granted, place: &Place) -> Result<u32, Refusal> {
        let number = u32::try_from(self.sets.len())
            .ok()
            .filter(|number| *number != NONE)
            .ok_or_else(|| place.refused("too many sets of grants"))?;
        self.sets.push(granted);
        Ok(number)
    }
}

fn granted(
    wire: &wire::Granted<'_>,
    permissions: &PermissionRegistry,
    place: &Place,
) -> Result<Granted, Refusal> {
    let mut granted = wire
        .0
        .iter()
        .map(|(name, access)| {
            permissions
                .find(&name.0)
                .map(|permission| (permission, *access))
                .ok_or_else(|| place.then("*").expected("the name of a known permission"))
        })
        .collect::<Result<Granted, _>>()?;
    sort(&mut granted);
    let twice = granted
        .windows(2)
        .any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
    if twice {
        Err(place.then("*").refused(DUPLICATE_MEMBER))
    } else {
        Ok(granted)
    }
}
