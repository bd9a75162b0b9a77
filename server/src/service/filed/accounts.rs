//! The accounts of a file.

use std::collections::{HashMap, HashSet};

use keyward::account::AccountStatus;
use keyward::management::{Account, AccountSettings, AddAccount, Command, Patch, UpdateAccount};
use keyward_files::key_file::KeyFile;

use super::{Done, EndedRecord, Filing};
use crate::permission::Management;
use crate::store::{Scope, StoredAccount};

impl Filing<'_, '_> {
    /// Parents first, in whatever order the file has them.
    pub(super) fn put_accounts(&mut self) -> Done {
        let file = self.file;
        for account in parents_first(file) {
            self.put_account(account)?;
        }
        Ok(())
    }

    fn account(&self, id: &str) -> Result<Option<StoredAccount>, crate::store::StoreError> {
        self.tx.read().account(&Scope::everything(), id)
    }

    fn put_account(&mut self, account: &Account) -> Done {
        let Some(stored) = self.account(&account.id)? else {
            self.may(Management::Account)?;
            self.step(&Command::AddAccount(AddAccount {
                account: account.clone(),
                settings: AccountSettings::default(),
            }))?;
            self.change("add", "account", &account.id, Vec::new(), 0);
            return Ok(());
        };
        let mut wanted = account.clone();
        if stored.account.is_suspended() && !account.is_suspended() && self.is_own(&stored.source) {
            // It was suspended by someone who may: a file does not undo it.
            wanted.status = AccountStatus::Suspended;
            self.done.ended.push(EndedRecord {
                expires_at: None,
                id: account.id.clone(),
                object: "account",
                status: wanted.status.name(),
            });
        }
        if stored.account == wanted {
            self.done.is_same();
            return Ok(());
        }
        if !self.is_own(&stored.source) {
            return Err(self.another("account", &account.id, &stored.source));
        }
        self.may(Management::Account)?;
        let members = wanted.differences(&stored.account);
        let patch = |text: &Option<String>| match text {
            Some(text) => Patch::Set(text.clone()),
            None => Patch::Clear,
        };
        self.step(&Command::UpdateAccount(UpdateAccount {
            name: patch(&wanted.name),
            parent: patch(&wanted.parent),
            children: Some(wanted.children),
            status: Some(wanted.status),
            ..UpdateAccount::of(&wanted.id)
        }))?;
        let (id, version) = (&wanted.id, stored.version);
        if wanted.is_suspended() && members == ["status"] {
            self.end("change", "account", id, members, version);
        } else {
            self.change("change", "account", id, members, version);
        }
        Ok(())
    }

    /// Those that the file leaves out, the lowest first. One that has keys or accounts of others stays.
    pub(super) fn remove_accounts(&mut self) -> Done {
        let in_file: HashSet<&str> = self.file.accounts().map(|one| one.id.as_str()).collect();
        let mut own = Vec::new();
        self.tx
            .read()
            .each_account(&Scope::everything(), |stored| {
                if self.is_own(&stored.source) && !in_file.contains(stored.account.id.as_str()) {
                    own.push(stored);
                }
                Ok(())
            })?;
        // An account is made after the one above it, unless it was moved: then it stays until the next time.
        for stored in own.into_iter().rev() {
            let id = stored.account.id;
            if self.tx.read().is_account_needed(&id)? {
                self.done.kept.push(id);
                continue;
            }
            self.may(Management::Account)?;
            self.step(&Command::RemoveAccount {
                id: id.clone(),
                with_keys: false,
            })?;
            self.change("remove", "account", &id, Vec::new(), stored.version);
        }
        Ok(())
    }
}

/// The accounts, each after the one above it. Those of a circle come as they are, and the rules refuse them.
fn parents_first(file: &KeyFile) -> Vec<&Account> {
    let by_id: HashMap<&str, &Account> = file
        .accounts()
        .map(|account| (account.id.as_str(), account))
        .collect();
    let (mut order, mut placed) = (Vec::with_capacity(by_id.len()), HashSet::new());
    for account in file.accounts() {
        let (mut line, mut next) = (Vec::new(), Some(account));
        while let Some(one) = next
            && !placed.contains(one.id.as_str())
            && line.len() <= by_id.len()
        {
            line.push(one);
            next = one.parent.as_deref().and_then(|id| by_id.get(id)).copied();
        }
        for one in line.into_iter().rev() {
            if placed.insert(one.id.as_str()) {
                order.push(one);
            }
        }
    }
    order
}
