//! What the trail says of a change: who, what, and every member before and after. Never a value, and no digest.

use keyward::management::{
    Account, AccountSettings, Command, Decision, Facts, Granted, Key, KeyGrants, Policy,
    RecordChange,
};
use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use crate::shown::{
    enforcement_name, granted_names, key_type, policy_members as members, time_or_null,
};
use crate::store::activity::Entry;

/// The row of the trail.
pub(super) fn of(
    command: &Command,
    decision: &Decision,
    facts: &Facts,
    bounds: &Bounds<'_>,
) -> Entry {
    let (sender, now) = (bounds.sender, bounds.now);
    let subject = subject(command, decision);
    let context = match &subject {
        Subject::Key(key) => Some(key.owner.as_str()),
        Subject::Account(id) => Some(*id),
        Subject::Other { .. } => None,
    };
    let changes: Vec<Value> = decision.changes().iter().flat_map(differences).collect();
    let mut body = Map::new();
    body.insert("changes".to_owned(), Value::Array(changes));
    if let Subject::Key(key) = &subject {
        body.insert("details".to_owned(), details(key, decision));
    }
    if let Some(reason) = bounds.reason {
        body.insert("reason".to_owned(), json!(reason));
    }
    let (group, object) = match &subject {
        Subject::Key(key) => ("api_key", key.id.as_str()),
        Subject::Account(id) => ("account", *id),
        Subject::Other { group, name } => (*group, *name),
    };
    Entry {
        at: now,
        kind: kind(command).to_owned(),
        group: group.to_owned(),
        context: context.map(str::to_owned),
        root: context.map(|id| root_of(facts, decision, id)),
        livemode: match &subject {
            Subject::Key(key) => Some(key.mode.is_live()),
            Subject::Account(_) | Subject::Other { .. } => None,
        },
        object: Some((group.to_owned(), object.to_owned())),
        actor: sender.actor.clone(),
        session: sender.session.clone(),
        address: sender.address.clone(),
        request_id: sender.request_id.clone(),
        body: Value::Object(body),
    }
}

/// The row that says that the value of the key that was made is shown.
pub(super) fn of_viewed(decision: &Decision, facts: &Facts, bounds: &Bounds<'_>) -> Option<Entry> {
    let id = decision.key()?;
    let key = keys(decision).find(|key| key.id == id)?;
    Some(Entry {
        context: Some(key.owner.clone()),
        root: Some(root_of(facts, decision, &key.owner)),
        livemode: Some(key.mode.is_live()),
        object: Some(("api_key".to_owned(), key.id.clone())),
        body: json!({"changes": [], "details": details(key, decision)}),
        ..bounds.sender.of_many("api_key_viewed", 0, bounds.now)
    })
}

/// The row of a key whose record is taken from a file as it is.
pub(super) fn of_record(
    kind: &str,
    change: &RecordChange,
    facts: &Facts,
    bounds: &Bounds<'_>,
) -> Entry {
    let row = bounds.sender.of_many(kind, 0, bounds.now);
    let changes = differences(change);
    let Some(key) = change.key() else {
        return Entry {
            body: json!({"changes": changes}),
            ..row
        };
    };
    Entry {
        context: Some(key.owner.clone()),
        root: Some(root_above(facts, &key.owner)),
        livemode: Some(key.mode.is_live()),
        object: Some(("api_key".to_owned(), key.id.clone())),
        body: json!({
            "changes": changes,
            "details": details_of(key, None),
            "reason": bounds.reason,
        }),
        ..row
    }
}

/// Stripe's types where Stripe has them.
fn kind(command: &Command) -> &'static str {
    match command {
        Command::CreateKey(_) | Command::DuplicateKey(_) => "api_key_created",
        Command::EditKey(_) => "api_key_updated",
        Command::RotateKey(_) => "api_key_rotated",
        Command::ExpireKey(_) => "api_key_expired",
        Command::DeleteKey(_) => "api_key_deleted",
        Command::PurgeKey(_) => "api_key_purged",
        Command::ImportKey(_) => "api_key_imported",
        Command::AddAccount(_) => "account_created",
        Command::UpdateAccount(_) => "account_updated",
        Command::RemoveAccount { .. } => "account_removed",
        Command::PutGrantSet { .. } => "grant_set_updated",
        Command::RemoveGrantSet { .. } => "grant_set_removed",
        Command::PutPolicy { .. } => "policy_updated",
        Command::RemovePolicy { .. } => "policy_removed",
    }
}

enum Subject<'a> {
    Key(&'a Key),
    Account(&'a str),
    Other { group: &'static str, name: &'a str },
}

/// What the row is about: the key that the caller named or was given, or the record that changed.
fn subject<'a>(command: &'a Command, decision: &'a Decision) -> Subject<'a> {
    let named = match command {
        Command::DuplicateKey(_) | Command::CreateKey(_) | Command::ImportKey(_) => decision.key(),
        Command::RotateKey(rotate) => Some(rotate.id.as_str()),
        Command::EditKey(edit) => Some(edit.id.as_str()),
        Command::ExpireKey(expire) => Some(expire.id.as_str()),
        Command::DeleteKey(target) | Command::PurgeKey(target) => Some(target.id.as_str()),
        Command::AddAccount(add) => return Subject::Account(&add.account.id),
        Command::UpdateAccount(update) => return Subject::Account(&update.id),
        Command::RemoveAccount { id, .. } => return Subject::Account(id),
        Command::PutGrantSet { name, .. } | Command::RemoveGrantSet { name } => {
            return Subject::Other {
                group: "grant_set",
                name,
            };
        }
        Command::PutPolicy { name, .. } | Command::RemovePolicy { name } => {
            return Subject::Other {
                group: "key_policy",
                name,
            };
        }
    };
    let found = keys(decision).find(|key| Some(key.id.as_str()) == named);
    match (found, named) {
        (Some(key), _) => Subject::Key(key),
        // A change that changes nothing is about the key that was named.
        (None, name) => Subject::Other {
            group: "api_key",
            name: name.unwrap_or_default(),
        },
    }
}

/// The keys that a decision changes, as they are from then on, or were.
fn keys(decision: &Decision) -> impl Iterator<Item = &Key> {
    decision.changes().iter().filter_map(RecordChange::key)
}

/// The key as Stripe's activity logs show it.
fn details(key: &Key, decision: &Decision) -> Value {
    details_of(key, decision.key().filter(|id| *id != key.id))
}

fn details_of(key: &Key, new_key: Option<&str>) -> Value {
    json!({
        "type": "api_key",
        "api_key": {
            "id": key.id,
            "type": key_type(key.kind),
            "name": key.name,
            "note": key.note,
            "created": time_or_null(key.created),
            "expires_at": time_or_null(key.expires),
            "ip_allowlist": key.allowed_ips,
            "new_key": new_key,
            "managed_by": null,
        },
    })
}

/// The root of an account's tree, by the facts that were read with it.
fn root_of(facts: &Facts, decision: &Decision, id: &str) -> String {
    let added = decision.changes().iter().find_map(|change| match change {
        RecordChange::AddAccount { account, .. } if account.id == id => account.parent.as_deref(),
        RecordChange::AddAccount { .. }
        | RecordChange::AddKey { .. }
        | RecordChange::PutKey { .. }
        | RecordChange::RemoveKey { .. }
        | RecordChange::PutAccount { .. }
        | RecordChange::RemoveAccount { .. }
        | RecordChange::PutGrantSet { .. }
        | RecordChange::RemoveGrantSet { .. }
        | RecordChange::PutPolicy { .. }
        | RecordChange::RemovePolicy { .. } => None,
    });
    root_above(facts, added.unwrap_or(id))
}

/// The root of the tree of an account that is there.
fn root_above(facts: &Facts, id: &str) -> String {
    let mut root = id;
    // Each step leads to another account, so the number of accounts bounds the steps.
    for _ in 0..facts.accounts.len() {
        let parent = facts
            .account(root)
            .and_then(|fact| fact.account.parent.as_deref());
        match parent {
            Some(parent) => root = parent,
            None => break,
        }
    }
    root.to_owned()
}

/// What a change of a record changes, member by member.
fn differences(change: &RecordChange) -> Vec<Value> {
    match change {
        RecordChange::PutKey { before, after } => {
            let of = |key: &Key| key_members(key);
            between(&after.id, of(before), of(after))
        }
        RecordChange::PutAccount { before, after } => {
            let of = |(account, settings): &(Account, AccountSettings)| {
                account_members(account, settings)
            };
            between(&after.0.id, of(before), of(after))
        }
        RecordChange::PutGrantSet {
            name,
            before,
            after,
        } => {
            let of = |granted: &Granted| json!({"permissions": granted_names(granted)});
            let before = before.as_ref().map_or(json!({}), of);
            between(name, before, of(after))
        }
        RecordChange::PutPolicy {
            name,
            before,
            after,
        } => {
            let of = |policy: &Policy| json!(members(policy));
            let before = before.as_deref().map_or(json!({}), of);
            between(name, before, of(after))
        }
        RecordChange::AddKey { key, .. } => between(&key.id, json!({}), key_members(key)),
        RecordChange::RemoveKey { key } => between(&key.id, key_members(key), json!({})),
        RecordChange::AddAccount { account, settings } => {
            between(&account.id, json!({}), account_members(account, settings))
        }
        RecordChange::RemoveAccount { account } => between(
            &account.id,
            account_members(account, &AccountSettings::default()),
            json!({}),
        ),
        RecordChange::RemoveGrantSet { name } | RecordChange::RemovePolicy { name } => {
            vec![json!({"object": name, "member": "removed", "before": false, "after": true})]
        }
    }
}

/// The members that differ, without those that are null on both sides.
fn between(object: &str, before: Value, after: Value) -> Vec<Value> {
    let empty = Map::new();
    let (before, after) = (
        before.as_object().unwrap_or(&empty),
        after.as_object().unwrap_or(&empty),
    );
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .filter_map(|name| {
            let (old, new) = (
                before.get(name).unwrap_or(&Value::Null),
                after.get(name).unwrap_or(&Value::Null),
            );
            (old != new)
                .then(|| json!({"object": object, "member": name, "before": old, "after": new}))
        })
        .collect()
}

/// All that can be said of a key but its value and its digest.
fn key_members(key: &Key) -> Value {
    let Key {
        id: _,
        name,
        note,
        labels,
        created: _,
        created_by: _,
        kind,
        mode,
        owner,
        grants,
        connect_grants,
        allowed_ips,
        expires,
        not_before,
        status: _,
        enforcement,
        replaces,
        replaced_by,
        digest: _,
        last4,
        value: _,
    } = key;
    json!({
        "name": name,
        "note": note,
        "labels": labels,
        "kind": kind.name(),
        "livemode": mode.is_live(),
        "owner": owner,
        "permissions": grants.as_ref().map(grants_json),
        "connect_permissions": connect_grants.as_ref().map(grants_json),
        "ip_allowlist": allowed_ips,
        "expires_at": time_or_null(*expires),
        "not_before": time_or_null(*not_before),
        "deleted": key.is_deleted(),
        "enforcement": enforcement_name(*enforcement),
        "replaces": replaces,
        "replaced_by": replaced_by,
        "ends_with": last4,
    })
}

fn account_members(account: &Account, settings: &AccountSettings) -> Value {
    json!({
        "name": account.name,
        "parent": account.parent,
        "children": match account.children {
            keyward::account::Children::Listed => "listed",
            keyward::account::Children::Any => "any",
        },
        "suspended": account.is_suspended(),
        "suspended_reason": settings.suspended_reason,
        "policy": settings.policy,
        "external_id": settings.external_id,
    })
}

fn grants_json(grants: &KeyGrants) -> Value {
    match grants {
        KeyGrants::Set(name) => json!(format!("set:{name}")),
        KeyGrants::Inline(granted) => json!(granted_names(granted)),
    }
}
