//! Reads from the server what a command needs to know, and only what the rules require.

use anyhow::{Result, anyhow};

use super::Server;
use super::lists::Found;
use super::mirror::{Mirror, Seen};
use crate::rules;
use keyward::management::{
    AccountSettings, AddAccount, Command, Decision, Links, RuleCode, RuleRefusal, is_id, needs,
};
use keyward_files::key_file::Granted;

/// The maximum number of records that are searched for a name similar to a missing one.
const LOOKED_AT: usize = 1_000;

impl Server {
    /// Checks that the rules of keys allow a command. Returns the records on which that was
    /// decided.
    pub(crate) fn check(&self, command: &Command, now: u64) -> Result<Seen> {
        let mirror = self.needed(command)?;
        self.decided(&mirror, command, now)?;
        Ok(mirror.into_seen())
    }

    /// Decides a command by the rules. A refusal has the same words as for a key file.
    pub(super) fn decided(&self, mirror: &Mirror, command: &Command, now: u64) -> Result<Decision> {
        let command = &without_settings(command);
        let refusal = match rules::decide(&mirror.file(), command, now) {
            Ok(decision) => return Ok(decision),
            Err(refusal) => refusal,
        };
        let text = rules::text(&refusal, command, &self.widened(mirror, &refusal)?.file());
        Err(anyhow!(text))
    }

    /// Returns more records if a record is missing and another one may be meant.
    fn widened(&self, mirror: &Mirror, refusal: &RuleRefusal) -> Result<Mirror> {
        let mut wide = mirror.clone();
        let code = refusal.code();
        if let RuleCode::KeyMissing { .. } = code {
            for key in self.keys(&[("include_expired", "true")], Some(LOOKED_AT))? {
                wide.put_key(&key)?;
            }
        }
        if let RuleCode::AccountMissing { .. } = code
            && let Ok(accounts) = self.accounts(&[], Some(LOOKED_AT))?
        {
            for account in accounts {
                wide.put_account(&account);
            }
        }
        Ok(wide)
    }

    /// Returns a mirror without records, with the profile of the API.
    pub(super) fn mirror(&self) -> Result<Mirror> {
        Ok(Mirror::of(self.profile()?))
    }

    /// Reads what must be known for a command.
    pub(super) fn needed(&self, command: &Command) -> Result<Mirror> {
        let needs = needs(command);
        let mut mirror = self.mirror()?;
        if grants(command) {
            mirror.put_permissions(self.permissions()?);
        }
        for need in &needs.keys {
            self.read_chain(&mut mirror, &need.id, need.links)?;
        }
        for id in &needs.accounts {
            self.read_account(&mut mirror, id)?;
        }
        if let Command::RemoveAccount { id, .. } = command {
            self.read_below(&mut mirror, id)?;
        }
        if !needs.grant_sets.is_empty() || needs.changed_set.is_some() {
            self.read_sets(&mut mirror, &needs.grant_sets)?;
        }
        if let (Some(set), Command::RemoveGrantSet { .. }) = (&needs.changed_set, command)
            && is_id(set)
        {
            let filter = [("grant_set", set.as_str()), ("include_expired", "true")];
            for key in self.keys(&filter, Some(1))? {
                mirror.put_key(&key)?;
            }
        }
        Ok(mirror)
    }

    /// Reads a key and the keys that its links lead to.
    fn read_chain(&self, mirror: &mut Mirror, id: &str, links: Links) -> Result<()> {
        let mut open = vec![id.to_owned()];
        while let Some(id) = open.pop() {
            if mirror.has_key(&id) {
                continue;
            }
            let key = match self.key(&id)? {
                Found::There(key) => key,
                // The list returns the reason.
                Found::Forbidden => {
                    self.keys(&[], Some(1))?;
                    continue;
                }
                Found::Missing => continue,
            };
            mirror.put_key(&key)?;
            let (before, after) = (&key.keyward.replaces, &key.keyward.replaced_by);
            match links {
                Links::None => {}
                Links::Forward => open.extend(after.clone()),
                Links::Both => open.extend(before.iter().chain(after).cloned()),
            }
        }
        Ok(())
    }

    /// Reads an account and all accounts above it. One that the caller may not see is assumed to
    /// exist, because the server decides.
    pub(super) fn read_account(&self, mirror: &mut Mirror, id: &str) -> Result<()> {
        let mut next = Some(id.to_owned());
        while let Some(id) = next.take() {
            match self.account(&id)? {
                Found::There(account) => {
                    next.clone_from(&account.parent);
                    mirror.put_account(&account);
                }
                Found::Forbidden => mirror.assume_account(&id),
                Found::Missing => {}
            }
        }
        Ok(())
    }

    /// Reads an account's keys, and one account below it.
    fn read_below(&self, mirror: &mut Mirror, id: &str) -> Result<()> {
        if !is_id(id) {
            return Ok(());
        }
        for key in self.keys(&[("owner", id), ("include_expired", "true")], None)? {
            mirror.put_key(&key)?;
        }
        let below = self.accounts(&[("parent", id)], Some(1))?;
        let below = below.map_err(|refused| refused.to_error())?;
        below.iter().rev().for_each(|one| mirror.put_account(one));
        Ok(())
    }

    /// Reads all grant sets. If the caller may not see them, the named ones are assumed to exist.
    pub(super) fn read_sets(&self, mirror: &mut Mirror, named: &[String]) -> Result<()> {
        match self.grant_sets()? {
            Ok(sets) => sets.iter().try_for_each(|set| mirror.put_set(set)),
            Err(refused) => {
                if !refused.is_forbidden() || named.is_empty() {
                    return Err(refused.to_error());
                }
                for name in named {
                    mirror.assume_set(name, Granted::new());
                }
                Ok(())
            }
        }
    }
}

/// Returns the command without settings of an account that only a server has. Policies are not
/// checked here.
fn without_settings(command: &Command) -> Command {
    if let Command::AddAccount(add) = command {
        return Command::AddAccount(AddAccount {
            account: add.account.clone(),
            settings: AccountSettings::default(),
        });
    }
    command.clone()
}

/// Whether a command names permissions.
fn grants(command: &Command) -> bool {
    match command {
        Command::CreateKey(_)
        | Command::EditKey(_)
        | Command::ImportKey(_)
        | Command::PutGrantSet { .. } => true,
        Command::DuplicateKey(_)
        | Command::RotateKey(_)
        | Command::ExpireKey(_)
        | Command::DeleteKey(_)
        | Command::PurgeKey(_)
        | Command::AddAccount(_)
        | Command::UpdateAccount(_)
        | Command::RemoveAccount { .. }
        | Command::RemoveGrantSet { .. }
        | Command::PutPolicy { .. }
        | Command::RemovePolicy { .. } => false,
    }
}
