//! The naive store: maps that are searched from beginning to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keyward::digest::KeyDigest;
use keyward::key::Livemode;
use keyward::management::{
    Account, AccountFact, AccountSettings, Api, Command, Context, DEFAULT_POLICY, Decision, Facts,
    GrantSetFact, Granted, Holder, Key, KeyCounts, KeyFact, KeyGrants, Links, NamedPolicy, Needs,
    NoRandomness, Policy, Randomness, RecordChange, RuleRefusal, decide, needs,
};

/// All records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    pub accounts: BTreeMap<String, (Account, AccountSettings)>,
    pub keys: BTreeMap<String, Key>,
    pub grant_sets: BTreeMap<String, Granted>,
    /// The policies. Without any, no account has one. Otherwise `default` is among them.
    pub policies: BTreeMap<String, Policy>,
    /// Digests of keys that were deleted or purged, if the store keeps them.
    pub ended: Option<BTreeSet<KeyDigest>>,
}

/// Random numbers that are the same each time.
#[derive(Clone, Debug)]
pub struct Seeded(pub u64);

impl Randomness for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56) as u8;
        }
        Ok(())
    }
}

impl Records {
    /// Returns an empty store like a key file: without policies.
    #[must_use]
    pub fn new() -> Self {
        Self {
            accounts: BTreeMap::new(),
            keys: BTreeMap::new(),
            grant_sets: BTreeMap::new(),
            policies: BTreeMap::new(),
            ended: None,
        }
    }

    /// Returns an empty store like a server's: with a policy for all accounts, and with a memory of
    /// ended keys.
    #[must_use]
    pub fn of_a_server() -> Self {
        Self {
            policies: [(DEFAULT_POLICY.to_owned(), Policy::default())].into(),
            ended: Some(BTreeSet::new()),
            ..Self::new()
        }
    }

    /// Decides a command from the facts that it needs, and carries it out.
    ///
    /// # Errors
    /// The rule that rejects it. Nothing is changed.
    pub fn run(
        &mut self,
        api: &Arc<Api>,
        command: &Command,
        context: Context<'_>,
    ) -> Result<Decision, RuleRefusal> {
        let facts = self.facts(api, &needs(command), context.now);
        let decision = decide(command, &facts, context)?;
        self.apply(decision.changes());
        Ok(decision)
    }

    /// Returns the facts that a command needs, and no more.
    #[must_use]
    pub fn facts(&self, api: &Arc<Api>, needs: &Needs, now: u64) -> Facts {
        let mut facts = Facts::new(Arc::clone(api));
        let keys = self.needed_keys(needs);
        let mut accounts: BTreeSet<String> = needs.accounts.iter().cloned().collect();
        let mut sets: BTreeSet<String> = needs.grant_sets.iter().cloned().collect();
        sets.extend(needs.changed_set.clone());
        for key in &keys {
            accounts.insert(key.owner.clone());
            sets.extend(followed(key));
            facts.keys.push(KeyFact::of((*key).clone()));
        }
        for id in accounts.clone() {
            accounts.extend(self.above(&id));
        }
        for id in &accounts {
            facts.accounts.extend(self.account(id, now));
        }
        for name in &sets {
            facts.grant_sets.extend(self.grant_set(name));
        }
        self.look_up(needs, &mut facts);
        facts
    }

    /// Returns all records, plus what was looked up. A decision on them must be the same.
    #[must_use]
    pub fn everything(&self, api: &Arc<Api>, needs: &Needs, now: u64) -> Facts {
        let mut facts = Facts::new(Arc::clone(api));
        let keys = self.keys.values().cloned();
        facts.keys = keys.map(KeyFact::of).collect();
        let accounts = self.accounts.keys();
        facts.accounts = accounts.filter_map(|id| self.account(id, now)).collect();
        let sets = self.grant_sets.keys();
        facts.grant_sets = sets.filter_map(|name| self.grant_set(name)).collect();
        self.look_up(needs, &mut facts);
        facts
    }

    /// Makes the changes.
    pub fn apply(&mut self, changes: &[RecordChange]) {
        for change in changes {
            match change {
                RecordChange::AddKey { key, .. } => {
                    let before = self.keys.insert(key.id.clone(), (**key).clone());
                    assert_eq!(before, None);
                }
                RecordChange::PutKey { before, after } => {
                    let was = self.keys.insert(after.id.clone(), (**after).clone());
                    assert_eq!(was.as_ref(), Some(&**before));
                    if after.is_deleted() {
                        self.end(after);
                    }
                }
                RecordChange::RemoveKey { key } => {
                    assert_eq!(self.keys.remove(&key.id).as_ref(), Some(&**key));
                    self.end(key);
                }
                RecordChange::AddAccount { account, settings } => {
                    let new = (account.clone(), settings.clone());
                    assert_eq!(self.accounts.insert(account.id.clone(), new), None);
                }
                RecordChange::PutAccount { before, after } => {
                    let was = self.accounts.insert(after.0.id.clone(), after.clone());
                    assert_eq!(was.as_ref(), Some(before));
                }
                RecordChange::RemoveAccount { account } => {
                    assert!(self.accounts.remove(&account.id).is_some());
                }
                RecordChange::PutGrantSet {
                    name,
                    before,
                    after,
                } => {
                    let was = self.grant_sets.insert(name.clone(), after.clone());
                    assert_eq!(was, *before);
                }
                RecordChange::RemoveGrantSet { name } => {
                    assert!(self.grant_sets.remove(name).is_some());
                }
                RecordChange::PutPolicy { name, after, .. } => {
                    self.policies.insert(name.clone(), (**after).clone());
                }
                RecordChange::RemovePolicy { name } => {
                    assert!(self.policies.remove(name).is_some());
                }
            }
        }
    }

    fn end(&mut self, key: &Key) {
        if let Some(ended) = &mut self.ended {
            ended.insert(key.digest);
        }
    }

    fn needed_keys(&self, needs: &Needs) -> Vec<&Key> {
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        for need in &needs.keys {
            let Some(key) = self.keys.get(&need.id) else {
                continue;
            };
            ids.insert(&key.id);
            match need.links {
                Links::None => {}
                Links::Forward => {
                    let mut next = key.replaced_by.as_ref();
                    while let Some(key) = next.and_then(|id| self.keys.get(id)) {
                        if !ids.insert(&key.id) {
                            break;
                        }
                        next = key.replaced_by.as_ref();
                    }
                }
                Links::Both => self.close(&mut ids, BTreeSet::from([key.id.as_str()])),
            }
        }
        if let Some(owner) = &needs.keys_of {
            let owned = self.keys.values().filter(|key| key.owner == *owner);
            let owned = owned.map(|key| key.id.as_str()).collect();
            self.close(&mut ids, owned);
        }
        ids.into_iter().filter_map(|id| self.keys.get(id)).collect()
    }

    /// Adds these keys to `ids`, and all keys that links connect to them.
    fn close<'a>(&'a self, ids: &mut BTreeSet<&'a str>, mut found: BTreeSet<&'a str>) {
        loop {
            let count = found.len();
            for key in self.keys.values() {
                let links = [&key.replaces, &key.replaced_by].into_iter().flatten();
                let all: Vec<&str> = links.map(String::as_str).chain([key.id.as_str()]).collect();
                if all.iter().any(|id| found.contains(id)) {
                    found.extend(all);
                }
            }
            if found.len() == count {
                break;
            }
        }
        ids.extend(found);
    }

    fn above(&self, id: &str) -> Vec<String> {
        let mut above = Vec::new();
        let mut next = self.parent(id);
        while let Some(id) = next {
            next = self.parent(&id);
            above.push(id);
        }
        above
    }

    fn parent(&self, id: &str) -> Option<String> {
        self.accounts.get(id)?.0.parent.clone()
    }

    fn account(&self, id: &str, now: u64) -> Option<AccountFact> {
        let (account, settings) = self.accounts.get(id)?.clone();
        let count = |mode: Livemode| {
            let live = |key: &&Key| key.owner == id && !key.is_deleted() && !key.is_expired(now);
            let keys = self.keys.values().filter(live);
            keys.filter(|key| key.mode == mode).count() as u64
        };
        let mut all = self.accounts.values();
        let child = all.find(|(below, _)| below.parent.as_deref() == Some(id));
        let line = [id.to_owned()].into_iter().chain(self.above(id));
        let policy = line
            .filter_map(|id| self.accounts.get(&id)?.1.policy.clone())
            .chain([DEFAULT_POLICY.to_owned()])
            .find_map(|name| self.policy(&name));
        Some(AccountFact {
            account,
            settings,
            file: None,
            keys: KeyCounts {
                live: count(Livemode::Live),
                test: count(Livemode::Test),
            },
            child: child.map(|(child, _)| child.id.clone()),
            policy: policy.map(Arc::new),
        })
    }

    fn policy(&self, name: &str) -> Option<NamedPolicy> {
        let policy = self.policies.get(name)?.clone();
        let name = name.to_owned();
        Some(NamedPolicy { name, policy })
    }

    fn grant_set(&self, name: &str) -> Option<GrantSetFact> {
        let granted = self.grant_sets.get(name)?.clone();
        let mut users: Vec<&Key> = self.keys.values().collect();
        users.retain(|key| followed(key).any(|set| set == name));
        let policies = |of: fn(&Key) -> &Option<KeyGrants>| {
            let follows = |key: &&&Key| matches!(of(key), Some(KeyGrants::Set(set)) if set == name);
            let mut policies: BTreeMap<String, Arc<NamedPolicy>> = BTreeMap::new();
            for key in users.iter().filter(follows) {
                let policy = self.account(&key.owner, 0).and_then(|fact| fact.policy);
                policies.extend(policy.map(|policy| (policy.name.clone(), policy)));
            }
            policies.into_values().collect()
        };
        Some(GrantSetFact {
            name: name.to_owned(),
            granted,
            file: None,
            user: users.first().map(|key| key.id.clone()),
            policies: [
                policies(|key| &key.grants),
                policies(|key| &key.connect_grants),
            ],
        })
    }

    fn look_up(&self, needs: &Needs, facts: &mut Facts) {
        for digest in &needs.digests {
            let holder = self.keys.values().find(|key| key.digest == *digest);
            let ended = self.ended.iter().flatten().any(|ended| ended == digest);
            let holder = holder.map(|key| Holder::Key(key.id.clone()));
            let holder = holder.or(ended.then_some(Holder::Ended));
            facts.digests.extend(holder.map(|holder| (*digest, holder)));
        }
        for external in &needs.external_ids {
            let mut all = self.accounts.values();
            let found = all.find(|(_, settings)| settings.external_id.as_ref() == Some(external));
            let pair = found.map(|(account, _)| (external.clone(), account.id.clone()));
            facts.external_ids.extend(pair);
        }
        for name in &needs.policies {
            let all = self.accounts.values();
            let users = all.filter(|(_, settings)| settings.policy.as_ref() == Some(name));
            let users = users.count() as u64;
            facts
                .policies
                .extend(self.policy(name).map(|policy| (policy, users)));
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::new()
    }
}

fn followed(key: &Key) -> impl Iterator<Item = String> {
    let grants = [&key.grants, &key.connect_grants].into_iter().flatten();
    grants.filter_map(|grants| match grants {
        KeyGrants::Set(name) => Some(name.clone()),
        KeyGrants::Inline(_) => None,
    })
}
