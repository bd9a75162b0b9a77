//! What a source ends. A target that takes nothing else from its source, such as one whose push is
//! held back, still ends these keys and suspends these accounts.

use super::effect::is_suspended;
use keyward::digest::KeyDigest;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{End, Ends, Touched};

/// Returns how the source ends a key of the target, or `None` if it does not. `before` is what the
/// target has, and `after` the source.
#[must_use]
pub(super) fn end_of(
    digest: &KeyDigest,
    before: &Snapshot,
    after: &Snapshot,
    now: u64,
) -> Option<End> {
    let (old, new) = (before.key(digest)?, after.key(digest)?);
    if old.is_deleted() {
        return None;
    }
    // This includes a future end, which takes effect while everything else is held back.
    let expires_at = new
        .expires_at()
        .filter(|end| old.expires_at().is_none_or(|old| *end < old));
    let not_before = new
        .not_before()
        .filter(|first| *first > now && Some(*first) > old.not_before());
    // The key moved to a suspended account. At the target it stays with another account.
    let owner =
        |of: &Snapshot, account| of.accounts().account(account).map(|it| it.id().to_owned());
    let is_suspended = |id: Option<String>| id.is_none_or(|id| is_suspended(after, &id));
    let moved =
        is_suspended(owner(after, new.owner())) && !is_suspended(owner(before, old.owner()));
    let has_expired = old.expires_at().is_some_and(|end| end <= now);
    let end = End {
        deleted: new.is_deleted() || (moved && !has_expired),
        not_before,
        expires_at,
    };
    (end != End::default()).then_some(end)
}

/// Returns everything that the source ends. `touched` is what differs.
#[must_use]
pub fn ends_among(before: &Snapshot, after: &Snapshot, touched: &Touched, now: u64) -> Ends {
    let keys = touched.keys.iter();
    let accounts = touched.accounts.iter().filter(|id| {
        let is_listed = before.accounts().find(id).is_some();
        is_listed && is_suspended(after, id) && !is_suspended(before, id)
    });
    Ends {
        keys: keys
            .filter_map(|digest| Some((*digest, end_of(digest, before, after, now)?)))
            .collect(),
        accounts: accounts.cloned().collect(),
    }
}
