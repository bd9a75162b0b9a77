//! Least privilege: what a key's calls needed, what it is granted, and the grants that would have
//! been sufficient.

use std::collections::{BTreeMap, BTreeSet};

use super::books::{Books, Called, KeyBook, Need};
use super::counts::Count;
use super::expand::expandable;
use super::inventory::{Inventory, KnownKey};
use keyward::endpoint::{Row, Rule};
use keyward::key::KeyKind;
use keyward::permission::{AccessLevel, Permission};
use keyward::snapshot::{Reach, holds_everywhere};
use keyward_files::key_file::Granted;

/// A permission that calls needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) permission: String,
    pub(super) level: AccessLevel,
    pub(super) is_connected: bool,
    pub(super) count: Count,
}

/// A grant that no call needed, or not at its level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unused {
    pub(super) permission: String,
    pub(super) granted: AccessLevel,
    pub(super) is_connected: bool,
    /// The lower level at which it was used.
    pub(super) used: Option<AccessLevel>,
    /// Whether the key's calls could have expanded an object that requires it. Queries are not
    /// logged.
    pub(super) may_be_expanded: bool,
    /// Used permissions that only this one implied.
    pub(super) implied: Vec<String>,
}

/// Grants for a key's own account and for connected ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) grants: Granted,
    pub(super) connect_grants: Granted,
}

/// The use of one key's permissions.
#[derive(Clone, Debug, Default)]
pub(super) struct Privileges {
    pub(super) used: Vec<Used>,
    pub(super) unused: Vec<Unused>,
    pub(super) missing: Vec<Used>,
    pub(super) proposal: Proposal,
    /// Whether the permissions were derived from the called endpoints, because the key had every
    /// permission and the log therefore names none.
    pub(super) by_endpoint: bool,
}

/// Examines one key.
pub(super) fn privileges(
    book: &KeyBook,
    known: Option<&KnownKey>,
    books: &Books,
    inventory: &Inventory,
) -> Privileges {
    let name = |permission: Permission| books.permissions.name(permission).to_owned();
    let told = |needs: &BTreeMap<Need, Count>| -> Vec<Used> {
        let used = needs.iter().map(|(need, count)| Used {
            permission: name(need.permission),
            level: need.level,
            is_connected: need.is_connected,
            count: *count,
        });
        used.collect()
    };
    let collected = |counts: &super::counts::Counts<Need>| -> BTreeMap<Need, Count> {
        counts.iter().map(|(need, count)| (*need, *count)).collect()
    };
    let mut needs = collected(&book.used);
    let logged = needs.len();
    add_by_endpoint(&mut needs, book, known, inventory);
    let by_endpoint = needs.len() > logged || (logged == 0 && book.endpoints.len() > 0);
    let proposal = proposal(&needs, book.kind, books, inventory);
    let unused = known.map(|known| unused(&needs, book, known, books, inventory));
    Privileges {
        used: told(&needs),
        unused: unused.unwrap_or_default(),
        missing: told(&collected(&book.missing)),
        proposal,
        by_endpoint: by_endpoint && book.kind != KeyKind::Publishable,
    }
}

/// Adds the needs of a key with every permission. The log names no permission for such a key, so
/// the catalogue provides it.
fn add_by_endpoint(
    needs: &mut BTreeMap<Need, Count>,
    book: &KeyBook,
    known: Option<&KnownKey>,
    inventory: &Inventory,
) {
    let is_full = |is_connected: bool| match (book.kind, known) {
        (KeyKind::Restricted | KeyKind::Publishable, _) => false,
        (KeyKind::Secret | KeyKind::Organization, None) => {
            // If the key's grants are unknown, the log decides: calls of a limited key name
            // permissions.
            !book
                .used
                .iter()
                .any(|(need, _)| need.is_connected == is_connected)
        }
        (KeyKind::Secret | KeyKind::Organization, Some(known)) => {
            Reach::of(&known, is_connected) == Reach::Full
        }
    };
    let mut calls: Vec<(Called, Count)> = book
        .endpoints
        .iter()
        .map(|(called, count)| (*called, *count))
        .filter(|(called, _)| is_full(called.is_connected))
        .collect();
    // Endpoints without a choice come first, so that a choice can use a permission that is needed
    // anyway.
    calls.sort_by_key(|(called, _)| (permissions_of(called.row, inventory).0.len(), *called));
    for (called, count) in calls {
        let (permissions, level) = permissions_of(called.row, inventory);
        let need = |permission: Permission| Need {
            permission,
            level,
            is_connected: called.is_connected,
        };
        let there = permissions.iter().find(|permission| {
            [AccessLevel::Read, AccessLevel::Write].iter().any(|known| {
                *known >= level
                    && needs.contains_key(&Need {
                        level: *known,
                        ..need(**permission)
                    })
            })
        });
        if let Some(permission) = there.or(permissions.first()) {
            let known = needs.entry(need(*permission)).or_default();
            known.calls += count.calls;
            known.last = known.last.max(count.last);
        }
    }
}

fn permissions_of(row: Row, inventory: &Inventory) -> (&[Permission], AccessLevel) {
    match inventory
        .endpoints
        .endpoint(row)
        .map(|endpoint| endpoint.rule)
    {
        Some(Rule::Key {
            permissions,
            access,
            ..
        }) => (permissions, access),
        Some(Rule::Public) | None => (&[], AccessLevel::Read),
    }
}

fn proposal(
    needs: &BTreeMap<Need, Count>,
    kind: KeyKind,
    books: &Books,
    inventory: &Inventory,
) -> Proposal {
    let mut proposal = Proposal::default();
    if kind == KeyKind::Publishable {
        return proposal;
    }
    for need in needs.keys() {
        let side = if need.is_connected {
            &mut proposal.connect_grants
        } else {
            &mut proposal.grants
        };
        // Some permissions have no level `read`.
        let has_level = |level| inventory.permissions.has_level(need.permission, level);
        let level = if need.level == AccessLevel::Read && !has_level(AccessLevel::Read) {
            AccessLevel::Write
        } else {
            need.level
        };
        let name = books.permissions.name(need.permission).to_owned();
        let granted = side.entry(name).or_insert(level);
        *granted = (*granted).max(level);
    }
    // An organization key without `grants` has every permission. A permission that it needs only on
    // connected accounts must be granted everywhere.
    if kind == KeyKind::Organization && proposal.grants.is_empty() {
        proposal.grants = std::mem::take(&mut proposal.connect_grants);
    }
    proposal
}

fn unused(
    needs: &BTreeMap<Need, Count>,
    book: &KeyBook,
    known: &KnownKey,
    books: &Books,
    inventory: &Inventory,
) -> Vec<Unused> {
    let sides = [
        (false, known.grants.as_ref()),
        (true, known.connect_grants.as_ref()),
    ];
    // An organization key's grants also apply to connected accounts, unless those have separate
    // grants.
    let holds_everywhere = holds_everywhere(&known);
    let mut all = Vec::new();
    for (is_connected, granted) in sides {
        let Some(granted) = granted else { continue };
        let is_here = |side: bool| side == is_connected || (holds_everywhere && !is_connected);
        let used_level = |permission: Permission| {
            let used = needs
                .keys()
                .filter(|need| need.permission == permission && is_here(need.is_connected));
            used.map(|need| need.level).max()
        };
        let rows: BTreeSet<Row> = book
            .endpoints
            .iter()
            .filter(|(called, _)| is_here(called.is_connected))
            .map(|(called, _)| called.row)
            .collect();
        let expandable = expandable(&rows, inventory);
        for (name, level) in granted {
            let Some(permission) = inventory.permissions.find(name) else {
                continue;
            };
            let used = used_level(permission);
            if used.is_some_and(|used| used >= *level) {
                continue;
            }
            // The only possible reduction is to `read`, which some permissions do not have.
            let can_be_read = inventory
                .permissions
                .has_level(permission, AccessLevel::Read);
            if used.is_some() && !can_be_read {
                continue;
            }
            let implied = inventory.permissions.implied(permission).iter();
            let implied = implied
                .filter(|implied| used_level(**implied).is_some())
                .map(|implied| books.permissions.name(*implied).to_owned())
                .filter(|implied| !granted.contains_key(implied));
            all.push(Unused {
                permission: name.clone(),
                granted: *level,
                is_connected,
                used,
                may_be_expanded: used.is_none() && expandable.contains(&permission),
                implied: implied.collect(),
            });
        }
    }
    all
}
