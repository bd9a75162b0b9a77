//! Writes records into TOML tables. It changes only the members that differ, and keeps the text
//! around them.

use std::collections::BTreeMap;

use toml_edit::{Array, Datetime, InlineTable, Item, Table, TableLike, Value};

use super::instant;
use super::list;
use keyward::account::{AccountStatus, Children};
use keyward::key::KeyKind;
use keyward::management::{Account, Granted, Key, KeyGrants};
use keyward::snapshot::Enforcement;

/// The members of a new key, in the order they are written.
pub(super) const KEY_MEMBERS: [&str; 21] = [
    "id",
    "name",
    "note",
    "labels",
    "created",
    "created_by",
    "kind",
    "mode",
    "owner",
    "grants",
    "connect_grants",
    "allowed_ips",
    "expires",
    "not_before",
    "status",
    "enforcement",
    "replaces",
    "replaced_by",
    "last4",
    "value",
    "sha256",
];

/// The members of a new account, in the order they are written.
pub(super) const ACCOUNT_MEMBERS: [&str; 5] = ["id", "name", "parent", "children", "status"];

/// Writes the named members of an account.
pub(super) fn account(table: &mut Table, account: &Account, members: &[&str]) {
    for member in members {
        let value = match *member {
            "id" => Some(account.id.as_str()),
            "name" => account.name.as_deref(),
            "parent" => account.parent.as_deref(),
            "children" => (account.children == Children::Any).then_some("any"),
            "status" => (account.status == AccountStatus::Suspended).then_some("suspended"),
            _ => continue,
        };
        set(table, member, value.map(Value::from));
    }
}

/// Writes the named members of a key.
pub(super) fn key(table: &mut Table, key: &Key, members: &[&str]) {
    for member in members {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let value = match *member {
            "id" => Some(Value::from(key.id.as_str())),
            "name" => text(&key.name),
            "note" => text(&key.note),
            "labels" => {
                let labels = key.labels.iter();
                let labels = labels.map(|(name, text)| (name.as_str(), text.as_str()));
                set_members(table, member, labels.collect(), false);
                continue;
            }
            "created" => key.created.map(time),
            "created_by" => text(&key.created_by),
            "kind" => Some(Value::from(key.kind.name())),
            "mode" => Some(Value::from(key.mode.name())),
            "owner" => Some(Value::from(key.owner.as_str())),
            "grants" => {
                set_grants(table, member, key.grants.as_ref());
                continue;
            }
            "connect_grants" => {
                set_grants(table, member, key.connect_grants.as_ref());
                continue;
            }
            "allowed_ips" => {
                set_strings(table, member, &key.allowed_ips);
                continue;
            }
            "expires" => key.expires.map(time),
            "not_before" => key.not_before.map(time),
            "status" => key.is_deleted().then(|| Value::from("deleted")),
            "enforcement" => {
                (key.enforcement == Enforcement::Shadow).then(|| Value::from("shadow"))
            }
            "replaces" => text(&key.replaces),
            "replaced_by" => text(&key.replaced_by),
            "last4" => text(&key.last4),
            "value" if key.kind == KeyKind::Publishable => text(&key.value),
            // The digest is redundant if the value is present.
            "sha256" if key.value.is_none() => Some(Value::from(key.digest.to_string())),
            _ => None,
        };
        set(table, member, value);
    }
}

/// Replaces the permissions of a grant set.
pub(super) fn granted(table: &mut dyn TableLike, granted: &Granted) {
    let members = granted.iter();
    let wanted = members.map(|(name, level)| (name.as_str(), level.name()));
    make_members(table, &wanted.collect());
}

fn time(seconds: u64) -> Value {
    let shown = instant::show(seconds);
    shown
        .parse::<Datetime>()
        .map_or_else(|_| Value::from(shown), Value::from)
}

/// Sets or removes a member. Blanks and comments around an old value stay around the new one.
fn set(table: &mut Table, name: &str, value: Option<Value>) {
    let Some(mut value) = value else {
        table.remove(name);
        return;
    };
    match table.get_mut(name) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(Item::None | Item::Table(_) | Item::ArrayOfTables(_)) | None => {
            table.insert(name, Item::Value(value));
        }
    }
}

fn set_grants(table: &mut Table, name: &str, grants: Option<&KeyGrants>) {
    match grants {
        None => set(table, name, None),
        Some(KeyGrants::Set(set_name)) => {
            set(table, name, Some(Value::from(set_name.as_str())));
        }
        Some(KeyGrants::Inline(granted)) => {
            let members = granted.iter();
            let wanted = members.map(|(name, level)| (name.as_str(), level.name()));
            set_members(table, name, wanted.collect(), true);
        }
    }
}

/// Sets a member to a table of these names and texts. An empty table is left out, unless
/// `even_empty`.
fn set_members(table: &mut Table, name: &str, wanted: BTreeMap<&str, &str>, even_empty: bool) {
    if wanted.is_empty() && !even_empty {
        table.remove(name);
        return;
    }
    if let Some(old) = table.get_mut(name).and_then(Item::as_table_like_mut) {
        make_members(old, &wanted);
        return;
    }
    let inline: InlineTable = wanted.into_iter().collect();
    set(table, name, Some(Value::InlineTable(inline)));
}

fn make_members(table: &mut dyn TableLike, wanted: &BTreeMap<&str, &str>) {
    let had: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    for name in had {
        if !wanted.contains_key(name.as_str()) {
            table.remove(&name);
        }
    }
    for (name, text) in wanted {
        match table.get_mut(name).and_then(Item::as_value_mut) {
            Some(old) if old.as_str() == Some(*text) => {}
            Some(old) => {
                let mut value = Value::from(*text);
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => {
                table.insert(name, Item::Value(Value::from(*text)));
            }
        }
    }
}

/// Sets a member to an array of these texts. Texts that stay keep their places and comments; new
/// ones are added at the end.
fn set_strings(table: &mut Table, name: &str, wanted: &[String]) {
    if wanted.is_empty() {
        table.remove(name);
        return;
    }
    let Some(old) = table.get_mut(name).and_then(Item::as_array_mut) else {
        let array: Array = wanted.iter().map(String::as_str).collect();
        set(table, name, Some(Value::Array(array)));
        return;
    };
    list::make_elements(old, wanted);
}
