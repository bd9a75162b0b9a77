//! Edits of a key file, each whole or not at all. They refuse what would break a rule on keys and say what to do instead; what only a reading of all files can tell
//! is left to the reading that follows every edit.

use std::fmt;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{At, FORMAT, KeyFile, Part, is_id, repeated, write};
use keyward::account::AccountStatus;
use keyward::key::KeyKind;
use keyward::management::{Account, Granted, Key};

/// Why an edit is refused, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRefusal(String);

impl fmt::Display for EditRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EditRefusal {}

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, EditRefusal> {
    Err(EditRefusal(why.into()))
}

impl KeyFile {
    /// Adds an account. It goes into `file`, else to its parent, else into the only file there is.
    pub fn add_account(&mut self, account: Account, file: Option<&str>) -> Result<(), EditRefusal> {
        if self.account(&account.id).is_some() {
            let id = &account.id;
            return refuse(format!(
                "`{id}` is listed already; `keyward accounts tree` shows it"
            ));
        }
        if let Some(parent) = &account.parent {
            self.existing_account(parent)?;
        }
        let beside = account.parent.as_deref().and_then(|id| self.at_account(id));
        let part = self.part_for(file, beside)?;
        let mut table = Table::new();
        write::account(&mut table, &account, &write::ACCOUNT_MEMBERS);
        let at = self.push_table(part, "accounts", table)?;
        self.accounts.push((account, at));
        Ok(())
    }

    /// Puts an account below another one, or at the root.
    pub fn move_account(&mut self, id: &str, parent: Option<&str>) -> Result<(), EditRefusal> {
        let mut above = parent;
        while let Some(ancestor) = above {
            if ancestor == id {
                return refuse(format!("`{id}` cannot be moved below itself"));
            }
            self.existing_account(ancestor)?;
            above = self
                .account(ancestor)
                .and_then(|account| account.parent.as_deref());
        }
        let parent = parent.map(str::to_owned);
        self.update_account(id, |account| account.parent = parent)
    }

    /// Suspends an account, or takes it up again.
    pub fn set_account_status(
        &mut self,
        id: &str,
        status: AccountStatus,
    ) -> Result<(), EditRefusal> {
        self.update_account(id, |account| account.status = status)
    }

    /// Changes an account, all but its id.
    pub fn update_account(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), EditRefusal> {
        self.existing_account(id)?;
        let Some(place) = self
            .accounts
            .iter()
            .position(|(account, _)| account.id == id)
        else {
            return refuse(self.unknown_account(id));
        };
        let Some((account, at)) = self.accounts.get_mut(place) else {
            return refuse(self.unknown_account(id));
        };
        let before = account.clone();
        change(account);
        account.id.clone_from(&before.id);
        let (after, at) = (account.clone(), *at);
        let members = after.differences(&before);
        write::account(self.table(at, "accounts")?, &after, &members);
        Ok(())
    }

    /// Removes an account together with its deleted keys. Refused while it has others, or accounts below it.
    pub fn remove_account(&mut self, id: &str) -> Result<(), EditRefusal> {
        self.existing_account(id)?;
        if let Some(child) = self
            .accounts()
            .find(|account| account.parent.as_deref() == Some(id))
        {
            let child = &child.id;
            return refuse(format!(
                "`{child}` is below `{id}`: move or remove it first (`keyward accounts move {child}`)"
            ));
        }
        let owned = |key: &&Key| key.owner == id;
        let in_use = self
            .keys()
            .filter(owned)
            .filter(|key| !key.is_deleted())
            .count();
        if in_use > 0 {
            return refuse(format!(
                "`{id}` has {in_use} keys in use: delete them first, or stop them all with `keyward accounts suspend {id}`"
            ));
        }
        let deleted: Vec<String> = self
            .keys()
            .filter(owned)
            .map(|key| key.id.clone())
            .collect();
        for key in deleted {
            self.purge_key(&key)?;
        }
        self.drop_account(id)
    }

    /// Removes an account and all its keys, publishable ones and those in use, too. Refused while it has accounts below it.
    pub fn remove_account_with_keys(&mut self, id: &str) -> Result<(), EditRefusal> {
        let keys: Vec<String> = self
            .keys()
            .filter(|key| key.owner == id)
            .map(|key| key.id.clone())
            .collect();
        let mut without = self.clone();
        for key in keys {
            without.purge_key(&key)?;
        }
        without.remove_account(id)?;
        *self = without;
        Ok(())
    }

    /// Adds a key. It goes into `file`, else to its owner, else into the only file there is.
    pub fn add_key(&mut self, key: Key, file: Option<&str>) -> Result<(), EditRefusal> {
        self.existing_account(&key.owner)?;
        if self.key(&key.id).is_some() {
            return refuse(format!("there is a key `{}` already", key.id));
        }
        if let Some(other) = self.key_of_digest(&key.digest) {
            let other = &other.id;
            return refuse(format!(
                "this key is in the file already, as `{other}`; `keyward keys show {other}` shows it"
            ));
        }
        let beside = self.at_account(&key.owner);
        let part = self.part_for(file, beside)?;
        self.put_key(key, part)
    }

    /// Changes a key, all but its id, kind, mode, digest, end and value.
    pub fn update_key(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Key),
    ) -> Result<(), EditRefusal> {
        let Some((key, at)) = self.keys.iter_mut().find(|(key, _)| key.id == id) else {
            return refuse(self.unknown_key(id));
        };
        let before = key.clone();
        change(key);
        *key = Key {
            id: before.id.clone(),
            kind: before.kind,
            mode: before.mode,
            digest: before.digest,
            last4: before.last4.clone(),
            value: before.value.clone(),
            ..key.clone()
        };
        if key.kind == KeyKind::Publishable && !key.allowed_ips.is_empty() {
            *key = before;
            return refuse(format!(
                "`{id}` is a publishable key: those are used in browsers everywhere and have no IP limit"
            ));
        }
        let (after, at) = (key.clone(), *at);
        let members = after.differences(&before);
        write::key(self.table(at, "keys")?, &after, &members);
        Ok(())
    }

    /// Sets or takes away the first second at which a key no longer works, Unix time.
    pub fn set_expiry(&mut self, id: &str, expires: Option<u64>) -> Result<(), EditRefusal> {
        self.update_key(id, |key| key.expires = expires)
    }

    /// Limits a key to these addresses and ranges; none is no limit.
    pub fn set_ips(&mut self, id: &str, allowed_ips: Vec<String>) -> Result<(), EditRefusal> {
        self.update_key(id, |key| key.allowed_ips = allowed_ips)
    }

    /// Marks a key deleted. It stays in the file, so that whoever still uses it is told why it no longer works. If it replaced another, that rotation is taken back.
    pub fn delete_key(&mut self, id: &str) -> Result<(), EditRefusal> {
        let Some(key) = self.key(id) else {
            return refuse(self.unknown_key(id));
        };
        if key.kind == KeyKind::Publishable {
            return refuse(format!(
                "`{id}` is a publishable key and cannot be deleted; replace it with `keyward keys rotate {id}`"
            ));
        }
        if key.is_deleted() {
            return refuse(format!("`{id}` is deleted already"));
        }
        self.update_key(id, |key| key.status = keyward::snapshot::KeyStatus::Deleted)?;
        self.take_back(id)
    }

    /// Takes a key out of the file. Whoever still uses it is told that it is unknown.
    pub fn purge_key(&mut self, id: &str) -> Result<(), EditRefusal> {
        let Some(place) = self.keys.iter().position(|(key, _)| key.id == id) else {
            return refuse(self.unknown_key(id));
        };
        let (gone, at) = self.keys.remove(place);
        self.drop_table(at, "keys")?;
        for (_, other) in &mut self.keys {
            follow(other, at);
        }
        self.close_gap(&gone)
    }

    /// Puts `key` in the place of the key `old`: into the same file, each with the id of the other. The old one ends at `expires`, Unix time, or when it would have
    /// ended anyway.
    pub fn replace_key(&mut self, old: &str, key: Key, expires: u64) -> Result<(), EditRefusal> {
        let Some((before, at)) = self.keys.iter().find(|(key, _)| key.id == old) else {
            return refuse(self.unknown_key(old));
        };
        self.may_be_replaced(before)?;
        let part = at.part;
        if self.key(&key.id).is_some() || self.key_of_digest(&key.digest).is_some() {
            return refuse(format!("there is a key `{}` already", key.id));
        }
        let id = key.id.clone();
        let key = Key {
            replaces: Some(old.to_owned()),
            ..key
        };
        self.put_key(key, part)?;
        self.link(old, &id)?;
        self.update_key(old, |key| {
            key.expires = Some(key.expires.map_or(expires, |sooner| sooner.min(expires)));
        })
    }

    /// Makes a grant set, or gives it other permissions. A new one goes into `file`, else into the only file there is.
    pub fn set_grant_set(
        &mut self,
        name: &str,
        granted: Granted,
        file: Option<&str>,
    ) -> Result<(), EditRefusal> {
        if let Some((_, set, at)) = self.grant_sets.iter_mut().find(|(of, _, _)| of == name) {
            set.clone_from(&granted);
            let part = at.part;
            let table = self
                .document(part)?
                .get_mut("grant_sets")
                .and_then(|sets| sets.get_mut(name))
                .and_then(Item::as_table_like_mut);
            return match table {
                Some(table) => {
                    write::granted(table, &granted);
                    Ok(())
                }
                None => refuse(format!("there is no grant set `{name}`")),
            };
        }
        let part = self.part_for(file, None)?;
        let sets = self.document(part)?.entry("grant_sets").or_insert_with(|| {
            let mut sets = Table::new();
            sets.set_implicit(true);
            Item::Table(sets)
        });
        let mut table = Table::new();
        write::granted(&mut table, &granted);
        if let Some(sets) = sets.as_table_like_mut() {
            sets.insert(name, Item::Table(table));
        }
        let index = self.grant_sets.len();
        let at = At {
            part,
            index,
            line: None,
        };
        self.grant_sets.push((name.to_owned(), granted, at));
        Ok(())
    }

    /// Removes a grant set that no key uses.
    pub fn remove_grant_set(&mut self, name: &str) -> Result<(), EditRefusal> {
        let is_this = |grants: &Option<super::KeyGrants>| matches!(grants, Some(super::KeyGrants::Set(set)) if set == name);
        let user = self
            .keys()
            .find(|key| is_this(&key.grants) || is_this(&key.connect_grants));
        if let Some(user) = user {
            return refuse(format!(
                "`{name}` is used by `{}`: give that key other grants first",
                user.id
            ));
        }
        let Some(place) = self.grant_sets.iter().position(|(of, _, _)| of == name) else {
            let name = repeated(name, self.profile.known_prefixes());
            return refuse(format!("there is no grant set `{name}`"));
        };
        let (_, _, at) = self.grant_sets.remove(place);
        if let Some(sets) = self
            .document(at.part)?
            .get_mut("grant_sets")
            .and_then(Item::as_table_like_mut)
        {
            sets.remove(name);
        }
        Ok(())
    }

    fn put_key(&mut self, key: Key, part: usize) -> Result<(), EditRefusal> {
        let mut table = Table::new();
        write::key(&mut table, &key, &write::KEY_MEMBERS);
        let at = self.push_table(part, "keys", table)?;
        self.keys.push((key, at));
        Ok(())
    }

    fn drop_account(&mut self, id: &str) -> Result<(), EditRefusal> {
        let Some(place) = self
            .accounts
            .iter()
            .position(|(account, _)| account.id == id)
        else {
            return refuse(self.unknown_account(id));
        };
        let (_, at) = self.accounts.remove(place);
        self.drop_table(at, "accounts")?;
        for (_, other) in &mut self.accounts {
            follow(other, at);
        }
        Ok(())
    }

    fn existing_account(&self, id: &str) -> Result<(), EditRefusal> {
        match self.account(id) {
            Some(_) => Ok(()),
            None => refuse(self.unknown_account(id)),
        }
    }

    fn at_account(&self, id: &str) -> Option<At> {
        let mut accounts = self.accounts.iter();
        accounts
            .find(|(account, _)| account.id == id)
            .map(|(_, at)| *at)
    }

    /// The part that something new goes into. In a folder, a file that is not there yet is made.
    fn part_for(&mut self, file: Option<&str>, beside: Option<At>) -> Result<usize, EditRefusal> {
        let names: Vec<&str> = self.parts.iter().map(|part| &*part.name).collect();
        let names = names.join("`, `");
        let Some(file) = file else {
            return match beside {
                Some(at) => Ok(at.part),
                None if self.parts.len() == 1 => Ok(0),
                None if names.is_empty() => refuse("say which file it goes into, with --file"),
                None => refuse(format!(
                    "say which file it goes into: --file, one of `{names}`"
                )),
            };
        };
        let mut parts = self.parts.iter();
        if let Some(part) = parts.position(|part| is_named(&part.name, file)) {
            return Ok(part);
        }
        let Some(folder) = &self.folder else {
            let file = repeated(file, self.profile.known_prefixes());
            return refuse(format!("there is no file `{file}`, only `{names}`"));
        };
        let name = file.strip_suffix(".toml").unwrap_or(file);
        let is_key = self.profile.known_prefixes().occur_in(name);
        if !is_id(name) || name.starts_with('.') || is_key {
            return refuse(
                "a file is named by letters, digits, `_`, `.` and `-`, such as `billing`",
            );
        }
        let mut document = DocumentMut::new();
        document.insert("format", toml_edit::value(FORMAT));
        self.parts.push(Part {
            name: format!("{folder}/{name}.toml"),
            text: String::new(),
            document,
        });
        Ok(self.parts.len().saturating_sub(1))
    }

    fn unknown_account(&self, id: &str) -> String {
        let id = repeated(id, self.profile.known_prefixes());
        format!("there is no account `{id}`; `keyward accounts tree` shows all there are")
    }

    fn unknown_key(&self, id: &str) -> String {
        let id = repeated(id, self.profile.known_prefixes());
        format!("there is no key `{id}`; `keyward keys list` shows all there are")
    }

    fn document(&mut self, part: usize) -> Result<&mut DocumentMut, EditRefusal> {
        match self.parts.get_mut(part) {
            Some(part) => Ok(&mut part.document),
            None => refuse("there is no such file"),
        }
    }

    fn tables(&mut self, part: usize, name: &str) -> Result<&mut ArrayOfTables, EditRefusal> {
        let item = self
            .document(part)?
            .entry(name)
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match item.as_array_of_tables_mut() {
            Some(tables) => Ok(tables),
            None => refuse(format!("`{name}` is no array of tables")),
        }
    }

    fn table(&mut self, at: At, name: &str) -> Result<&mut Table, EditRefusal> {
        match self.tables(at.part, name)?.get_mut(at.index) {
            Some(table) => Ok(table),
            None => refuse(format!("`{name}` has no element {}", at.index)),
        }
    }

    fn push_table(&mut self, part: usize, name: &str, table: Table) -> Result<At, EditRefusal> {
        let tables = self.tables(part, name)?;
        let index = tables.len();
        tables.push(table);
        Ok(At {
            part,
            index,
            line: None,
        })
    }

    fn drop_table(&mut self, at: At, name: &str) -> Result<(), EditRefusal> {
        let tables = self.tables(at.part, name)?;
        tables.remove(at.index);
        if tables.is_empty() {
            self.document(at.part)?.remove(name);
        }
        Ok(())
    }
}

/// Whether `name`, a path, is the file that somebody calls `file`: the path, its last segment, or that without `.toml`.
fn is_named(name: &str, file: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    name == file || last == file || last.strip_suffix(".toml") == Some(file)
}

/// Moves up where one before it was removed.
fn follow(other: &mut At, removed: At) {
    if other.part == removed.part && other.index > removed.index {
        other.index -= 1;
    }
}
