//! Replaces a key. The replacement works at once and may do everything that the old key may. The
//! old key ends now, or after up to 7 days.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::{End, RotateKey};
use super::super::decision::{Decision, Note};
use super::super::facts::Facts;
use super::super::links::Draft;
use super::super::record::Key;
use super::super::refusal::{RuleCode, Wanted};
use super::{create, details, find, may_be_added, refuse_owned};
use crate::key::KeyKind;

/// How long a replaced key may continue to work, in seconds: 7 days, as at Stripe.
pub const LONGEST_OVERLAP: u64 = 7 * 86_400;

pub(in super::super) fn decide(
    rotate: &RotateKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let fact = find(facts, &rotate.id)?;
    let old = &fact.key;
    let mut draft = Draft::of(facts);
    let expires = expiry(rotate, &draft, old, context.now)?;
    refuse_owned(fact)?;
    let (key, minted) = create::with_value(
        facts,
        old.kind,
        old.mode,
        &old.owner,
        None,
        rotate.value,
        context,
    )?;
    let key = Key {
        expires,
        created: Some(context.now),
        created_by: Some(context.actor.to_owned()),
        replaces: Some(old.id.clone()),
        ..replacement(old, key)
    };
    let way = Way::Replacement(rotate.keep_for);
    may_be_added(facts, context, &key, way)?;
    let from = rotate.keep_from.unwrap_or(context.now).min(context.now);
    let end = from.saturating_add(rotate.keep_for);
    let end = old.expires.map_or(end, |sooner| sooner.min(end));
    let id = key.id.clone();
    draft.add(key, Some(&old.id));
    draft.link(&old.id, &id);
    draft.update(&old.id, |key| key.expires = Some(end));
    let note = Note::OldKeyEnds {
        id: old.id.clone(),
        at: end,
    };
    Ok(Decision {
        key: Some(id),
        minted,
        notes: vec![note],
        ..Decision::of(draft.into_changes())
    })
}

/// Returns when the replacement of `old` ends. Fails if that is required and not given, or if the
/// key cannot be replaced.
fn expiry(
    rotate: &RotateKey,
    draft: &Draft<'_>,
    old: &Key,
    now: u64,
) -> Result<Option<u64>, RuleCode> {
    if rotate.keep_for > LONGEST_OVERLAP {
        return Err(RuleCode::OverlapTooLong);
    }
    let expires = match rotate.expires {
        End::Unsaid | End::Never => None,
        End::At(at) => Some(at),
    };
    details::refuse_past(expires, None, now)?;
    let id = old.id.clone();
    // If there is a replacement that should be rotated instead, that is reported first.
    if old.is_deleted() {
        let wanted = Wanted::Replacement;
        return Err(RuleCode::KeyIsDeleted { id, wanted });
    }
    if let Some(by) = draft.replacement_of(old) {
        let by = by.id.clone();
        return Err(RuleCode::KeyWasReplaced { id, by });
    }
    if old.expires.is_some() && rotate.expires == End::Unsaid {
        return Err(RuleCode::ExpiryOfReplacementMissing { id });
    }
    Ok(expires)
}

/// Returns `new` with what `old` has: from where it works and what it may do. Secret and
/// publishable keys get their kind as a name, as at Stripe. Restricted and organization keys keep
/// their names, because there may be several.
fn replacement(old: &Key, new: Key) -> Key {
    let name = match old.kind {
        KeyKind::Secret => Some("Secret key".to_owned()),
        KeyKind::Publishable => Some("Publishable key".to_owned()),
        KeyKind::Restricted | KeyKind::Organization => old.name.clone(),
    };
    Key {
        name,
        note: old.note.clone(),
        labels: old.labels.clone(),
        grants: old.grants.clone(),
        connect_grants: old.connect_grants.clone(),
        allowed_ips: old.allowed_ips.clone(),
        enforcement: old.enforcement,
        ..new
    }
}
