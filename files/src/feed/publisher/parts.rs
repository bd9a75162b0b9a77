//! Splits a large change into several revisions and publishes ends first. A state between two
//! revisions must not allow anything that neither the old nor the new state allows. So an early
//! part contains nothing that someone else's access depends on.

use keyward::account::AccountIndex;
use keyward::digest::KeyDigest;
use keyward::snapshot::delta::{MOST_CHANGED, Touched};
use keyward::snapshot::{KeyRecord, Snapshot};

use crate::publish::works;

/// The maximum number of records in one revision, if a change can be split.
pub(super) const MOST_RECORDS: usize = 20_000;

/// How a change is published.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Deltas, one for each revision. The last one reaches the new state, unless a base follows.
    pub(super) deltas: Vec<Touched>,
    /// Whether a new base carries the rest.
    pub(super) needs_base: bool,
}

/// Splits a change. `changed` is the number of records that have already changed since the base.
pub(super) fn split(
    before: &Snapshot,
    after: &Snapshot,
    touched: Touched,
    changed: usize,
    now: u64,
) -> Parts {
    if touched.len() <= MOST_RECORDS && changed.saturating_add(touched.len()) <= MOST_CHANGED {
        return Parts {
            deltas: vec![touched],
            needs_base: false,
        };
    }
    let ends = ends(before, after, &touched, now);
    let mut rest = touched;
    rest.keys.retain(|digest| !ends.keys.contains(digest));
    rest.accounts.retain(|id| !ends.accounts.contains(id));
    let room = MOST_CHANGED.saturating_sub(changed);
    let all = ends.len().saturating_add(rest.len());
    let mut deltas = chunks(ends, room);
    let published = deltas.iter().map(Touched::len).sum();
    let room = room.saturating_sub(published);
    // What does not fit into the deltas needs a base, ends as well.
    let needs_base = all.saturating_sub(published) > room;
    let are_keys_alone = rest.accounts.is_empty() && rest.grant_sets.is_empty() && !rest.contract;
    if !needs_base && !rest.is_empty() {
        match are_keys_alone {
            // Each key has either its old or its new state, independently of the others.
            true => deltas.extend(chunks(rest, room)),
            false => deltas.push(rest),
        }
    }
    Parts { deltas, needs_base }
}

/// Splits a change into parts of limited size, as far as there is room for more changes since the
/// base.
fn chunks(touched: Touched, room: usize) -> Vec<Touched> {
    let accounts = Touched {
        accounts: touched.accounts.into_iter().take(room).collect(),
        ..Touched::default()
    };
    let mut parts = Vec::new();
    let left = room.saturating_sub(accounts.len());
    if !accounts.is_empty() {
        parts.push(accounts);
    }
    let keys: Vec<KeyDigest> = touched.keys.into_iter().take(left).collect();
    parts.extend(keys.chunks(MOST_RECORDS).map(|keys| Touched {
        keys: keys.iter().copied().collect(),
        ..Touched::default()
    }));
    parts
}

/// Returns what a change ends and what can therefore be published first: keys that no longer work,
/// and suspended accounts. Everything else follows in a later revision.
pub(super) fn ends(before: &Snapshot, after: &Snapshot, touched: &Touched, now: u64) -> Touched {
    let mut ends = Touched::default();
    for digest in &touched.keys {
        let is_end = match (before.key(digest), after.key(digest)) {
            (Some(_), None) => true,
            (Some(old), Some(new)) => {
                works(before, &old, now)
                    && !works(after, &new, now)
                    && refers_to_nothing_new(after, &new, touched)
            }
            (None, _) => false,
        };
        if is_end {
            ends.keys.insert(*digest);
        }
    }
    for id in &touched.accounts {
        let account = |snapshot: &Snapshot| {
            let accounts = snapshot.accounts();
            let account = accounts.account(accounts.find(id)?)?;
            let parent = account.parent().and_then(|parent| accounts.account(parent));
            Some((
                account.is_suspended(),
                parent.map(|parent| parent.id().to_owned()),
            ))
        };
        let is_end = match (account(before), account(after)) {
            (Some((false, above)), Some((true, parent))) => {
                let parent_is_old = parent
                    .as_ref()
                    .is_none_or(|id| !touched.accounts.contains(id));
                above == parent && parent_is_old && is_as_before(after, parent.as_deref(), touched)
            }
            _ => false,
        };
        if is_end {
            ends.accounts.insert(id.clone());
        }
    }
    ends
}

/// Whether a key depends on nothing else that changed: its owner, all accounts above the owner, and
/// the grant sets are unchanged.
fn refers_to_nothing_new(after: &Snapshot, key: &KeyRecord<'_>, touched: &Touched) -> bool {
    let has_grants = key.grants().is_some() || key.connect_grants().is_some();
    let sets_may_differ = touched.contract || !touched.grant_sets.is_empty();
    let owner = after.accounts().account(key.owner());
    !(has_grants && sets_may_differ) && is_as_before(after, owner.map(|owner| owner.id()), touched)
}

/// Whether an account and all accounts above it are unchanged.
fn is_as_before(after: &Snapshot, id: Option<&str>, touched: &Touched) -> bool {
    let accounts = after.accounts();
    let mut next: Option<AccountIndex> = id.and_then(|id| accounts.find(id));
    // No tree is higher than the number of accounts.
    for _ in 0..=accounts.len() {
        let Some(account) = next.and_then(|index| accounts.account(index)) else {
            return true;
        };
        if touched.accounts.contains(account.id()) {
            return false;
        }
        next = account.parent();
    }
    false
}
