//! Sends a change that was decided. The request contains what the decision wrote and the version on
//! which it was decided. The server's rules come to the same result, and reject the request if
//! another change was made in the meantime.

use anyhow::{Context, Result};
use serde_json::{Map, Value as Json, json};

use super::Server;
use super::body::{children, difference, names, put};
use super::lists::{ACCOUNTS, GRANT_SETS, KEYS, path_of, typed};
use super::mirror::{Mirror, Seen, What};
use super::request::{Call, Method};
use super::wire::ApiKey;
use keyward::account::AccountStatus;
use keyward::management::{Command, Decision, Note, RecordChange};
use keyward_files::key_file::{Account, Granted, Key, KeyFile};

/// The result of a change.
pub(crate) struct Changed {
    /// The records after the change.
    pub(crate) file: KeyFile,
    pub(crate) key: Option<String>,
    pub(crate) notes: Vec<Note>,
}

pub(super) const API_KEYS: &str = "/v2/keyward/api_keys";

impl Server {
    /// Makes a change. `seen` is what the person agreed to change, if they were asked.
    pub(crate) fn change(
        &self,
        seen: Option<&Seen>,
        command: &Command,
        now: u64,
    ) -> Result<Changed> {
        let mut mirror = match seen {
            Some(seen) => seen.mirror().clone(),
            None => self.needed(command)?,
        };
        let decision = self.decided(&mirror, command, now)?;
        if let Some(key) = self.carry_out(&mirror, command, &decision, now)? {
            mirror.put_key(&key)?;
        }
        Ok(Changed {
            file: mirror.file(),
            key: decision.key().map(str::to_owned),
            notes: decision.notes().to_vec(),
        })
    }

    /// Sends the change. Returns the present state of a changed key.
    fn carry_out(
        &self,
        mirror: &Mirror,
        command: &Command,
        decision: &Decision,
        now: u64,
    ) -> Result<Option<ApiKey>> {
        match command {
            Command::EditKey(_) | Command::ExpireKey(_) => {
                let changes = decision.changes().iter();
                let changed = changes.filter_map(|change| key_change(change, decision.key()));
                let mut last = None;
                for (before, after) in changed {
                    let version = mirror.version(What::Key, &after.id);
                    last = self.put_key(before, after, version, now)?;
                }
                Ok(last)
            }
            Command::DeleteKey(target) => {
                let path = path(API_KEYS, &target.id)?;
                let call = delete(&path).at(mirror.version(What::Key, &target.id));
                self.ask(&call).and_then(typed).map(Some)
            }
            Command::PurgeKey(target) => {
                let path = format!("{}?purge=true", path(API_KEYS, &target.id)?);
                let call = delete(&path).at(mirror.version(What::Key, &target.id));
                self.ask(&call).map(|_| None)
            }
            Command::AddAccount(add) => {
                let mut body = self.account_body(&add.account);
                put(&mut body, "policy", add.settings.policy.as_ref());
                self.ask(&Call::post(ACCOUNTS, Json::Object(body)))
                    .map(|_| None)
            }
            Command::UpdateAccount(_) => {
                for change in decision.changes() {
                    if let RecordChange::PutAccount { before, after } = change {
                        self.put_account(mirror, &before.0, &after.0)?;
                    }
                }
                Ok(None)
            }
            Command::RemoveAccount { id, with_keys } => {
                let path = format!("{}?with_keys={with_keys}", path(ACCOUNTS, id)?);
                let call = delete(&path).at(mirror.version(What::Account, id));
                self.ask(&call).map(|_| None)
            }
            Command::PutGrantSet { .. } => {
                for change in decision.changes() {
                    if let RecordChange::PutGrantSet {
                        name,
                        before,
                        after,
                    } = change
                    {
                        self.put_set(mirror, name, before.is_some(), after)?;
                    }
                }
                Ok(None)
            }
            Command::RemoveGrantSet { name } => {
                let path = path(GRANT_SETS, name)?;
                let call = delete(&path).at(mirror.version(What::GrantSet, name));
                self.ask(&call).map(|_| None)
            }
            Command::CreateKey(_)
            | Command::DuplicateKey(_)
            | Command::RotateKey(_)
            | Command::ImportKey(_)
            | Command::PutPolicy { .. }
            | Command::RemovePolicy { .. } => {
                anyhow::bail!("this does not change a record; please report this")
            }
        }
    }

    /// Changes a key from one state to another. Returns `None` if they are the same.
    pub(super) fn put_key(
        &self,
        before: &Key,
        after: &Key,
        version: Option<u64>,
        now: u64,
    ) -> Result<Option<ApiKey>> {
        let path = path(KEYS, &after.id)?;
        let ends_now = before.expires != after.expires && after.is_expired(now);
        if ends_now {
            let expire = format!("{path}/expire");
            let call = Call::post(&expire, json!({})).at(version);
            return self.ask(&call).and_then(typed).map(Some);
        }
        let body = difference(before, after, now);
        if body.is_empty() {
            return Ok(None);
        }
        let body = self.with_override(body);
        let call = Call::post(&path, Json::Object(body)).at(version);
        self.ask(&call).and_then(typed).map(Some)
    }

    fn put_account(&self, mirror: &Mirror, before: &Account, after: &Account) -> Result<()> {
        let path = path(ACCOUNTS, &after.id)?;
        let version = mirror.version(What::Account, &after.id);
        if before.status != after.status {
            let verb = match after.status {
                AccountStatus::Suspended => "suspend",
                AccountStatus::Active => "resume",
            };
            let path = format!("{path}/{verb}");
            return self
                .ask(&Call::post(&path, json!({})).at(version))
                .map(drop);
        }
        let mut body = Map::new();
        if before.name != after.name {
            body.insert("name".to_owned(), json!(after.name));
        }
        if before.parent != after.parent {
            body.insert("parent".to_owned(), json!(after.parent));
        }
        if before.children != after.children {
            body.insert("children".to_owned(), json!(children(after)));
        }
        if body.is_empty() {
            return Ok(());
        }
        self.ask(&Call::post(&path, Json::Object(body)).at(version))
            .map(drop)
    }

    fn put_set(
        &self,
        mirror: &Mirror,
        name: &str,
        is_there: bool,
        granted: &Granted,
    ) -> Result<()> {
        let permissions = names(granted);
        if !is_there {
            let body = json!({"name": name, "permissions": permissions});
            return self.ask(&Call::post(GRANT_SETS, body)).map(drop);
        }
        let path = path(GRANT_SETS, name)?;
        let call = Call {
            method: Method::Put,
            body: Some(json!({"permissions": permissions})),
            ..Call::get(&path)
        };
        self.ask(&call.at(mirror.version(What::GrantSet, name)))
            .map(drop)
    }

    /// Returns the body for a new account.
    pub(super) fn account_body(&self, account: &Account) -> Map<String, Json> {
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(account.id));
        put(&mut body, "name", account.name.as_ref());
        put(&mut body, "parent", account.parent.as_ref());
        body.insert("children".to_owned(), json!(children(account)));
        body
    }

    /// Adds the reason for overriding the account's policy, if there is one.
    pub(super) fn with_override(&self, mut body: Map<String, Json>) -> Map<String, Json> {
        let Some(reason) = &self.override_policy else {
            return body;
        };
        let mine = body
            .entry("keyward")
            .or_insert_with(|| Json::Object(Map::new()));
        if let Some(mine) = mine.as_object_mut() {
            mine.insert("override_policy".to_owned(), json!(true));
            mine.insert("reason".to_owned(), json!(reason));
        }
        body
    }
}

/// Returns the states of a key before and after its change.
fn key_change<'a>(change: &'a RecordChange, key: Option<&str>) -> Option<(&'a Key, &'a Key)> {
    let (Some(before), Some(after)) = change.key_states()? else {
        return None;
    };
    (Some(after.id.as_str()) == key).then_some((before, after))
}

pub(super) fn delete(path: &str) -> Call<'_> {
    Call {
        method: Method::Delete,
        ..Call::get(path)
    }
}

/// Returns the path of a record that was read.
pub(super) fn path(list: &str, id: &str) -> Result<String> {
    path_of(list, id).context("there is a record without an id; please report this")
}
