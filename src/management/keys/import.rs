//! Imports an existing key.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::ImportKey;
use super::super::decision::{Decision, Note};
use super::super::facts::Facts;
use super::super::imported::Body;
use super::super::mint::new_key_id;
use super::super::record::Key;
use super::super::refusal::RuleCode;
use super::{chosen_id, create, details, kind_for, may_be_added};
use crate::key::KeyKind;

pub(in super::super) fn decide(
    import: &ImportKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let value = &import.value;
    let kind = kind_for(facts, &import.owner, Some(value.kind.clone()?))?;
    let mode = value.mode.clone()?;
    let id = match chosen_id(facts, import.id.as_ref())? {
        Some(id) => id.to_owned(),
        None => new_key_id(context.randomness)?,
    };
    let mut notes = Vec::new();
    match value.body {
        Body::Nothing => return Err(RuleCode::KeyIsEmpty),
        Body::Short if !import.allow_short => return Err(RuleCode::KeyIsShort),
        Body::Short if kind != KeyKind::Publishable => notes.push(Note::ShortKey),
        Body::Short | Body::Long => {}
    }
    let key = Key {
        last4: value.last4.clone(),
        value: value.public.clone(),
        ..Key::new(&id, kind, mode, &import.owner, value.digest)
    };
    let key = details::put_into(key, &import.details, facts, context)?;
    let key = details::grant(key, &import.grants, &import.connect_grants, facts)?;
    let key = Key {
        created: import.created.or(key.created),
        ..key
    };
    may_be_added(facts, context, &key, Way::New)?;
    Ok(Decision {
        notes,
        ..create::added(key, None, None)
    })
}
