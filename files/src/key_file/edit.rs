//! Writes changes of records into the TOML. The rules of keys decide which changes are allowed.
//! Checks that need all files together happen when the files are read after every change.

use std::fmt;
use std::sync::Arc;

use toml_edit::{Item, Table, TableLike};

use super::pieces::{Piece, Role, with_line_ends_of};

use super::{
    Account, At, FORMAT, Granted, Key, KeyFile, Part, compose_account, compose_grant_set,
    compose_key, is_id, repeated, write,
};
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

/// The error for a change that was decided on other records than these.
const NOT_THERE: &str =
    "the key file has changed, or does not have what is to be changed; nothing was written";

/// The name of the table of grant sets.
const GRANT_SETS: &str = "grant_sets";

impl KeyFile {
    /// Writes all of the changes or none. A new record goes into `file` if it is given, otherwise
    /// next to its relative (an account next to its parent, a key next to its owner or the key it
    /// came from), otherwise into the only file.
    pub fn apply(
        &mut self,
        changes: &[RecordChange],
        file: Option<&str>,
    ) -> Result<(), EditRefusal> {
        // A single change is atomic by itself.
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
                let at = self.push_record(part, Role::Account, &compose_account(account))?;
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

    /// Changes a key. Its id, kind, mode, digest, end and value stay.
    fn change_key(&mut self, after: &Key) -> Result<(), EditRefusal> {
        let Some((key, at)) = self.keys.iter_mut().find(|(key, _)| key.id == after.id) else {
            return refuse(NOT_THERE);
        };
        let members = after.differences(key);
        *key = Arc::new(after.clone());
        let at = *at;
        self.edit_table(at, Role::Key, |table| write::key(table, after, &members))
    }

    fn drop_key(&mut self, id: &str) -> Result<(), EditRefusal> {
        let Some(place) = self.keys.iter().position(|(key, _)| key.id == id) else {
            return refuse(NOT_THERE);
        };
        let (_, at) = self.keys.remove(place);
        self.drop_table(at, Role::Key)?;
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
        self.edit_table(at, Role::Account, |table| {
            write::account(table, after, &members)
        })
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
            return self.edit_grant_sets(part, |sets| match sets.get_mut(name) {
                Some(table) => {
                    let table = table.as_table_like_mut()?;
                    write::granted(table, granted);
                    Some(())
                }
                None => None,
            });
        }
        let part = self.part_for(file, None)?;
        let added = self.edit_grant_sets(part, |sets| {
            let mut table = Table::new();
            write::granted(&mut table, granted);
            sets.insert(name, Item::Table(table));
            Some(())
        });
        if added.is_err() {
            let text = compose_grant_set(name, granted);
            self.part(part)?.push(Role::Rest, &text);
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
        self.edit_grant_sets(at.part, |sets| sets.remove(name).map(|_| ()))
    }

    /// Applies `edit` to the table of grant sets, in the last piece of this file where `edit` finds
    /// its subject.
    fn edit_grant_sets(
        &mut self,
        part: usize,
        mut edit: impl FnMut(&mut dyn TableLike) -> Option<()>,
    ) -> Result<(), EditRefusal> {
        let pieces = self.part(part)?.pieces.iter_mut();
        for piece in pieces.filter(|piece| piece.role == Role::Rest).rev() {
            if !piece.text.contains(GRANT_SETS) {
                continue;
            }
            let mut edited = piece.clone();
            let done = edited.edit(|document| {
                let sets = document.get_mut(GRANT_SETS)?.as_table_like_mut()?;
                edit(sets)
            });
            if done.flatten().is_some() {
                *piece = edited;
                return Ok(());
            }
        }
        refuse(NOT_THERE)
    }

    fn put_key(&mut self, key: Key, part: usize) -> Result<(), EditRefusal> {
        let at = self.push_record(part, Role::Key, &compose_key(&key))?;
        self.keys.push((Arc::new(key), at));
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
        self.drop_table(at, Role::Account)?;
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

    /// Returns the part that a new record goes into. In a folder, creates the file if it is
    /// missing.
    fn part_for(&mut self, file: Option<&str>, beside: Option<At>) -> Result<usize, EditRefusal> {
        let names: Vec<&str> = self.parts.iter().map(|part| &*part.name).collect();
        let names = names.join("`, `");
        let Some(file) = file else {
            return match beside {
                Some(at) => Ok(at.part),
                None if self.parts.len() == 1 => Ok(0),
                None if names.is_empty() => refuse("name its file with --file"),
                None => refuse(format!("name its file with --file: one of `{names}`")),
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
        let text = format!("format = \"{FORMAT}\"\n");
        self.parts.push(Part {
            name: format!("{folder}/{name}.toml"),
            text: "".into(),
            pieces: vec![Piece {
                role: Role::Rest,
                text: text.into(),
            }],
        });
        Ok(self.parts.len().saturating_sub(1))
    }

    fn part(&mut self, part: usize) -> Result<&mut Part, EditRefusal> {
        match self.parts.get_mut(part) {
            Some(part) => Ok(part),
            None => refuse("there is no such file"),
        }
    }

    fn edit_table(
        &mut self,
        at: At,
        role: Role,
        edit: impl FnOnce(&mut Table),
    ) -> Result<(), EditRefusal> {
        let mut pieces = self.part(at.part)?.pieces.iter_mut();
        let piece = pieces
            .by_ref()
            .filter(|piece| piece.role == role)
            .nth(at.index);
        let edited = piece.and_then(|piece| {
            piece.edit(|document| {
                let tables = document
                    .get_mut(role.heading()?)?
                    .as_array_of_tables_mut()?;
                edit(tables.get_mut(0)?);
                Some(())
            })
        });
        edited.flatten().map_or_else(|| refuse(NOT_THERE), Ok)
    }

    fn push_record(&mut self, part: usize, role: Role, text: &str) -> Result<At, EditRefusal> {
        let file = self.part(part)?;
        let of_role = file.pieces.iter().filter(|piece| piece.role == role);
        let index = of_role.count();
        file.push(role, text);
        Ok(At {
            part,
            index,
            line: None,
        })
    }

    fn drop_table(&mut self, at: At, role: Role) -> Result<(), EditRefusal> {
        let pieces = &mut self.part(at.part)?.pieces;
        let mut of_role = pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| piece.role == role);
        match of_role.nth(at.index).map(|(place, _)| place) {
            Some(place) => {
                pieces.remove(place);
                Ok(())
            }
            None => refuse(NOT_THERE),
        }
    }
}

impl Part {
    /// Inserts a new piece after the last one with its role, or at the end, before the comments
    /// there.
    fn push(&mut self, role: Role, text: &str) {
        let is_of_role = |piece: &Piece| piece.role == role && role != Role::Rest;
        let is_comment = |piece: &Piece| {
            let is_blank =
                |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
            piece.role == Role::Rest && piece.text.lines().all(is_blank)
        };
        let place = match self.pieces.iter().rposition(is_of_role) {
            Some(last) => last.saturating_add(1),
            None => {
                let len = self.pieces.len();
                let has_comment = len > 1 && self.pieces.last().is_some_and(is_comment);
                len.saturating_sub(usize::from(has_comment))
            }
        };
        let before = self
            .pieces
            .iter()
            .take(place)
            .rev()
            .find(|piece| !piece.text.is_empty());
        let lead = match before {
            None => "",
            Some(before) if before.text.ends_with('\n') => "\n",
            Some(_) => "\n\n",
        };
        let like = self.pieces.first().map_or("", |piece| &*piece.text);
        let text = with_line_ends_of(like, &format!("{lead}{}", text.trim_start_matches('\n')));
        self.pieces.insert(place, Piece { role, text });
    }
}

/// Whether `file`, as a person wrote it, means the path `name`: the path, its last segment, or that
/// segment without `.toml`.
fn is_named(name: &str, file: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    name == file || last == file || last.strip_suffix(".toml") == Some(file)
}

/// Moves `other` up if a record before it in the same part was removed.
fn follow(other: &mut At, removed: At) {
    if other.part == removed.part && other.index > removed.index {
        other.index -= 1;
    }
}
