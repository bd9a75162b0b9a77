//! Changes a key's name, what it may do, from where and until when. Its kind, mode, owner and value
//! never change.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::command::{EditKey, End, GrantsChange, IpAction, IpChange, Patch};
use super::super::decision::{Decision, Note};
use super::super::facts::Facts;
use super::super::grants::{Grant, Permissions};
use super::super::ips;
use super::super::links::Draft;
use super::super::record::{Granted, Key, KeyGrants, Side};
use super::super::refusal::{RuleCode, Wanted};
use super::{details, expire, find, refuse_owned};
use crate::key::KeyKind;

pub(in super::super) fn decide(
    edit: &EditKey,
    facts: &Facts,
    context: &mut Context<'_>,
) -> Result<Decision, RuleCode> {
    let fact = find(facts, &edit.id)?;
    refuse_owned(fact)?;
    let old = &fact.key;
    let mut new = old.clone();
    let mut notes = Vec::new();
    put_text(&edit.name, &mut new.name);
    put_text(&edit.note, &mut new.note);
    put_labels(edit, old, &mut new)?;
    if let Some(enforcement) = edit.enforcement {
        new.enforcement = enforcement;
    }
    for (side, change) in [
        (Side::Own, &edit.grants),
        (Side::Connected, &edit.connect_grants),
    ] {
        if let Some(change) = GrantEdit::of(side, change) {
            let grants = change.after(facts, old, edit.limit, &mut notes)?;
            *side_of(&mut new, side) = Some(grants);
        }
    }
    if let Some(change) = &edit.ips {
        new.allowed_ips = limits(old, change)?;
        if change.action == IpAction::Add && old.allowed_ips.is_empty() {
            notes.push(Note::FirstLimit);
        }
    }
    let mut draft = Draft::of(facts);
    if edit.expires != End::Unsaid {
        new.expires = details::end(edit.expires, old, facts, context);
        details::refuse_past(new.expires, new.not_before, context.now)?;
        expire::may_end(&draft, old, new.expires, edit.revive, context.now)?;
    }
    context.limits.key(&new)?;
    let way = Way::Change(old);
    context.ceiling.check(facts, &new, way, context.now)?;
    draft.update(&old.id, |key| *key = new);
    Ok(Decision {
        key: Some(old.id.clone()),
        notes,
        ..Decision::of(draft.into_changes())
    })
}

/// Sets or removes a text. An empty text removes it.
fn put_text(change: &Patch<String>, text: &mut Option<String>) {
    change.apply(text);
    text.take_if(|text| text.is_empty());
}

fn put_labels(edit: &EditKey, old: &Key, new: &mut Key) -> Result<(), RuleCode> {
    new.labels.extend(edit.labels.iter().cloned());
    for name in &edit.unlabels {
        if new.labels.remove(name).is_none() {
            let labels = old.labels.keys().cloned().collect();
            return Err(RuleCode::LabelMissing { labels });
        }
    }
    Ok(())
}

fn side_of(key: &mut Key, side: Side) -> &mut Option<KeyGrants> {
    match side {
        Side::Own => &mut key.grants,
        Side::Connected => &mut key.connect_grants,
    }
}

/// The changes to the permissions of one side.
struct GrantEdit<'a> {
    side: Side,
    set: Option<&'a str>,
    grants: &'a [Grant],
    revoked: &'a [String],
    /// Whether these grants replace all previous ones.
    is_replaced: bool,
}

impl<'a> GrantEdit<'a> {
    /// Returns `None` if nothing is to change.
    fn of(side: Side, change: &'a GrantsChange) -> Option<Self> {
        match change {
            GrantsChange::Keep => None,
            GrantsChange::Edit {
                set,
                grants,
                revoked,
            } => (set.is_some() || !grants.is_empty() || !revoked.is_empty()).then_some(Self {
                side,
                set: set.as_deref(),
                grants,
                revoked,
                is_replaced: false,
            }),
            GrantsChange::Replace(grants) => Some(Self {
                side,
                set: None,
                grants,
                revoked: &[],
                is_replaced: true,
            }),
        }
    }

    fn after(
        &self,
        facts: &Facts,
        key: &Key,
        limit: bool,
        notes: &mut Vec<Note>,
    ) -> Result<KeyGrants, RuleCode> {
        let now = match self.side {
            Side::Own => key.grants.as_ref(),
            Side::Connected => key.connect_grants.as_ref(),
        };
        self.may_change(key, now, limit)?;
        if self.set.is_some()
            && self.revoked.is_empty()
            // A set replaces the previous grants.
            && let Some(grants) = details::made(facts, self.side, self.grants, self.set)?
        {
            return Ok(grants);
        }
        let mut granted = match (self.set, now) {
            (Some(_), _) => match details::made(facts, self.side, &[], self.set)? {
                Some(grants) => facts.granted(&grants).cloned().unwrap_or_default(),
                None => Granted::new(),
            },
            (None, Some(grants)) => {
                if let KeyGrants::Set(set) = grants {
                    let (side, set) = (self.side, set.clone());
                    notes.push(Note::NoLongerFollows { side, set });
                }
                if self.is_replaced {
                    Granted::new()
                } else {
                    facts.granted(grants).cloned().unwrap_or_default()
                }
            }
            (None, None) => Granted::new(),
        };
        let permissions = Permissions::of(&facts.api, self.side);
        permissions.add(&mut granted, self.grants)?;
        for name in self.revoked {
            permissions.take_away(&mut granted, name)?;
        }
        Ok(KeyGrants::Inline(granted))
    }

    /// Checks whether grants may change. A grant to a key that may do everything would remove
    /// everything else, and someone who adds a grant does not expect that.
    fn may_change(&self, key: &Key, now: Option<&KeyGrants>, limit: bool) -> Result<(), RuleCode> {
        let id = key.id.clone();
        if key.is_deleted() {
            let wanted = Wanted::Grants;
            return Err(RuleCode::KeyIsDeleted { id, wanted });
        }
        if key.kind == KeyKind::Publishable {
            return Err(RuleCode::PublishableHasNoGrants { id: Some(id) });
        }
        let is_unlimited = now.is_none() && key.kind != KeyKind::Restricted;
        let is_revoking = !self.revoked.is_empty();
        if is_unlimited && (is_revoking || !limit) {
            return Err(RuleCode::LimitMissing {
                id,
                side: self.side,
                is_revoking,
            });
        }
        Ok(())
    }
}

/// Returns the addresses after a change.
fn limits(key: &Key, change: &IpChange) -> Result<Vec<String>, RuleCode> {
    let id = key.id.clone();
    if key.kind == KeyKind::Publishable {
        return Err(RuleCode::PublishableHasNoIpLimit { id: Some(id) });
    }
    if key.is_deleted() {
        let wanted = Wanted::Ips;
        return Err(RuleCode::KeyIsDeleted { id, wanted });
    }
    let has_some = change.texts.iter().any(|text| !text.trim().is_empty());
    match (change.action, has_some) {
        (IpAction::Clear, true) => Err(RuleCode::IpsNotTaken),
        (IpAction::Clear, false) => Ok(Vec::new()),
        (IpAction::Add | IpAction::Remove | IpAction::Set, false) => Err(RuleCode::IpsMissing),
        (IpAction::Add, true) => ips::added(&key.allowed_ips, &change.texts, change.ipv6),
        (IpAction::Remove, true) => ips::removed(&key.allowed_ips, &change.texts),
        (IpAction::Set, true) => ips::added(&[], &change.texts, change.ipv6),
    }
}
