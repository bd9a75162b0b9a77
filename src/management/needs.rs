//! What must be read for a command, known before anything is read.

use super::command::{Command, GrantsChange, NewGrants, Patch, Value};
use crate::account::AccountStatus;
use crate::digest::KeyDigest;

/// What a store reads for a command.
///
/// With each key it reads the account that owns it and the grant sets that the key names; with each
/// account all accounts above it and the policy that holds for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Keys. One that is not there is left out of the facts.
    pub keys: Vec<KeyNeed>,
    /// All keys of this account, with the keys that theirs replace and are replaced by.
    pub keys_of: Option<String>,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Grant sets.
    pub grant_sets: Vec<String>,
    /// The grant set that changes: with a key that follows it, and the policies of the accounts
    /// whose keys do.
    pub changed_set: Option<String>,
    /// Digests whose holders are asked for.
    pub digests: Vec<KeyDigest>,
    /// External ids whose accounts are asked for.
    pub external_ids: Vec<String>,
    /// Policies.
    pub policies: Vec<String>,
}

/// A key that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNeed {
    /// Its id.
    pub id: String,
    /// What is read along with it.
    pub links: Links,
}

/// Which keys are read along with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// None.
    None,
    /// Those that replace it, one after the other (`replaced_by`).
    Forward,
    /// All that `replaces` and `replaced_by` lead to, in either direction, and those that lead to
    /// it: a whole chain of replacements.
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

/// What must be read for `command`.
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
            // The end of a key that was replaced hangs on its replacement.
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
