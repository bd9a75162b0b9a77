//! What the rules of keys need to know about a key file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Key, KeyFile};
use keyward::management::{
    AccountFact, Api, Facts, GrantSetFact, Holder, KeyFact, KeyGrants, Links, Needs,
};

impl KeyFile {
    /// Returns the profile, and the permissions that may be granted.
    #[must_use]
    pub fn api(&self) -> Api {
        let asked = self
            .endpoints
            .iter()
            .flat_map(|(row, _)| row.named().map(String::as_str));
        Api::new(self.profile.clone(), self.permissions(), asked)
    }

    /// Returns what a command needs to know. A key file has no policies and counts no keys.
    #[must_use]
    pub fn facts(&self, needs: &Needs) -> Facts {
        let mut facts = Facts::new(Arc::new(self.api()));
        for key in self.needed_keys(needs) {
            facts.keys.push(KeyFact::of(key.clone()));
        }
        let mut accounts: Vec<&str> = needs.accounts.iter().map(String::as_str).collect();
        accounts.extend(facts.keys.iter().map(|fact| fact.key.owner.as_str()));
        facts.accounts = self.with_those_above(&accounts);
        let followed = facts.keys.iter().flat_map(|fact| {
            let grants = [&fact.key.grants, &fact.key.connect_grants];
            grants.into_iter().flatten().filter_map(followed_set)
        });
        let named = needs.grant_sets.iter().chain(&needs.changed_set);
        let names: BTreeSet<&str> = followed.chain(named.map(String::as_str)).collect();
        facts.grant_sets = names
            .into_iter()
            .filter_map(|name| {
                Some(GrantSetFact {
                    name: name.to_owned(),
                    granted: self.grant_set(name)?.clone(),
                    file: None,
                    user: self.follower_of(name).map(|key| key.id.clone()),
                    policies: Default::default(),
                })
            })
            .collect();
        for digest in &needs.digests {
            if let Some(key) = self.key_of_digest(digest) {
                facts.digests.push((*digest, Holder::Key(key.id.clone())));
            }
        }
        facts
    }

    /// Returns the needed keys in the order of the files, each once.
    fn needed_keys(&self, needs: &Needs) -> Vec<&Key> {
        let mut ids: BTreeSet<&str> = BTreeSet::new();
        let mut both: Vec<&str> = Vec::new();
        for need in &needs.keys {
            let Some(key) = self.key(&need.id) else {
                continue;
            };
            ids.insert(&key.id);
            match need.links {
                Links::None => {}
                Links::Forward => {
                    let mut last = key;
                    while let Some(next) = last.replaced_by.as_deref().and_then(|id| self.key(id))
                        && ids.insert(&next.id)
                    {
                        last = next;
                    }
                }
                Links::Both => both.push(&key.id),
            }
        }
        if let Some(owner) = &needs.keys_of {
            let owned = self.keys().filter(|key| key.owner == *owner);
            both.extend(owned.map(|key| key.id.as_str()));
        }
        ids.extend(self.linked(both));
        if ids.is_empty() {
            return Vec::new();
        }
        self.keys()
            .filter(|key| ids.contains(key.id.as_str()))
            .collect()
    }

    /// Returns these ids and every id that is linked to them, in either direction, whether its key
    /// exists or not.
    fn linked<'a>(&'a self, from: Vec<&'a str>) -> BTreeSet<&'a str> {
        let mut found: BTreeSet<&str> = from.into_iter().collect();
        if found.is_empty() {
            return found;
        }
        loop {
            let before = found.len();
            for key in self.keys() {
                let links = [&key.replaces, &key.replaced_by];
                let mut links = links.into_iter().flatten().map(String::as_str);
                if found.contains(key.id.as_str()) {
                    found.extend(links);
                } else if links.any(|id| found.contains(id)) {
                    found.insert(&key.id);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// Returns these accounts and all accounts above them, each once.
    fn with_those_above(&self, ids: &[&str]) -> Vec<AccountFact> {
        let mut seen = BTreeSet::new();
        let mut facts = Vec::new();
        for id in ids {
            let mut next = self.account(id);
            while let Some(account) = next.filter(|account| seen.insert(account.id.as_str())) {
                let mut below = self.accounts();
                let child = below.find(|below| below.parent.as_ref() == Some(&account.id));
                facts.push(AccountFact {
                    child: child.map(|child| child.id.clone()),
                    ..AccountFact::of(account.clone())
                });
                next = account.parent.as_deref().and_then(|id| self.account(id));
            }
        }
        facts
    }

    /// Returns the first key that follows a grant set.
    fn follower_of(&self, set: &str) -> Option<&Key> {
        self.keys().find(|key| {
            let mut grants = [&key.grants, &key.connect_grants].into_iter().flatten();
            grants.any(|grants| followed_set(grants) == Some(set))
        })
    }
}

fn followed_set(grants: &KeyGrants) -> Option<&str> {
    match grants {
        KeyGrants::Set(name) => Some(name),
        KeyGrants::Inline(_) => None,
    }
}
