//! Creates a restricted key with the permissions and the name of another, or the live version of a
//! test key.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::{DuplicateKey, Value};
use super::super::decision::{Decision, Note};
use super::super::facts::Facts;
use super::super::record::Key;
use super::super::refusal::RuleCode;
use super::{create, details, find, may_be_added};
use crate::key::{KeyKind, Livemode};

pub(in super::super) fn decide(
    duplicate: &DuplicateKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let old = &find(facts, &duplicate.id)?.key;
    let mode = mode(old, duplicate.live)?;
    let (key, minted) = create::with_value(
        facts,
        KeyKind::Restricted,
        mode,
        &old.owner,
        None,
        Value::Minted,
        context,
    )?;
    let key = Key {
        name: old.name.clone(),
        grants: old.grants.clone(),
        connect_grants: old.connect_grants.clone(),
        ..key
    };
    let key = details::put_into(key, &duplicate.details, facts, context)?;
    may_be_added(facts, context, &key, Way::New)?;
    let notes = left_behind(old, &key);
    Ok(Decision {
        notes,
        ..create::added(key, Some(&old.id), minted)
    })
}

fn mode(old: &Key, live: bool) -> Result<Livemode, RuleCode> {
    let id = old.id.clone();
    if old.kind != KeyKind::Restricted {
        return Err(RuleCode::OnlyRestrictedIsDuplicated {
            id,
            kind: old.kind,
            owner: old.owner.clone(),
        });
    }
    match (live, old.mode) {
        (true, Livemode::Live) => Err(RuleCode::LiveAlready { id }),
        (true, Livemode::Test) => Ok(Livemode::Live),
        (false, mode) => Ok(mode),
    }
}

/// Lists what the old key has and the new one lacks, so that the caller does not assume it was
/// copied.
fn left_behind(old: &Key, new: &Key) -> Vec<Note> {
    let mut notes = Vec::new();
    if !old.allowed_ips.is_empty() && new.allowed_ips.is_empty() {
        notes.push(Note::IpsLeftBehind(old.allowed_ips.clone()));
    }
    if old.expires.is_some() && new.expires.is_none() {
        notes.push(Note::ExpiryLeftBehind);
    }
    notes
}
