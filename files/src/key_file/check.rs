//! What must hold between the records of all files: ids, digests and names are unique, and every
//! reference leads somewhere. Then the snapshot is built and read as a gateway reads it, so the
//! file is rejected even if a check is missing here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::fault::Fault;
use super::fields::shown;
use super::{At, Granted, Issue, KeyFile, KeyGrants};
use crate::configuration::written::SNAPSHOT;
use keyward::configuration::{Configuration, faults as faults_of};
use keyward::invariant::Held;
use keyward::permission::PermissionRegistry;
use keyward::refusal::{Place, Refusal, Segment};
use keyward::snapshot::document::Endpoint;

/// Returns the known permissions: the built-in ones and those that endpoints name.
pub(super) fn permissions(is_stripe: bool, endpoints: &[(Endpoint, At)]) -> PermissionRegistry {
    let mut permissions = if is_stripe {
        PermissionRegistry::stripe()
    } else {
        PermissionRegistry::without_implications()
    };
    for (endpoint, _) in endpoints {
        for name in endpoint.named() {
            permissions.find_or_add(name);
        }
    }
    permissions
}

impl KeyFile {
    /// Returns every fault between the records.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.single_twice(&mut faults);
        self.accounts_faults(&mut faults);
        let permissions = self.permissions();
        let mut names = HashSet::new();
        for (name, granted, at) in &self.grant_sets {
            let place = Place::member("grant_sets").then(shown(name));
            if !names.insert(name) {
                self.push(
                    &mut faults,
                    *at,
                    place.refused("duplicate name of a grant set"),
                );
            }
            self.granted_faults(granted, &permissions, *at, || place.clone(), &mut faults);
        }
        self.keys_faults(&permissions, &mut faults);
        faults
    }

    /// Returns what a gateway would reject.
    pub(super) fn refused_by_gateways(&self) -> Vec<Fault> {
        let trial = Issue {
            revision: 0,
            issued_at: 0,
            may_be_empty: true,
        };
        let json = self.compile(&trial).to_vec();
        // Finding all faults takes longer than checking whether any exist.
        if Configuration::from_json(&json).is_ok() {
            return Vec::new();
        }
        let refusals = faults_of(&json);
        refusals
            .into_iter()
            .map(|refusal| self.traced(refusal))
            .collect()
    }

    fn push(&self, faults: &mut Vec<Fault>, at: At, refusal: Refusal) {
        faults.push(Fault {
            file: self
                .name_of(at)
                .held("a record stands in a part")
                .to_owned(),
            line: at.line,
            refusal,
        });
    }

    fn single_twice(&self, faults: &mut Vec<Fault>) {
        let mut seen = HashSet::new();
        for (single, at) in &self.single {
            let name = single.name();
            if !seen.insert(name) {
                let refusal = Place::member(name).refused("another file has this already");
                self.push(faults, *at, refusal);
            }
        }
    }

    fn accounts_faults(&self, faults: &mut Vec<Fault>) {
        let mut ids = HashSet::new();
        for (account, at) in &self.accounts {
            let place = Place::member("accounts").at(at.index);
            if !ids.insert(account.id.as_str()) {
                let place = place.then("id");
                self.push(faults, *at, place.refused("duplicate id"));
            }
        }
        for (account, at) in &self.accounts {
            if let Some(parent) = &account.parent
                && !ids.contains(parent.as_str())
            {
                let place = Place::member("accounts").at(at.index).then("parent");
                let refusal = place.expected("the id of a listed account");
                self.push(faults, *at, refusal);
            }
        }
    }

    fn keys_faults(&self, permissions: &PermissionRegistry, faults: &mut Vec<Fault>) {
        let accounts: HashSet<&str> = self.accounts().map(|account| &*account.id).collect();
        let mut ids = HashSet::new();
        let mut digests = HashMap::new();
        for (key, at) in &self.keys {
            let place = Place::member("keys").at(at.index);
            if !ids.insert(key.id.as_str()) {
                self.push(faults, *at, place.then("id").refused("duplicate id"));
            }
            if digests.insert(key.digest, ()).is_some() {
                let refusal = place.then("sha256").refused("duplicate digest");
                self.push(faults, *at, refusal);
            }
            if !accounts.contains(key.owner.as_str()) {
                let place = place.then("owner");
                let refusal = place.expected("the id of a listed account");
                self.push(faults, *at, refusal);
            }
            for (name, grants) in [
                ("grants", &key.grants),
                ("connect_grants", &key.connect_grants),
            ] {
                match grants {
                    Some(KeyGrants::Set(set)) if self.grant_set(set).is_none() => {
                        let refusal = place.then(name).expected("the name of a grant set");
                        self.push(faults, *at, refusal);
                    }
                    Some(KeyGrants::Inline(granted)) => {
                        let place = || place.then(name);
                        self.granted_faults(granted, permissions, *at, place, faults);
                    }
                    Some(KeyGrants::Set(_)) | None => {}
                }
            }
        }
    }

    fn granted_faults(
        &self,
        granted: &Granted,
        permissions: &PermissionRegistry,
        at: At,
        place: impl Fn() -> Place,
        faults: &mut Vec<Fault>,
    ) {
        let mut seen = HashSet::new();
        for name in granted.keys() {
            let place = || place().then(shown(name));
            match permissions.find(name) {
                None => self.push(
                    faults,
                    at,
                    place().expected("the name of a known permission"),
                ),
                Some(permission) if !seen.insert(permission) => {
                    let why = "another name of a permission that is granted already";
                    self.push(faults, at, place().refused(why));
                }
                Some(_) => {}
            }
        }
    }

    /// Translates a refusal of the snapshot to its place in the files.
    fn traced(&self, refusal: Refusal) -> Fault {
        let (at, place) = self.source_of(&refusal.place);
        let file = match at {
            Some(at) => self.name_of(at),
            None => self.parts.first().map(|part| part.name.as_str()),
        };
        Fault {
            file: file.unwrap_or_default().to_owned(),
            line: at.and_then(|at| at.line),
            refusal: Refusal { place, ..refusal },
        }
    }

    /// Returns where `keys[17].livemode` of the snapshot comes from: key 17 may be the third of its
    /// file.
    fn source_of(&self, place: &Place) -> (Option<At>, Place) {
        let of_snapshot = place.within(SNAPSHOT);
        if of_snapshot == *place {
            let at = self.source_of_single("configuration");
            return (at, place.below(&Place::member("configuration")));
        }
        let mut segments = of_snapshot.segments().to_vec();
        let at = match segments.as_mut_slice() {
            [Segment::Member(list), Segment::Index(index), rest @ ..] => {
                let at = match &**list {
                    "accounts" => self.accounts.get(*index).map(|(_, at)| *at),
                    "endpoints" => self.endpoints.get(*index).map(|(_, at)| *at),
                    "keys" => self.keys.get(*index).map(|(_, at)| *at),
                    single => self.source_of_single(single),
                };
                *index = at.map_or(*index, |at| at.index);
                if let [Segment::Member(member)] = rest {
                    match &**member {
                        "livemode" => *member = Cow::Borrowed("mode"),
                        "expires_at" => *member = Cow::Borrowed("expires"),
                        _ => {}
                    }
                }
                at
            }
            [Segment::Member(single), ..] => self.source_of_single(single),
            _ => None,
        };
        (at, Place::from(&*segments))
    }

    /// Returns the file with a member that only one file may have.
    fn source_of_single(&self, name: &str) -> Option<At> {
        let mut single = self.single.iter();
        let found = single.find(|(of, _)| of.name() == name);
        found.map(|(_, at)| *at)
    }
}
