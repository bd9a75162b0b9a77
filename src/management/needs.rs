//! What a store must read for a command, known before anything is read.

use super::command::{Command, GrantsChange, NewGrants, Patch, Value};
use crate::account::AccountStatus;
use crate::digest::KeyDigest;

/// What a store reads for a command.
///
/// With each key, it also reads the account that owns the key and the grant sets that the key
/// names; with each account, all accounts above it and the policy that applies to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Keys. The facts leave out keys that do not exist.
    pub keys: Vec<KeyNeed>,
    /// The account whose keys are all needed, with the keys that they replace and that replace them.
    pub keys_of: Option<String>,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Grant sets.
    pub grant_sets: Vec<String>,
    /// The grant set that changes. It is read with a key that follows it and the policies of the
    /// accounts whose keys follow it.
    pub changed_set: Option<String>,
    /// Digests, to learn which keys have them.
    pub digests: Vec<KeyDigest>,
    /// External ids, to learn which accounts have them.
    pub external_ids: Vec<String>,
    /// Policies.
    pub policies: Vec<String>,
}

/// A needed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNeed {
    /// The key's id.
    pub id: String,
    /// The keys that are read with it.
    pub links: Links,
}

/// Which linked keys are read with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// No other keys.
    None,
    /// The keys that replace it, one after the other (`replaced_by`).
    Forward,
    /// The whole chain of replacements: all keys that `replaces` and `replaced_by` lead to in
    /// either direction, and those that lead to it.
    Both,
}

impl Needs {
    fn key(&mut self, id: &str, links: Links) {
        self.keys.push(KeyNeed {
            id: id.to_owned(),
            links,
        });
    }

    fn set(&mut self, set: Option<&String>) {
        self.grant_sets.extend(set.cloned());
    }

    fn new_key(&mut self, owner: &str, id: Option<&String>, grants: [&NewGrants; 2]) {
        self.accounts.push(owner.to_owned());
        if let Some(id) = id {
            self.key(id, Links::None);
        }
        for side in grants {
            self.set(side.set.as_ref());
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Minted => {}
            Value::Digest(digest) | Value::Ending(digest, _) => self.digests.push(*digest),
        }
    }
}

/// Returns what a store must read for `command`.
#[must_use]
pub fn needs(command: &Command) -> Needs {
    let mut needs = Needs::default();
    match command {
        Command::CreateKey(new) => {
            let grants = [&new.grants, &new.connect_grants];
            needs.new_key(&new.owner, new.id.as_ref(), grants);
            needs.value(&new.value);
        }
        Command::ImportKey(new) => {
            let grants = [&new.grants, &new.connect_grants];
            needs.new_key(&new.owner, new.id.as_ref(), grants);
            needs.digests.push(new.value.digest());
        }
        Command::DuplicateKey(duplicate) => needs.key(&duplicate.id, Links::None),
        Command::EditKey(edit) => {
            // A replaced key's end depends on its replacement.
            needs.key(&edit.id, Links::Forward);
            for change in [&edit.grants, &edit.connect_grants] {
                match change {
                    GrantsChange::Edit { set, .. } => needs.set(set.as_ref()),
                    GrantsChange::Keep | GrantsChange::Replace(_) => {}
                }
            }
        }
        Command::RotateKey(rotate) => {
            needs.key(&rotate.id, Links::Forward);
            needs.value(&rotate.value);
        }
        Command::ExpireKey(expire) => needs.key(&expire.id, Links::Forward),
        Command::DeleteKey(target) | Command::PurgeKey(target) => {
            needs.key(&target.id, Links::Both);
        }
        Command::AddAccount(add) => {
            needs.accounts.push(add.account.id.clone());
            needs.accounts.extend(add.account.parent.clone());
            needs.external_ids.extend(add.settings.external_id.clone());
            needs.policies.extend(add.settings.policy.clone());
        }
        Command::UpdateAccount(update) => {
            needs.accounts.push(update.id.clone());
            needs.accounts.extend(set_to(&update.parent));
            needs.external_ids.extend(set_to(&update.external_id));
            needs.policies.extend(set_to(&update.policy));
            if update.status == Some(AccountStatus::Suspended) {
                needs.keys_of = Some(update.id.clone());
            }
        }
        Command::RemoveAccount { id, .. } => {
            needs.accounts.push(id.clone());
            needs.keys_of = Some(id.clone());
        }
        Command::PutGrantSet { name, .. } | Command::RemoveGrantSet { name } => {
            needs.changed_set = Some(name.clone());
        }
        Command::PutPolicy { name, .. } | Command::RemovePolicy { name } => {
            needs.policies.push(name.clone());
        }
    }
    needs
}

fn set_to(patch: &Patch<String>) -> Option<String> {
    match patch {
        Patch::Keep | Patch::Clear => None,
        Patch::Set(value) => Some(value.clone()),
    }
}
