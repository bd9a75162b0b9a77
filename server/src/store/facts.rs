//! The facts for a decision, read from the store. A record outside the caller's scope counts as
//! missing.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use keyward::digest::KeyDigest;
use keyward::management::{
    AccountFact, Api, Facts, GrantSetFact, Holder, Key, KeyCounts, KeyFact, KeyGrants, KeyNeed,
    Links, NamedPolicy, Needs, Side,
};

use super::columns::{signed, unsigned};
use super::error::Result;
use super::records::{accounts, file_of, keys, policies, sets};
use super::scope::{Scope, Where};

/// The longest chain of replacements that the store follows. Rotating a key once a minute takes a
/// week to make one that long.
const LONGEST_CHAIN: usize = 10_000;

pub(super) fn facts(
    connection: &Connection,
    api: Arc<Api>,
    scope: &Scope,
    needs: &Needs,
    now: u64,
) -> Result<Facts> {
    let mut reading = Reading {
        connection,
        scope,
        now,
        facts: Facts::new(api),
        policies: HashMap::new(),
        read: ReadKeys::default(),
    };
    reading.all(needs)?;
    let Reading {
        mut facts, read, ..
    } = reading;
    // Ordered by creation, however they were found.
    facts
        .keys
        .sort_by_key(|fact| read.0.get(&fact.key.id).copied());
    Ok(facts)
}

struct Reading<'a> {
    connection: &'a Connection,
    scope: &'a Scope,
    now: u64,
    facts: Facts,
    /// The policies read so far, by the account that they apply to.
    policies: HashMap<String, Option<Arc<NamedPolicy>>>,
    read: ReadKeys,
}

/// The keys that were read, each with the change that made it. An account may have a great many, so
/// the list of facts is not searched.
#[derive(Default)]
struct ReadKeys(HashMap<String, u64>);

impl ReadKeys {
    fn has(&self, id: &str) -> bool {
        #[cfg(test)]
        tests::ASKED.set(tests::ASKED.get() + 1);
        self.0.contains_key(id)
    }
}

impl Reading<'_> {
    fn all(&mut self, needs: &Needs) -> Result<()> {
        for need in &needs.keys {
            self.key(need)?;
        }
        if let Some(owner) = &needs.keys_of {
            self.keys_of(owner)?;
        }
        for id in &needs.accounts {
            self.account(id)?;
        }
        let mut names: BTreeSet<String> = needs.grant_sets.iter().cloned().collect();
        names.extend(self.facts.keys.iter().flat_map(|fact| followed(&fact.key)));
        for name in names {
            self.set(&name, false)?;
        }
        if let Some(name) = &needs.changed_set {
            self.set(name, true)?;
        }
        for digest in &needs.digests {
            self.digest(*digest)?;
        }
        for id in &needs.external_ids {
            let account = self
                .connection
                .prepare_cached("SELECT id FROM accounts WHERE external_id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            if let Some(account) = account {
                self.facts.external_ids.push((id.clone(), account));
            }
        }
        for name in &needs.policies {
            for stored in policies::read(self.connection, Some(name))? {
                self.facts.policies.push((stored.named, stored.accounts));
            }
        }
        Ok(())
    }

    fn key(&mut self, need: &KeyNeed) -> Result<()> {
        let Some(key) = self.read_key(&need.id)? else {
            return Ok(());
        };
        let mut next = VecDeque::from(linked(&key.key, need.links));
        self.take(key)?;
        self.back_links(&need.id, need.links, &mut next)?;
        while let Some(id) = next.pop_front() {
            if self.read.has(&id) || self.facts.keys.len() >= LONGEST_CHAIN {
                continue;
            }
            let Some(key) = self.read_key(&id)? else {
                continue;
            };
            next.extend(linked(&key.key, need.links));
            self.take(key)?;
            self.back_links(&id, need.links, &mut next)?;
        }
        Ok(())
    }

    /// Finds keys that refer to this one, although it may not refer to them.
    fn back_links(&self, id: &str, links: Links, next: &mut VecDeque<String>) -> Result<()> {
        match links {
            Links::None | Links::Forward => return Ok(()),
            Links::Both => {}
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM keys WHERE replaces = ?1 UNION SELECT id FROM keys WHERE replaced_by = ?1",
        )?;
        for id in statement.query_map([id], |row| row.get(0))? {
            next.push_back(id?);
        }
        Ok(())
    }

    fn keys_of(&mut self, owner: &str) -> Result<()> {
        let mut limits = Where::new();
        limits.and_is("k.owner =", owner.to_owned());
        self.scope.of_keys(&mut limits);
        for stored in keys::all(self.connection, &limits, "ORDER BY k.seq")? {
            let linked = linked(&stored.key, Links::Both);
            self.take(stored)?;
            for id in linked {
                if !self.read.has(&id)
                    && let Some(key) = self.read_key(&id)?
                {
                    self.take(key)?;
                }
            }
        }
        Ok(())
    }

    fn read_key(&self, id: &str) -> Result<Option<keys::StoredKey>> {
        keys::one(self.connection, self.scope, "id", id.to_owned())
    }

    fn take(&mut self, stored: keys::StoredKey) -> Result<()> {
        if self.read.has(&stored.key.id) {
            return Ok(());
        }
        self.account(&stored.key.owner)?;
        self.read.0.insert(stored.key.id.clone(), stored.sequence);
        self.facts.keys.push(KeyFact {
            file: file_of(&stored.source),
            key: stored.key,
        });
        Ok(())
    }

    /// Reads an account and all accounts above it. Those above are read regardless of the scope,
    /// because they determine whether the account is suspended, and which policy applies.
    fn account(&mut self, id: &str) -> Result<()> {
        if self.facts.account(id).is_some() {
            return Ok(());
        }
        let mut found = accounts::one(self.connection, self.scope, id)?;
        while let Some(stored) = found {
            let parent = stored.account.parent.clone();
            let policy = self.policy(&stored.account.id)?;
            let is_counted = policy
                .as_ref()
                .is_some_and(|named| named.policy.max_keys.is_some());
            let fact = AccountFact {
                file: file_of(&stored.source),
                // Counting takes time in proportion to the number of keys, so it is done only if a
                // rule needs it.
                keys: if is_counted {
                    self.live_keys(&stored.account.id)?
                } else {
                    KeyCounts::default()
                },
                child: self.child(&stored.account.id)?,
                policy,
                account: stored.account,
                settings: stored.settings,
            };
            self.facts.accounts.push(fact);
            found = match parent {
                Some(parent) if self.facts.account(&parent).is_none() => {
                    accounts::one(self.connection, &Scope::everything(), &parent)?
                }
                Some(_) | None => None,
            };
        }
        Ok(())
    }

    fn live_keys(&self, owner: &str) -> Result<KeyCounts> {
        let mut counts = KeyCounts::default();
        let mut statement = self.connection.prepare_cached(
            "SELECT livemode, count(*) FROM keys
             WHERE owner = ?1 AND status = 0 AND (expires IS NULL OR expires > ?2) GROUP BY livemode",
        )?;
        let mut rows = statement.query(params![owner, signed(self.now)?])?;
        while let Some(row) = rows.next()? {
            let keys = unsigned(row.get(1)?)?;
            if row.get(0)? {
                counts.live = keys;
            } else {
                counts.test = keys;
            }
        }
        Ok(counts)
    }

    fn child(&self, id: &str) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM accounts WHERE parent = ?1 ORDER BY seq LIMIT 1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    fn policy(&mut self, account: &str) -> Result<Option<Arc<NamedPolicy>>> {
        if let Some(policy) = self.policies.get(account) {
            return Ok(policy.clone());
        }
        let policy = policies::effective(self.connection, account)?.map(Arc::new);
        self.policies.insert(account.to_owned(), policy.clone());
        Ok(policy)
    }

    fn set(&mut self, name: &str, with_users: bool) -> Result<()> {
        let Some(stored) = sets::read(self.connection, Some(name))?.pop() else {
            return Ok(());
        };
        let mut fact = GrantSetFact {
            file: file_of(&stored.source),
            name: stored.name,
            granted: stored.granted,
            user: None,
            policies: Default::default(),
        };
        if with_users {
            fact.user = sets::user(self.connection, name)?;
            for (side, policies) in [Side::Own, Side::Connected]
                .into_iter()
                .zip(&mut fact.policies)
            {
                for owner in sets::owners(self.connection, name, side)? {
                    let Some(policy) = self.policy(&owner)? else {
                        continue;
                    };
                    if policies.iter().all(|known| known.name != policy.name) {
                        policies.push(policy);
                    }
                }
            }
        }
        self.facts.grant_sets.retain(|known| known.name != name);
        self.facts.grant_sets.push(fact);
        Ok(())
    }

    /// Finds the key with a digest. Whether it exists at all is reported in every scope, because no
    /// two keys may have the same digest.
    fn digest(&mut self, digest: KeyDigest) -> Result<()> {
        let bytes = digest.as_bytes().to_vec();
        let everything = Scope::everything();
        let seen = keys::one(self.connection, self.scope, "sha256", bytes.clone())?;
        let holder = match seen {
            Some(stored) => Some(Holder::Key(stored.key.id)),
            None if keys::one(self.connection, &everything, "sha256", bytes.clone())?.is_some() => {
                Some(Holder::Hidden)
            }
            None => self
                .connection
                .prepare_cached("SELECT 1 FROM ended_digests WHERE sha256 = ?1")?
                .query_row([bytes], |_| Ok(Holder::Ended))
                .optional()?,
        };
        if let Some(holder) = holder {
            self.facts.digests.push((digest, holder));
        }
        Ok(())
    }
}

/// Returns the grant sets that a key follows.
fn followed(key: &Key) -> Vec<String> {
    let sides = [&key.grants, &key.connect_grants];
    let sets = sides
        .into_iter()
        .flatten()
        .filter_map(|grants| match grants {
            KeyGrants::Set(name) => Some(name.clone()),
            KeyGrants::Inline(_) => None,
        });
    sets.collect()
}

/// Returns the targets of a key's links that the store must follow.
fn linked(key: &Key, links: Links) -> Vec<String> {
    let (backward, forward) = match links {
        Links::None => (false, false),
        Links::Forward => (false, true),
        Links::Both => (true, true),
    };
    let replaces = key.replaces.iter().filter(|_| backward);
    let replaced_by = key.replaced_by.iter().filter(|_| forward);
    replaces.chain(replaced_by).cloned().collect()
}

#[cfg(test)]
mod tests;
