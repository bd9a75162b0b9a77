//! Changes of records, written into the TOML. The rules of keys decide which; what only a reading of
//! all files can tell is left to the reading that follows every change.

use std::fmt;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{Account, At, FORMAT, Granted, Key, KeyFile, Part, is_id, repeated, write};
use keyward::management::RecordChange;

/// Why a change cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRefusal(String);

impl fmt::Display for EditRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EditRefusal {}

fn refuse<T>(why: impl Into<String>) -> Result<T, EditRefusal> {
    Err(EditRefusal(why.into()))
}

/// Said of a change that was decided over other records than these.
const NOT_THERE: &str =
    "the key file has changed, or does not have what is to be changed; nothing was written";

impl KeyFile {
    /// Writes changes, all of them or none. What is new goes into `file`, else beside what it belongs
    /// to (an account to its parent, a key to its owner or the key that it came from), else into the
    /// only file there is.
    pub fn apply(
        &mut self,
        changes: &[RecordChange],
        file: Option<&str>,
    ) -> Result<(), EditRefusal> {
        // One change is whole or none by itself.
        if let [change] = changes {
            return self.apply_one(change, file);
        }
        let mut changed = self.clone();
        for change in changes {
            changed.apply_one(change, file)?;
        }
        *self = changed;
        Ok(())
    }

    fn apply_one(&mut self, change: &RecordChange, file: Option<&str>) -> Result<(), EditRefusal> {
        match change {
            RecordChange::AddKey { key, beside } => {
                let at = beside.as_deref().and_then(|id| self.at_key(id));
                let at = at.or_else(|| self.at_account(&key.owner));
                let part = self.part_for(file, at)?;
                self.put_key(Key::clone(key), part)
            }
            RecordChange::PutKey { after, .. } => self.change_key(after),
            RecordChange::RemoveKey { key } => self.drop_key(&key.id),
            RecordChange::AddAccount { account, .. } => {
                let beside = account.parent.as_deref().and_then(|id| self.at_account(id));
                let part = self.part_for(file, beside)?;
                let mut table = Table::new();
                write::account(&mut table, account, &write::ACCOUNT_MEMBERS);
                let at = self.push_table(part, "accounts", table)?;
                self.accounts.push((account.clone(), at));
                Ok(())
            }
            RecordChange::PutAccount { after, .. } => self.change_account(&after.0),
            RecordChange::RemoveAccount { account } => self.drop_account(&account.id),
            RecordChange::PutGrantSet { name, after, .. } => self.put_grant_set(name, after, file),
            RecordChange::RemoveGrantSet { name } => self.drop_grant_set(name),
            RecordChange::PutPolicy { .. } | RecordChange::RemovePolicy { .. } => {
                refuse("a key file has no policies")
            }
        }
    }

    /// Id, kind, mode, digest, end and value stay.
    fn change_key(&mut self, after: &Key) -> Result<(), EditRefusal> {
        let Some((key, at)) = self.keys.iter_mut().find(|(key, _)| key.id == after.id) else {
            return refuse(NOT_THERE);
        };
        let members = after.differences(key);
        *key = after.clone();
        let at = *at;
        write::key(self.table(at, "keys")?, after, &members);
        Ok(())
    }

    fn drop_key(&mut self, id: &str) -> Result<(), EditRefusal> {
        let Some(place) = self.keys.iter().position(|(key, _)| key.id == id) else {
            return refuse(NOT_THERE);
        };
        let (_, at) = self.keys.remove(place);
        self.drop_table(at, "keys")?;
        for (_, other) in &mut self.keys {
            follow(other, at);
        }
        Ok(())
    }

    fn change_account(&mut self, after: &Account) -> Result<(), EditRefusal> {
        let mut accounts = self.accounts.iter_mut();
        let Some((account, at)) = accounts.find(|(account, _)| account.id == after.id) else {
            return refuse(NOT_THERE);
        };
        let members = after.differences(account);
        *account = after.clone();
        let at = *at;
        write::account(self.table(at, "accounts")?, after, &members);
        Ok(())
    }

    fn put_grant_set(
        &mut self,
        name: &str,
        granted: &Granted,
        file: Option<&str>,
    ) -> Result<(), EditRefusal> {
        if let Some((_, set, at)) = self.grant_sets.iter_mut().find(|(of, _, _)| of == name) {
            set.clone_from(granted);
            let part = at.part;
            let table = self
                .document(part)?
                .get_mut("grant_sets")
                .and_then(|sets| sets.get_mut(name))
                .and_then(Item::as_table_like_mut);
            return match table {
                Some(table) => {
                    write::granted(table, granted);
                    Ok(())
                }
                None => refuse(NOT_THERE),
            };
        }
        let part = self.part_for(file, None)?;
        let sets = self.document(part)?.entry("grant_sets").or_insert_with(|| {
            let mut sets = Table::new();
            sets.set_implicit(true);
            Item::Table(sets)
        });
        let mut table = Table::new();
        write::granted(&mut table, granted);
        if let Some(sets) = sets.as_table_like_mut() {
            sets.insert(name, Item::Table(table));
        }
        let index = self.grant_sets.len();
        let at = At {
            part,
            index,
            line: None,
        };
        self.grant_sets.push((name.to_owned(), granted.clone(), at));
        Ok(())
    }

    fn drop_grant_set(&mut self, name: &str) -> Result<(), EditRefusal> {
        let Some(place) = self.grant_sets.iter().position(|(of, _, _)| of == name) else {
            return refuse(NOT_THERE);
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
            return refuse(NOT_THERE);
        };
        let (_, at) = self.accounts.remove(place);
        self.drop_table(at, "accounts")?;
        for (_, other) in &mut self.accounts {
            follow(other, at);
        }
        Ok(())
    }

    fn at_account(&self, id: &str) -> Option<At> {
        let mut accounts = self.accounts.iter();
        accounts
            .find(|(account, _)| account.id == id)
            .map(|(_, at)| *at)
    }

    fn at_key(&self, id: &str) -> Option<At> {
        let mut keys = self.keys.iter();
        keys.find(|(key, _)| key.id == id).map(|(_, at)| *at)
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
