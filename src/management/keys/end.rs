//! Ends a key. Deleting keeps its record, so that its users learn why it fails. Purging removes the
//! record.

use super::super::Context;
use super::super::command::KeyTarget;
use super::super::decision::{Decision, Note};
use super::super::facts::Facts;
use super::super::links::Draft;
use super::super::record::Key;
use super::super::refusal::{RuleCode, Wanted};
use super::find;
use crate::key::KeyKind;
use crate::snapshot::KeyStatus;

pub(in super::super) fn delete(
    target: &KeyTarget,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let key = &find(facts, &target.id)?.key;
    if key.kind == KeyKind::Publishable {
        let id = key.id.clone();
        return Err(RuleCode::PublishableIsRotated { id });
    }
    if key.is_deleted() {
        let (id, wanted) = (key.id.clone(), Wanted::Deletion);
        return Err(RuleCode::KeyIsDeleted { id, wanted });
    }
    context.ceiling.may_end(facts, key)?;
    let mut draft = Draft::of(facts);
    draft.update(&key.id, |key| key.status = KeyStatus::Deleted);
    draft.take_back(&key.id);
    Ok(ended(draft, key))
}

pub(in super::super) fn purge(
    target: &KeyTarget,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let key = &find(facts, &target.id)?.key;
    // A rotated publishable key that has ended is of no more use than a deleted one.
    let is_over = key.replaced_by.is_some() && key.is_expired(context.now);
    if key.kind == KeyKind::Publishable && !is_over {
        let id = key.id.clone();
        return Err(RuleCode::PublishableIsRotated { id });
    }
    context.ceiling.may_end(facts, key)?;
    let mut draft = Draft::of(facts);
    draft.remove(&key.id);
    Ok(ended(draft, key))
}

fn ended(draft: Draft<'_>, key: &Key) -> Decision {
    let notes = draft.taken_back().map(|(id, expires)| {
        let id = id.to_owned();
        Note::RotationTakenBack { id, expires }
    });
    let notes = notes.collect();
    Decision {
        key: Some(key.id.clone()),
        notes,
        ..Decision::of(draft.into_changes())
    }
}
