//! Applies a delta. The new snapshot shares the tables of the old one and puts the delta's records
//! in front of them. Nothing serves the new snapshot before it is complete.

use std::sync::Arc;

use super::Delta;
use crate::account::AccountIndex;
use crate::permission::{Grants, Permission};
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal};
use crate::rows::index;
use crate::snapshot::convert::Heading;
use crate::snapshot::overlay::{ChangedKey, SetOfKey};
use crate::snapshot::packed::check;
use crate::snapshot::table::KeyRow;
use crate::snapshot::terms::NONE;
use crate::snapshot::{Contract, Snapshot};

/// The maximum number of records in front of a base.
pub const MOST_CHANGED: usize = 100_000;

/// A delta that is being applied, a few records at a time.
pub struct Applying {
    delta: Delta,
    next: Snapshot,
    /// For each account of the delta, its number in the snapshot.
    accounts: Vec<AccountIndex>,
    /// For each grant set of the delta, how its keys refer to it.
    sets: Vec<SetOfKey>,
    gone: usize,
    row: usize,
}

impl Snapshot {
    /// Applies a delta. The delta must belong to this snapshot's line and apply to its revision.
    pub fn apply(&self, delta: &Delta, profile: &Profile) -> Result<Self, Refusal> {
        let mut applying = Applying::new(self, delta.clone(), profile)?;
        while !applying.step(usize::MAX)? {}
        Ok(applying.finish())
    }
}

impl Applying {
    /// Applies everything but the keys.
    pub fn new(before: &Snapshot, delta: Delta, profile: &Profile) -> Result<Self, Refusal> {
        let place = Place::member("delta");
        if before.revision < delta.from || before.revision >= delta.to {
            return Err(place.expected("a snapshot of a revision that it applies to"));
        }
        let mut next = before.clone();
        next.revision = delta.to;
        take_contract(&mut next, &delta, profile, &place)?;
        let accounts = take_accounts(&mut next, &delta).ok_or_else(|| {
            let place = place.then("accounts");
            place.expected("accounts whose parents it has")
        })?;
        let sets = take_sets(&mut next, &delta, &place)?;
        Ok(Self {
            delta,
            next,
            accounts,
            sets,
            gone: 0,
            row: 0,
        })
    }

    /// Applies up to `most` keys. Returns true when all are applied.
    pub fn step(&mut self, most: usize) -> Result<bool, Refusal> {
        let place = Place::member("delta").then("keys");
        let Delta {
            gone_keys, records, ..
        } = &self.delta;
        let Snapshot { keys, overlay, .. } = &mut self.next;
        let mut left = most;
        while left > 0 && self.row < records.keys().len() {
            let refused = || {
                place
                    .at(self.row)
                    .expected("a key, and all that it refers to")
            };
            let row = records.keys().row(self.row).ok_or_else(refused)?;
            let key = changed(records, &row, &self.accounts, &self.sets).ok_or_else(refused)?;
            let digest = crate::digest::KeyDigest::from_bytes(*row.digest);
            overlay.set(keys, &digest, Some(key)).ok_or_else(refused)?;
            self.row += 1;
            left -= 1;
        }
        // Removed keys come last: if a key is listed as removed and also has a record, the removal
        // wins.
        while left > 0 && self.gone < gone_keys.len() {
            let digest = gone_keys.row(self.gone).and_then(|row| row.first_chunk());
            let set = digest.and_then(|digest| {
                let digest = crate::digest::KeyDigest::from_bytes(*digest);
                overlay.set(keys, &digest, None)
            });
            set.ok_or_else(|| place.expected("digests"))?;
            self.gone += 1;
            left -= 1;
        }
        let changed = self.next.changed_count();
        if changed > MOST_CHANGED {
            return Err(place.expected("at most 100000 records in front of the base"));
        }
        Ok(self.gone == gone_keys.len() && self.row == records.keys().len())
    }

    /// Returns the new snapshot. Before the last step, it is incomplete.
    #[must_use]
    pub fn finish(self) -> Snapshot {
        debug_assert!(
            self.row == self.delta.records.keys().len(),
            "a step is missing"
        );
        self.next
    }
}

/// Replaces endpoints, versions and catalogue as a whole. Permissions get new numbers.
fn take_contract(
    next: &mut Snapshot,
    delta: &Delta,
    profile: &Profile,
    place: &Place,
) -> Result<(), Refusal> {
    let head = delta
        .records
        .head()
        .map_err(|refusal| refusal.below(place))?;
    let (Some(versions), Some(catalogue), Some(endpoints)) =
        (&head.api_versions, head.catalogue, &head.endpoints)
    else {
        // The three belong together.
        return if delta.records.has_contract() {
            Err(place.expected("`api_versions`, `catalogue` and `endpoints`, or none of them"))
        } else {
            Ok(())
        };
    };
    let heading = Heading::new(
        (&head.format, head.revision, head.issued_at),
        versions,
        catalogue,
        endpoints,
        profile.known_prefixes(),
        (place, &mut First),
    )?;
    let after = Contract {
        api_versions: heading.api_versions,
        permissions: heading.permissions,
        endpoints: heading.endpoints,
    };
    let before = &next.contract.permissions;
    next.grants = next.grants.under(before, &after.permissions);
    next.overlay = next.overlay.under(before, &after.permissions);
    next.contract = Arc::new(after);
    Ok(())
}

/// Gives each account of the delta the number that its id has in the snapshot, or a new one.
fn take_accounts(next: &mut Snapshot, delta: &Delta) -> Option<Vec<AccountIndex>> {
    let forest = delta.records.accounts();
    let is_touched = !forest.is_empty() || delta.gone_accounts.len() > 0;
    if !is_touched {
        return Some(Vec::new());
    }
    let count = next.accounts.table_len();
    let mut changed = next.accounts.changed();
    let mut numbers = Vec::with_capacity(forest.len());
    for account in forest.iter() {
        let number = next.accounts.number(account.id());
        numbers.push(match number {
            Some(number) => number,
            None => changed.add(account.id(), count)?,
        });
    }
    if numbers.len() != forest.table_len() {
        return None;
    }
    for (account, number) in forest.iter().zip(&numbers) {
        let parent = match account.parent() {
            None => None,
            Some(parent) => Some(*numbers.get(index(parent.0)?)?),
        };
        // The delta also lists owners of its keys that did not change themselves.
        let known = next.accounts.account(*number);
        let is_known =
            known.is_some_and(|known| known.moved(known.parent()) == account.moved(parent));
        if !is_known {
            changed.set(*number, count, Some(account.moved(parent)));
        }
    }
    for id in delta.gone_accounts() {
        if let Some(number) = next.accounts.number(id) {
            changed.set(number, count, None);
        }
    }
    next.accounts = next.accounts.with_changed(changed);
    Some(numbers)
}

fn take_sets(next: &mut Snapshot, delta: &Delta, place: &Place) -> Result<Vec<SetOfKey>, Refusal> {
    let Delta { records, .. } = delta;
    let head = records.head().map_err(|refusal| refusal.below(place))?;
    let registry = &next.contract.permissions;
    let permissions = check::permissions(&head.permissions, registry, place)?;
    let sets = place.then("grant_sets");
    check::set_names(&head.grant_sets, records.grant_set_count(), place)?;
    let mut taken = Vec::with_capacity(records.grant_set_count());
    for number in 0..records.grant_set_count() {
        let granted = records.granted::<Permission>(number, &permissions);
        let grants = granted.and_then(|granted| Grants::new(granted, registry));
        let grants = grants.ok_or_else(|| {
            let place = sets.at(number);
            place.expected("permissions that the delta names, each once, and levels")
        })?;
        let grants = Arc::new(grants);
        taken.push(match head.grant_sets.get(number) {
            None => SetOfKey::Own(Some(grants)),
            Some(name) => {
                let known = next.grants.find(&name.0);
                let is_known = |number: &u32| next.grants.get(*number) == Some(&*grants);
                let number = match known.filter(is_known) {
                    Some(number) => Some(number),
                    None => next.grants.set(&name.0, Some(grants)),
                };
                SetOfKey::Named(number.ok_or_else(|| sets.refused("too many sets of grants"))?)
            }
        });
    }
    for name in delta.gone_sets() {
        if next.grants.find(name).is_some() {
            next.grants.set(name, None);
        }
    }
    Ok(taken)
}

/// Returns a key of a delta with everything that it refers to.
fn changed(
    records: &crate::snapshot::packed::Packed,
    row: &KeyRow<'_>,
    accounts: &[AccountIndex],
    sets: &[SetOfKey],
) -> Option<ChangedKey> {
    let keys = records.keys();
    let terms = keys.terms(row.terms)?;
    let set = |number| match number {
        NONE => Some(SetOfKey::None),
        _ => sets.get(index(number)?).cloned(),
    };
    Some(ChangedKey {
        id: keys.context().id(row.id)?,
        kind: terms.kind,
        livemode: terms.livemode,
        status: terms.status,
        enforcement: terms.enforcement,
        owner: *accounts.get(index(row.owner.0)?)?,
        times: keys.times(row.times)?,
        ips: match terms.allowed_ips {
            NONE => None,
            list => Some(keys.context().ips.get(index(list)?)?.into()),
        },
        user: match row.user {
            None => None,
            Some(_) => Some(keys.user(row)?.into()),
        },
        grants: set(terms.grants)?,
        connect_grants: set(terms.connect_grants)?,
    })
}
