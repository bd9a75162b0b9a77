//! The rules of accounts.

use std::collections::HashSet;

use super::Context;
use super::command::{AddAccount, UpdateAccount};
use super::decision::{Decision, RecordChange};
use super::facts::{AccountFact, Facts};
use super::links::Draft;
use super::names::shown;
use super::record::{Account, AccountSettings, Key};
use super::refusal::{AccountRole, RuleCode, TextMember};
use crate::account::{AccountStatus, IdKind};

pub(super) fn add(
    new: &AddAccount,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let AddAccount { account, settings } = new;
    if context.limits.are_any() && facts.api.profile.names().ids.kind(&account.id).is_none() {
        return Err(RuleCode::AccountIdInvalid);
    }
    if facts.account(&account.id).is_some() {
        let id = account.id.clone();
        return Err(RuleCode::AccountExists { id });
    }
    if let Some(parent) = &account.parent {
        find(facts, parent, AccountRole::Parent)?;
    }
    may_be_kept(account, settings, facts, context)?;
    Ok(Decision::of(vec![RecordChange::AddAccount {
        account: account.clone(),
        settings: settings.clone(),
    }]))
}

pub(super) fn update(
    update: &UpdateAccount,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let mut parent = None;
    update.parent.apply(&mut parent);
    refuse_circle(&update.id, parent.as_deref(), facts)?;
    let fact = find(facts, &update.id, AccountRole::Itself)?;
    if !only_suspends(update) {
        refuse_owned(fact)?;
    }
    let before = (fact.account.clone(), fact.settings.clone());
    let (mut account, mut settings) = before.clone();
    update.name.apply(&mut account.name);
    update.parent.apply(&mut account.parent);
    account.children = update.children.unwrap_or(account.children);
    account.status = update.status.unwrap_or(account.status);
    update.reason.apply(&mut settings.suspended_reason);
    update.policy.apply(&mut settings.policy);
    update.external_id.apply(&mut settings.external_id);
    if !account.is_suspended() {
        settings.suspended_reason = None;
    }
    may_be_kept(&account, &settings, facts, context)?;
    if account.is_suspended() && !before.0.is_suspended() {
        // This ends all of its keys.
        let keys = facts.keys.iter().map(|fact| &fact.key);
        for key in keys.filter(|key| key.owner == update.id && !key.is_deleted()) {
            context.ceiling.may_end(facts, key)?;
        }
    }
    let after = (account, settings);
    if after == before {
        return Ok(Decision::of(Vec::new()));
    }
    let change = RecordChange::PutAccount { before, after };
    Ok(Decision::of(vec![change]))
}

/// Whether an update does nothing but suspend the account. That ends what its keys can do, and no file keeps anyone from it.
fn only_suspends(update: &UpdateAccount) -> bool {
    let suspends = UpdateAccount {
        status: Some(AccountStatus::Suspended),
        reason: update.reason.clone(),
        ..UpdateAccount::of(&update.id)
    };
    *update == suspends
}

pub(super) fn remove(
    id: &str,
    with_keys: bool,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let fact = find(facts, id, AccountRole::Itself)?;
    refuse_owned(fact)?;
    if let Some(child) = &fact.child {
        let (id, child) = (id.to_owned(), child.clone());
        return Err(RuleCode::AccountHasChildren { id, child });
    }
    let owned = || facts.keys.iter().filter(|fact| fact.key.owner == id);
    let count = owned().filter(|fact| !fact.key.is_deleted()).count();
    if count > 0 && !with_keys {
        let id = id.to_owned();
        return Err(RuleCode::AccountHasKeys { id, count });
    }
    // In a fixed order, whatever order the store returns.
    let mut keys: Vec<&Key> = owned().map(|fact| &fact.key).collect();
    keys.sort_by_key(|key| &key.id);
    let mut draft = Draft::of(facts);
    for key in keys {
        context.ceiling.may_end(facts, key)?;
        draft.remove(&key.id);
    }
    let mut changes = draft.into_changes();
    let account = fact.account.clone();
    changes.push(RecordChange::RemoveAccount { account });
    Ok(Decision::of(changes))
}

fn find<'a>(facts: &'a Facts, id: &str, role: AccountRole) -> Result<&'a AccountFact, RuleCode> {
    facts.account(id).ok_or_else(|| RuleCode::AccountMissing {
        id: shown(id, facts.api.profile.known_prefixes()).to_owned(),
        role,
    })
}

fn refuse_owned(fact: &AccountFact) -> Result<(), RuleCode> {
    match &fact.file {
        Some(file) => Err(RuleCode::OwnedByFile { file: file.clone() }),
        None => Ok(()),
    }
}

/// Checks that every account above the new parent exists and is not `id` itself.
fn refuse_circle(id: &str, parent: Option<&str>, facts: &Facts) -> Result<(), RuleCode> {
    let mut above = parent;
    let mut seen = HashSet::new();
    while let Some(ancestor) = above.filter(|ancestor| seen.insert(*ancestor)) {
        if ancestor == id {
            let id = id.to_owned();
            return Err(RuleCode::BelowItself { id });
        }
        let fact = find(facts, ancestor, AccountRole::Parent)?;
        above = fact.account.parent.as_deref();
    }
    Ok(())
}

/// Rejects an account that a store could not keep.
fn may_be_kept(
    account: &Account,
    settings: &AccountSettings,
    facts: &Facts,
    context: &Context<'_>,
) -> Result<(), RuleCode> {
    let kind = facts.api.profile.names().ids.kind(&account.id);
    if context.limits.are_any() && kind == Some(IdKind::Organization) && account.parent.is_some() {
        return Err(RuleCode::OrganizationHasNoParent);
    }
    context.limits.name(account.name.as_deref())?;
    let reason = settings.suspended_reason.as_deref();
    context.limits.note(reason, TextMember::Reason)?;
    let external = settings.external_id.as_deref();
    context.limits.note(external, TextMember::ExternalId)?;
    let mut taken = facts.external_ids.iter();
    if let Some((_, id)) = taken.find(|(of, id)| Some(of.as_str()) == external && *id != account.id)
    {
        let id = id.clone();
        return Err(RuleCode::ExternalIdExists { id });
    }
    if let Some(policy) = &settings.policy {
        let is_there = facts
            .policies
            .iter()
            .any(|(named, _)| named.name == *policy);
        let is_kept = facts
            .account(&account.id)
            .is_some_and(|fact| fact.settings.policy.as_ref() == Some(policy));
        if !is_there && !is_kept {
            return Err(RuleCode::PolicyMissing {
                name: shown(policy, facts.api.profile.known_prefixes()).to_owned(),
            });
        }
    }
    Ok(())
}
