//! The accounts of a server, and the number of keys of each.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

use super::Server;
use super::body::put;
use super::change::{delete, path};
use super::lists::{ACCOUNTS, typed};
use super::make::one_value;
use super::request::Call;
use super::wire::AccountObject;
use keyward::account::AccountStatus;
use keyward::management::AddAccount;
use keyward_files::key_file::{Key, KeyFile};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

/// The keys of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Keys that work now.
    pub(crate) live: usize,
    /// Keys that are deleted, expired or not valid yet.
    pub(crate) other: usize,
}

impl Count {
    /// Counts another key.
    pub(crate) fn add(&mut self, is_live: bool) {
        if is_live {
            self.live += 1;
        } else {
            self.other += 1;
        }
    }
}

impl Server {
    /// Returns all accounts, with their keys counted by the server.
    pub(crate) fn tree(&self, now: u64) -> Result<(KeyFile, HashMap<String, Count>)> {
        let accounts = self.accounts(&[("scope", "tree")], None)?;
        let accounts = accounts.map_err(|refused| refused.to_error())?;
        let mut mirror = self.mirror()?;
        let mut counts = HashMap::new();
        for account in accounts.iter().rev() {
            mirror.put_account(account);
            counts.insert(account.id.clone(), self.count(account, now)?);
        }
        // The server's number of keys in use includes expired keys and those that are not valid
        // yet.
        for state in ["expired", "inactive"] {
            for key in self.keys_of_all(&[("state", state)])? {
                let count = counts.get_mut(&key.keyward.owner);
                if let Some(count) = count.filter(|_| !is_suspended(&accounts, &key.keyward.owner))
                {
                    count.live = count.live.saturating_sub(1);
                    count.other += 1;
                }
            }
        }
        Ok((mirror.file(), counts))
    }

    fn count(&self, account: &AccountObject, now: u64) -> Result<Count> {
        if account.record().status == AccountStatus::Active {
            return Ok(Count {
                live: account.counts.in_use,
                other: account.counts.deleted,
            });
        }
        // For a suspended account, the server reports the keys as suspended, but not whether they
        // would work otherwise.
        let mut count = Count::default();
        let filter = [("owner", account.id.as_str()), ("include_expired", "true")];
        for key in self.keys_of_all(&filter)? {
            count.add(key.record()?.is_live_at(now));
        }
        Ok(count)
    }

    /// Adds an account with its first keys, and shows their values with `show`. The server makes
    /// the keys in the same transaction, without applying a policy. If no reader receives the
    /// values, the account is removed again.
    pub(crate) fn add_with_keys(
        &self,
        add: &AddAccount,
        show: impl FnOnce(&[(Key, Zeroizing<String>)]) -> Result<()>,
    ) -> Result<()> {
        let mut body = self.account_body(&add.account);
        put(&mut body, "policy", add.settings.policy.as_ref());
        body.insert("first_keys".to_owned(), json!(true));
        let id = &add.account.id;
        let made: AccountObject = match self.call(&Call::post(ACCOUNTS, Json::Object(body)))? {
            Ok(json) => typed(json)?,
            Err(refused) if refused.code == "value_already_returned" => {
                self.remove_again(id)?;
                bail!(
                    "the values of the first keys were lost on the network; the account was removed again, so run this once more"
                );
            }
            Err(refused) => return Err(refused.to_error()),
        };
        let values: Result<Vec<_>> = made.first_keys.into_iter().map(one_value).collect();
        let Err(why) = values.and_then(|values| show(&values)) else {
            return Ok(());
        };
        match self.remove_again(id) {
            Ok(()) => Err(why),
            Err(error) => Err(error.context(why)),
        }
    }

    fn remove_again(&self, id: &str) -> Result<()> {
        let path = format!("{}?with_keys=true", path(ACCOUNTS, id)?);
        self.ask(&delete(&path)).map(drop).with_context(|| {
            format!("`{id}` was added, the values of its keys were not shown, and it could not be removed again; remove it with `keyward accounts remove {id} --with-keys`")
        })
    }
}

fn is_suspended(accounts: &[AccountObject], id: &str) -> bool {
    let mut accounts = accounts.iter();
    let account = accounts.find(|account| account.id == id);
    account.is_some_and(|account| account.record().status == AccountStatus::Suspended)
}
