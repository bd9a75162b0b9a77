//! Grants: the named sets, and those written out at a key, each kept once.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{ID, is_id, level, wire};
use crate::order::sort;
use crate::permission::{AccessLevel, Permission, PermissionRegistry};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::snapshot::table::NONE;
use crate::wire::Members;

/// Permissions as they are granted by name, sorted.
pub(in crate::snapshot) type Granted = Vec<(Permission, AccessLevel)>;

/// All sets of grants. Those with names come first.
#[derive(Default)]
pub(in crate::snapshot) struct GrantSets<'a> {
    pub(in crate::snapshot) names: Vec<Cow<'a, str>>,
    pub(in crate::snapshot) sets: Vec<Granted>,
    by_name: HashMap<Cow<'a, str>, u32>,
    written_out: HashMap<Granted, u32>,
}

impl<'a> GrantSets<'a> {
    pub(super) fn named(
        wire: Members<'a, Members<'a, wire::Access>>,
        permissions: &PermissionRegistry,
        place: &Place,
    ) -> Result<Self, Refusal> {
        let mut all = Self::default();
        for (name, members) in wire.0 {
            // The set's name is the operator's, so its place shows it only once it is known to be an id.
            if !is_id(&name) {
                return Err(place.then("*").expected(ID));
            }
            let place = place.then("*");
            let set = all.push(granted(&members, permissions, &place)?, &place)?;
            if all.by_name.insert(name.clone(), set).is_some() {
                return Err(place.refused(DUPLICATE_MEMBER));
            }
            all.names.push(name);
        }
        Ok(all)
    }

    /// The number of a key's grants.
    pub(super) fn number(
        &mut self,
        wire: Option<&wire::Grants<'_>>,
        permissions: &PermissionRegistry,
        place: &Place,
    ) -> Result<u32, Refusal> {
        match wire {
            None => Ok(NONE),
            Some(wire::Grants::Set(name)) => self
                .by_name
                .get(name)
                .copied()
                .ok_or_else(|| place.expected("the name of a grant set")),
            Some(wire::Grants::Inline(members)) => {
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
    wire: &Members<'_, wire::Access>,
    permissions: &PermissionRegistry,
    place: &Place,
) -> Result<Granted, Refusal> {
    let mut granted = wire
        .0
        .iter()
        .map(|(name, access)| {
            permissions
                .find(name)
                .map(|permission| (permission, level(*access)))
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
