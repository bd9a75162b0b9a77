//! Creates a key. It gets only the named grants. The default kind is the most limited one.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::{CreateKey, Value};
use super::super::decision::{Decision, RecordChange};
use super::super::facts::Facts;
use super::super::mint::{Secret, new_key, new_key_id};
use super::super::record::Key;
use super::super::refusal::RuleCode;
use super::{chosen_id, details, kind_for, may_be_added};
use crate::key::{KeyKind, Livemode};

pub(in super::super) fn decide(
    new: &CreateKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let kind = kind_for(facts, &new.owner, new.kind)?;
    let id = chosen_id(facts, new.id.as_ref())?;
    let (key, minted) = with_value(facts, kind, new.mode, &new.owner, id, new.value, context)?;
    let key = details::put_into(key, &new.details, facts, context)?;
    let key = details::grant(key, &new.grants, &new.connect_grants, facts)?;
    may_be_added(facts, context, &key, Way::New)?;
    Ok(added(key, None, minted))
}

/// Creates an active key without any details.
pub(super) fn with_value(
    facts: &Facts,
    kind: KeyKind,
    mode: Livemode,
    owner: &str,
    id: Option<&str>,
    value: Value,
    context: &mut Context<'_>,
) -> Result<(Key, Option<Secret>), RuleCode> {
    let profile = &facts.api.profile;
    match value {
        Value::Minted => {
            let (key, secret) = new_key(profile, kind, mode, owner, id, context.randomness)?;
            Ok((key, Some(secret)))
        }
        Value::Digest(digest) | Value::Ending(digest, _) => {
            let id = match id {
                Some(id) => id.to_owned(),
                None => new_key_id(context.randomness)?,
            };
            let key = Key::new(&id, kind, mode, owner, digest);
            Ok((
                Key {
                    last4: end(value),
                    ..key
                },
                None,
            ))
        }
    }
}

/// Returns the last characters of the value, if the caller gave them.
fn end(value: Value) -> Option<String> {
    match value {
        Value::Ending(_, last4) => Some(last4.text()),
        Value::Minted | Value::Digest(_) => None,
    }
}

pub(super) fn added(key: Key, beside: Option<&str>, minted: Option<Secret>) -> Decision {
    let id = key.id.clone();
    let change = RecordChange::AddKey {
        key: Box::new(key),
        beside: beside.map(str::to_owned),
    };
    Decision {
        key: Some(id),
        minted,
        ..Decision::of(vec![change])
    }
}
