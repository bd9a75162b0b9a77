//! Sets when a key ends. A key that has ended does not come back by accident, and a replaced key
//! does not outlive the overlap.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::ExpireKey;
use super::super::decision::Decision;
use super::super::facts::Facts;
use super::super::links::Draft;
use super::super::record::Key;
use super::super::refusal::{RuleCode, Wanted};
use super::rotate::LONGEST_OVERLAP;
use super::{find, refuse_owned};

pub(in super::super) fn decide(
    expire: &ExpireKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let fact = find(facts, &expire.id)?;
    let key = &fact.key;
    let mut draft = Draft::of(facts);
    may_end(&draft, key, expire.end, expire.revive, context.now)?;
    let is_sooner = match (key.expires, expire.end) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(end)) => end <= before || end <= context.now,
    };
    if !is_sooner {
        refuse_owned(fact)?;
    }
    draft.update(&key.id, |key| key.expires = expire.end);
    if let Some(after) = draft.key(&key.id) {
        let way = Way::Change(key);
        context.ceiling.check(facts, after, way, context.now)?;
    }
    Ok(Decision {
        key: Some(key.id.clone()),
        ..Decision::of(draft.into_changes())
    })
}

/// Rejects an end that a key may not have.
pub(super) fn may_end(
    draft: &Draft<'_>,
    key: &Key,
    end: Option<u64>,
    revive: bool,
    now: u64,
) -> Result<(), RuleCode> {
    let id = || key.id.clone();
    if key.is_deleted() {
        let wanted = Wanted::Expiry;
        return Err(RuleCode::KeyIsDeleted { id: id(), wanted });
    }
    let is_later = end.is_none_or(|end| end > now);
    if key.is_expired(now) && is_later && !revive {
        return Err(RuleCode::ReviveMissing { id: id() });
    }
    let first = key.replaced_by.as_deref().and_then(|id| draft.key(id));
    let last = draft
        .replacement_of(key)
        .and_then(|last| first.unwrap_or(last).created)
        .map(|at| at.saturating_add(LONGEST_OVERLAP));
    if last.is_some_and(|last| end.is_none_or(|end| end > last)) {
        return Err(RuleCode::ReplacedKeyEnds { id: id() });
    }
    Ok(())
}
