//! The accounts of a file.

use keyward::account::AccountStatus;
use keyward::management::{Account, AccountSettings, AddAccount, Command, Patch, UpdateAccount};

use super::{Done, Filing, refused};
use crate::permission::Management;
use crate::store::{Scope, StoredAccount};

impl Filing<'_, '_> {
    /// Parents first, wherever they stand in the file.
    pub(super) fn put_accounts(&mut self) -> Done {
        let file = self.file;
        let mut waiting: Vec<&Account> = file.accounts().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for account in waiting {
                let is_ready = match &account.parent {
                    Some(parent) => self.account(parent)?.is_some(),
                    None => true,
                };
                if is_ready {
                    self.put_account(account)?;
                } else {
                    later.push(account);
                }
            }
            if later.len() == before {
                return Err(refused(
                    "The accounts of the file are below each other in a circle.".to_owned(),
                ));
            }
            waiting = later;
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
            self.done.ended.push(account.id.clone());
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
        self.change("change", "account", &wanted.id, members, stored.version);
        Ok(())
    }

    /// Those that the file leaves out, the lowest first. One that has keys or accounts of others stays.
    pub(super) fn remove_accounts(&mut self) -> Done {
        let mut own = Vec::new();
        self.tx
            .read()
            .each_account(&Scope::everything(), |stored| {
                if self.is_own(&stored.source) && self.file.account(&stored.account.id).is_none() {
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
