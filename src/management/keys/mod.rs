//! The rules for keys, one file per command.

pub(super) mod create;
pub(super) mod details;
pub(super) mod duplicate;
pub(super) mod edit;
pub(super) mod end;
pub(super) mod expire;
pub(super) mod filed;
pub(super) mod import;
pub(super) mod rotate;

use super::Context;
use super::ceiling::Way;
use super::facts::{Facts, Holder, KeyFact};
use super::names::shown;
use super::record::Key;
use super::refusal::{AccountRole, RuleCode};
use crate::account::IdKind;
use crate::digest::KeyDigest;
use crate::id::is_id;
use crate::key::KeyKind;

/// Returns the key with that id.
pub(super) fn find<'a>(facts: &'a Facts, id: &str) -> Result<&'a KeyFact, RuleCode> {
    facts.key(id).ok_or_else(|| RuleCode::KeyMissing {
        id: shown(id, facts.api.profile.known_prefixes()).to_owned(),
    })
}

/// Rejects a change of a record that a file owns.
fn refuse_owned(fact: &KeyFact) -> Result<(), RuleCode> {
    match &fact.file {
        Some(file) => Err(RuleCode::OwnedByFile { file: file.clone() }),
        None => Ok(()),
    }
}

/// Returns the kind of a new key of `owner`. An organization has only organization keys, and only
/// organizations have them.
fn kind_for(facts: &Facts, owner: &str, kind: Option<KeyKind>) -> Result<KeyKind, RuleCode> {
    if facts.account(owner).is_none() {
        return Err(RuleCode::AccountMissing {
            id: shown(owner, facts.api.profile.known_prefixes()).to_owned(),
            role: AccountRole::Owner,
        });
    }
    let owner = facts.api.profile.names().ids.kind(owner);
    let is_organization = owner == Some(IdKind::Organization);
    let kind = kind.unwrap_or(if is_organization {
        KeyKind::Organization
    } else {
        KeyKind::Restricted
    });
    if (kind == KeyKind::Organization) == is_organization {
        Ok(kind)
    } else {
        Err(RuleCode::KindNotForOwner { kind, owner })
    }
}

/// Checks the id that the caller chose for a new key.
fn chosen_id<'a>(facts: &Facts, id: Option<&'a String>) -> Result<Option<&'a str>, RuleCode> {
    match id {
        None => Ok(None),
        Some(id) if is_id(id) && !facts.api.profile.known_prefixes().occur_in(id) => Ok(Some(id)),
        Some(_) => Err(RuleCode::IdInvalid),
    }
}

/// Rejects a key whose id or digest exists, that is too large, or that the caller may not hand out.
fn may_be_added(
    facts: &Facts,
    context: &Context<'_>,
    key: &Key,
    way: Way<'_>,
) -> Result<(), RuleCode> {
    if facts.key(&key.id).is_some() {
        let id = key.id.clone();
        return Err(RuleCode::IdExists { id });
    }
    may_be_held(facts, context, &key.digest)?;
    context.limits.key(key)?;
    context.ceiling.check(facts, key, way, context.now)
}

fn may_be_held(facts: &Facts, context: &Context<'_>, digest: &KeyDigest) -> Result<(), RuleCode> {
    match facts.holder(digest) {
        None => Ok(()),
        Some(Holder::Key(id)) => Err(RuleCode::DigestExists {
            id: Some(id.clone()),
        }),
        Some(Holder::Hidden) => Err(RuleCode::DigestExists { id: None }),
        Some(Holder::Ended) if context.ceiling.is_none() => Ok(()),
        Some(Holder::Ended) => Err(RuleCode::DigestEnded),
    }
}
