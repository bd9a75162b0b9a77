//! The rules for grant sets and policies, which keys and accounts name.

use super::Context;
use super::decision::{Decision, RecordChange};
use super::facts::Facts;
use super::grants::{Grant, Permissions};
use super::names::shown;
use super::policy::Policy;
use super::record::{Granted, Side};
use super::refusal::RuleCode;
use crate::id::is_id;

/// The policy that applies if neither an account nor an account above it has one. It always exists.
pub const DEFAULT_POLICY: &str = "default";

pub(super) fn put(
    name: &str,
    grants: &[Grant],
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    may_be_a_name(name, facts)?;
    let mut after = Granted::new();
    Permissions::of(&facts.api, Side::Own).add(&mut after, grants)?;
    let fact = facts.grant_set(name);
    if let Some(file) = fact.and_then(|fact| fact.file.clone()) {
        return Err(RuleCode::OwnedByFile { file });
    }
    context.limits.permissions(&after)?;
    let before = fact.map(|fact| fact.granted.clone());
    let none = Default::default();
    let policies = fact.map_or(&none, |fact| &fact.policies);
    context
        .ceiling
        .check_set(facts, name, before.as_ref(), &after, policies)?;
    if before.as_ref() == Some(&after) {
        return Ok(Decision::of(Vec::new()));
    }
    Ok(Decision::of(vec![RecordChange::PutGrantSet {
        name: name.to_owned(),
        before,
        after,
    }]))
}

pub(super) fn remove(name: &str, facts: &Facts) -> Result<Decision, RuleCode> {
    let Some(fact) = facts.grant_set(name) else {
        return Err(RuleCode::GrantSetMissing {
            name: shown(name, facts.api.profile.known_prefixes()).to_owned(),
            side: None,
        });
    };
    let name = fact.name.clone();
    if let Some(file) = fact.file.clone() {
        return Err(RuleCode::OwnedByFile { file });
    }
    if let Some(user) = fact.user.clone() {
        return Err(RuleCode::GrantSetInUse { name, user });
    }
    Ok(Decision::of(vec![RecordChange::RemoveGrantSet { name }]))
}

pub(super) fn put_policy(name: &str, policy: &Policy, facts: &Facts) -> Result<Decision, RuleCode> {
    may_be_a_name(name, facts)?;
    let mut after = policy.clone();
    for (side, granted) in [
        (Side::Own, &mut after.permissions),
        (Side::Connected, &mut after.connect_permissions),
    ] {
        if let Some(granted) = granted {
            *granted = canonical(granted, side, facts)?;
        }
    }
    let mut known = facts.policies.iter();
    let before = known
        .find(|(known, _)| known.name == name)
        .map(|(known, _)| Box::new(known.policy.clone()));
    Ok(Decision::of(vec![RecordChange::PutPolicy {
        name: name.to_owned(),
        before,
        after: Box::new(after),
    }]))
}

pub(super) fn remove_policy(name: &str, facts: &Facts) -> Result<Decision, RuleCode> {
    let mut known = facts.policies.iter();
    let Some((known, accounts)) = known.find(|(known, _)| known.name == name) else {
        return Err(RuleCode::PolicyMissing {
            name: shown(name, facts.api.profile.known_prefixes()).to_owned(),
        });
    };
    let (name, accounts) = (known.name.clone(), *accounts);
    if accounts > 0 || name == DEFAULT_POLICY {
        return Err(RuleCode::PolicyInUse { name, accounts });
    }
    Ok(Decision::of(vec![RecordChange::RemovePolicy { name }]))
}

fn may_be_a_name(name: &str, facts: &Facts) -> Result<(), RuleCode> {
    if is_id(name) && !facts.api.profile.known_prefixes().occur_in(name) {
        return Ok(());
    }
    Err(RuleCode::NameInvalid)
}

fn canonical(granted: &Granted, side: Side, facts: &Facts) -> Result<Granted, RuleCode> {
    let grants: Vec<Grant> = granted
        .iter()
        .map(|(name, level)| Grant::new(name, Some(*level)))
        .collect();
    let mut canonical = Granted::new();
    Permissions::of(&facts.api, side).add(&mut canonical, &grants)?;
    Ok(canonical)
}
