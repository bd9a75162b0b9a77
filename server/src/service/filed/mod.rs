//! A key file as the truth for the records that come from it: what it adds, changes and leaves out happens to these records, and to no others.

mod accounts;
mod keys;
mod sets;

use std::collections::HashMap;

use keyward::management::{Command, Key};
use keyward::permission::AccessLevel;
use keyward_files::key_file::KeyFile;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::bounds::Bounds;
use super::failure::Stored;
use super::own_rows;
use super::step::step;
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};
use crate::permission::Management;
use crate::publish::Haste;
use crate::store::{DocumentName, Tx};

/// What a file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct FileChange {
    /// `add`, `change`, `end` or `remove`.
    pub(crate) change: &'static str,
    pub(crate) id: String,
    /// What of it changes, by the names in a key file.
    pub(crate) members: Vec<&'static str>,
    /// `account`, `api_key`, `document` or `grant_set`.
    pub(crate) object: &'static str,
}

/// A record that ended elsewhere although the file has it in use: what the file would have to say to agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct EndedRecord {
    /// The end of a key.
    pub(crate) expires_at: Option<String>,
    pub(crate) id: String,
    /// `account` or `api_key`.
    pub(crate) object: &'static str,
    /// `active`, `deleted` or `suspended`.
    pub(crate) status: &'static str,
}

/// What came of a file.
#[derive(Debug, Default)]
pub(crate) struct Filed {
    pub(crate) changes: Vec<FileChange>,
    /// What ended elsewhere although the file has it in use: it stays ended.
    pub(crate) ended: Vec<EndedRecord>,
    /// What the file leaves out and something else still needs: it stays.
    pub(crate) kept: Vec<String>,
    pub(crate) same: u64,
    pub(crate) haste: Option<Haste>,
    /// Whether a change does more than end a record.
    does_more: bool,
    seen: Sha256,
}

impl Filed {
    /// The digest of the changes, and of the states that they change.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.seen.clone().finalize().into()
    }

    /// Whether it changes something, and each change does nothing but end a record, so that a full disk does not stop it.
    pub(crate) fn only_ends(&self) -> bool {
        !self.changes.is_empty() && !self.does_more
    }

    fn is_same(&mut self) {
        self.same = self.same.saturating_add(1);
    }

    /// Notes a change of a record of that version; a new one has none.
    fn note(&mut self, change: FileChange, version: u64, haste: Haste) {
        let FileChange {
            change: what,
            id,
            members,
            object,
        } = &change;
        let members = members.join(",");
        for part in [*what, object, id, &members, &version.to_string()] {
            self.seen.update(part.as_bytes());
            self.seen.update([0]);
        }
        if self.haste != Some(Haste::AtOnce) {
            self.haste = Some(haste);
        }
        self.changes.push(change);
    }
}

/// A file on its way into the store.
struct Filing<'a, 'b> {
    tx: &'a mut Tx<'b>,
    file: &'a KeyFile,
    /// Its keys by their ids.
    keys: HashMap<&'a str, &'a Key>,
    /// The file's name, without `file:`.
    name: &'a str,
    caller: &'a Caller,
    bounds: &'a Bounds<'a>,
    /// How many live and test keys each account gets that are not written yet.
    coming: HashMap<String, (u64, u64)>,
    done: Filed,
}

type Done = Result<(), Stored>;

/// Makes the records of a file those that the file has. Nothing of it stays if it is refused. `has_settings`: whether the file itself says something of
/// settings and endpoints.
pub(crate) fn file_into(
    tx: &mut Tx<'_>,
    file: &KeyFile,
    name: &str,
    caller: &Caller,
    bounds: &Bounds<'_>,
    has_settings: bool,
) -> Result<Filed, Stored> {
    let mut filing = Filing {
        tx,
        file,
        keys: file.keys().map(|key| (key.id.as_str(), key)).collect(),
        name,
        caller,
        bounds,
        coming: HashMap::new(),
        done: Filed::default(),
    };
    if has_settings {
        filing.documents()?;
    }
    filing.put_sets()?;
    filing.put_accounts()?;
    filing.put_keys()?;
    filing.end_keys()?;
    filing.remove_accounts()?;
    filing.remove_sets()?;
    let done = filing.done;
    if done.changes.is_empty() {
        return Ok(done);
    }
    tx.read().trial_of_endpoints()?.map_err(|why| {
        refused(format!(
            "Together with what is in the store a gateway would refuse it: {why}."
        ))
    })?;
    Ok(done)
}

impl Filing<'_, '_> {
    /// Settings and endpoints, which no file keeps: a file has those of the store, or none, or the first ones.
    fn documents(&mut self) -> Done {
        let settings = Json::Object(self.file.settings());
        self.document(DocumentName::Configuration, settings)?;
        let stored = self.tx.read().document(DocumentName::Endpoints)?;
        let members = self.file.api_members();
        let members = own_rows::kept(stored.as_ref().map(|stored| &stored.body), members);
        self.document(DocumentName::Endpoints, Json::Object(members))
    }

    fn document(&mut self, name: DocumentName, body: Json) -> Done {
        if body.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        let stored = self.tx.read().document(name)?;
        match stored {
            Some(stored) if stored.body == body => {
                self.done.is_same();
                Ok(())
            }
            Some(stored) if name == DocumentName::Endpoints && own_rows::are_all(&stored.body) => {
                self.may(Management::Endpoint)?;
                self.tx.put_document(name, &body)?;
                let row = self.bounds.sender.of_document(
                    "configuration_updated",
                    name.name(),
                    self.bounds.now,
                );
                self.tx.record(row)?;
                self.change("add", "document", name.name(), Vec::new(), stored.version);
                Ok(())
            }
            Some(_) | None => Err(refused(format!(
                "The file has other settings (`{}`) than the server. Leave them out, or make them the same.",
                name.name()
            ))),
        }
    }

    /// Carries a command out as the file that keeps the record.
    fn step(&mut self, command: &Command) -> Done {
        let done = step(self.tx, command, self.bounds)?;
        if self.done.haste != Some(Haste::AtOnce) {
            self.done.haste = Some(done.haste);
        }
        Ok(())
    }

    fn change(
        &mut self,
        change: &'static str,
        object: &'static str,
        id: &str,
        members: Vec<&'static str>,
        version: u64,
    ) {
        self.done.does_more = true;
        self.end(change, object, id, members, version);
    }

    /// Notes a change that does nothing but end a record.
    fn end(
        &mut self,
        change: &'static str,
        object: &'static str,
        id: &str,
        members: Vec<&'static str>,
        version: u64,
    ) {
        let one = FileChange {
            change,
            id: id.to_owned(),
            members,
            object,
        };
        self.done.note(one, version, Haste::Soon);
    }

    /// Whether a record is one of this file's.
    fn is_own(&self, source: &str) -> bool {
        source.strip_prefix("file:") == Some(self.name)
    }

    /// Refuses to touch a record that is not of this file.
    fn another(&self, what: &str, id: &str, source: &str) -> Stored {
        Failure::new(
            Code::IdExists,
            format!(
                "The store has another {what} '{id}', and not from the file '{}': its source is '{source}'.",
                self.name
            ),
        )
        .at("files")
        .into()
    }

    /// Refuses callers that may not change such records one by one.
    fn may(&self, one: Management) -> Done {
        if self.caller.holds(one.name(), AccessLevel::Write) {
            return Ok(());
        }
        Err(Failure::new(
            Code::MorePermissionsRequired,
            format!(
                "The file changes what needs the permission `{}_write`, which the caller does not have.",
                one.name()
            ),
        )
        .at("files")
        .into())
    }
}

/// Refuses a file for what it says.
fn refused(message: String) -> Stored {
    Failure::new(Code::ParameterInvalid, message)
        .at("files")
        .into()
}
