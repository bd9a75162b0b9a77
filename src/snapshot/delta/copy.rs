//! Writes a delta from a state that other deltas led to, for a publisher that has no document of
//! this state: it adds ends to what gateways serve, or joins several deltas into one.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Record, table};
use super::write::{Gone, lists_of, whole};
use super::{Delta, Touched, Unwritten};
use crate::account::{ACCOUNT_ROW, Account, AccountForest, AccountIndex};
use crate::digest::KeyDigest;
use crate::permission::{AccessLevel, Grants, PermissionRegistry};
use crate::rows::{Lists, Rows};
use crate::snapshot::interned::Interned;
use crate::snapshot::key::KeyStatus;
use crate::snapshot::packed::Packed;
use crate::snapshot::terms::{NONE, Terms, Times};
use crate::snapshot::view::{KeyView, Set};
use crate::snapshot::{FORMAT, Revision, Snapshot, wire};
use crate::wire::{Integer, Text};

/// How a key ends. Everything else about it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Whether it is deleted.
    pub deleted: bool,
    /// The first second at which it works, if that changes.
    pub not_before: Option<u64>,
    /// The first second at which it no longer works, if that changes.
    pub expires_at: Option<u64>,
}

/// The keys that end, and the accounts that are suspended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The keys, and how each ends.
    pub keys: BTreeMap<KeyDigest, End>,
    /// The ids of the accounts.
    pub accounts: BTreeSet<String>,
}

impl Ends {
    /// Returns how many keys and accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.accounts.len()
    }

    /// Returns whether nothing ends.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the names of what ends.
    #[must_use]
    pub fn touched(&self) -> Touched {
        Touched {
            keys: self.keys.keys().copied().collect(),
            accounts: self.accounts.clone(),
            ..Touched::default()
        }
    }
}

impl Delta {
    /// Writes the delta that adds these ends to a state, as revision `to`. Each record stays as it
    /// is apart from its end.
    pub fn of_ends(before: &Snapshot, ends: &Ends, to: Revision) -> Result<Vec<u8>, Unwritten> {
        let (from, touched) = (before.revision(), ends.touched());
        written(before, &touched, ends, (from, to), None)
    }

    /// Writes a delta with the record in a state of everything that was touched since `from`.
    /// `contract` is the last delta since then that has endpoints, catalogue and versions, if one
    /// has: a state does not contain them as they were written.
    pub fn of_state(
        after: &Snapshot,
        touched: &Touched,
        from: Revision,
        contract: Option<&Self>,
    ) -> Result<Vec<u8>, Unwritten> {
        let ends = Ends::default();
        written(after, touched, &ends, (from, after.revision()), contract)
    }

    /// Returns whether the delta has endpoints, catalogue and versions.
    #[must_use]
    pub fn has_contract(&self) -> bool {
        self.records.has_contract()
    }
}

fn written(
    state: &Snapshot,
    touched: &Touched,
    ends: &Ends,
    (from, to): (Revision, Revision),
    contract: Option<&Delta>,
) -> Result<Vec<u8>, Unwritten> {
    if from >= to {
        return Err(Unwritten::Refused(None));
    }
    let contract = match contract {
        Some(delta) => Some(delta.records.head()?),
        None => None,
    };
    let sets: BTreeMap<&str, &Grants> = state.grants.named().collect();
    let mut gone = Gone::default();
    let mut keys = Vec::new();
    for digest in &touched.keys {
        match state.view(digest).filter(|key| is_whole(state, &sets, key)) {
            Some(key) => keys.push((*digest, key)),
            None => gone.keys.push(*digest),
        }
    }
    let accounts = state.accounts();
    for id in &touched.accounts {
        if accounts.find(id).is_none() {
            gone.accounts.push(id);
        }
    }
    for name in &touched.grant_sets {
        if !sets.contains_key(&**name) {
            gone.sets.push(name);
        }
    }
    let parts = Parts {
        state,
        keys,
        sets,
        contract,
    };
    let records = parts.packed(touched, ends, to);
    let records = records.ok_or(Unwritten::TooLarge)?;
    whole((from, to), &records, &gone).ok_or(Unwritten::TooLarge)
}

/// Whether a key has everything that it refers to. Gateways do not know another one.
fn is_whole(state: &Snapshot, sets: &BTreeMap<&str, &Grants>, key: &KeyView<'_>) -> bool {
    let has = |set: &Set<'_>| match set {
        Set::None | Set::Own(_) => true,
        Set::Named(name) => sets.contains_key(name),
    };
    state.accounts().account(key.owner).is_some() && has(&key.grants) && has(&key.connect_grants)
}

/// What is copied.
struct Parts<'a> {
    state: &'a Snapshot,
    keys: Vec<(KeyDigest, KeyView<'a>)>,
    /// All named sets of the state.
    sets: BTreeMap<&'a str, &'a Grants>,
    contract: Option<wire::Head<Text<'a>>>,
}

impl<'a> Parts<'a> {
    fn packed(self, touched: &Touched, ends: &Ends, to: Revision) -> Option<Packed> {
        let accounts = self.accounts(touched)?;
        let ranks: BTreeMap<&str, u32> =
            (0..).zip(&accounts).map(|(n, (id, _))| (*id, n)).collect();
        let rank = |account: AccountIndex| {
            let account = self.state.accounts().account(account)?;
            ranks.get(account.id()).copied()
        };
        let sets = self.granted(touched)?;
        let mut ips: Interned<&[u8]> = Interned::default();
        let mut records = Vec::with_capacity(self.keys.len());
        for (digest, key) in &self.keys {
            let end = ends.keys.get(digest).copied().unwrap_or_default();
            let times = Times {
                not_before: end.not_before.or(key.times.not_before),
                expires_at: end.expires_at.or(key.times.expires_at),
            };
            records.push(Record {
                digest: *digest,
                id: key.id,
                owner: AccountIndex(rank(key.owner)?),
                terms: Terms {
                    kind: key.kind,
                    livemode: key.livemode,
                    status: match end.deleted {
                        true => KeyStatus::Deleted,
                        false => key.status,
                    },
                    enforcement: key.enforcement,
                    grants: sets.number(&key.grants)?,
                    connect_grants: sets.number(&key.connect_grants)?,
                    allowed_ips: match key.ips {
                        None => NONE,
                        Some(list) => ips.number(list)?,
                    },
                },
                times: (!times.is_always()).then_some(times),
                user: key.user,
            });
        }
        let mut rows = Vec::with_capacity(accounts.len() * ACCOUNT_ROW);
        for account in accounts.values() {
            let parent = match account.parent() {
                None => None,
                Some(parent) => Some(rank(parent)?),
            };
            let is_ended = ends.accounts.contains(account.id());
            let account = if is_ended {
                account.suspended()
            } else {
                *account
            };
            rows.extend(account.row(parent));
        }
        let ids = Lists::collect(accounts.keys().map(|id| id.as_bytes()))?;
        let forest = AccountForest::from_rows(ids, Rows::from_bytes(ACCOUNT_ROW, &rows));
        let (table, key_ids) = table(&records, Lists::collect(ips.values)?, accounts.len())?;
        let (permissions, grants) = sets.lists(self.state.permissions())?;
        let (api_versions, catalogue, endpoints) = match self.contract {
            Some(head) => (head.api_versions, head.catalogue, head.endpoints),
            None => (None, None, None),
        };
        let head = wire::Head {
            format: Text(FORMAT.into()),
            revision: Integer(to.number()),
            issued_at: Integer(self.state.issued_at()),
            api_versions,
            catalogue,
            endpoints,
            empty: records.is_empty(),
            permissions: permissions
                .into_iter()
                .map(|name| Text(name.into()))
                .collect(),
            grant_sets: sets
                .named
                .iter()
                .map(|(name, _)| Text((*name).into()))
                .collect(),
            key_ids,
        };
        let head = serde_json::to_vec(&head).ok()?;
        Some(Packed::of_parts(head, forest, grants, table))
    }

    /// The touched accounts, the owners of the keys, and all accounts above them, in the order of
    /// their ids.
    fn accounts(&self, touched: &Touched) -> Option<BTreeMap<&'a str, Account<'a>>> {
        let all = self.state.accounts();
        let named = touched.accounts.iter().filter_map(|id| all.find(id));
        let owners = self.keys.iter().map(|(_, key)| key.owner);
        let mut kept = BTreeMap::new();
        for account in named.chain(owners) {
            let mut next = Some(account);
            while let Some(number) = next {
                let account = all.account(number)?;
                let is_new = kept.insert(account.id(), account).is_none();
                next = account.parent().filter(|_| is_new);
            }
        }
        Some(kept)
    }

    /// The touched sets that exist, and those of the keys. The ones with names come first.
    fn granted(&self, touched: &Touched) -> Option<Granted<'a>> {
        let known = |name: &str| self.sets.get_key_value(name).map(|(name, _)| *name);
        let mut names: BTreeSet<&str> = touched
            .grant_sets
            .iter()
            .filter_map(|name| known(name))
            .collect();
        let mut own: Interned<&Grants> = Interned::default();
        for (_, key) in &self.keys {
            for set in [&key.grants, &key.connect_grants] {
                match set {
                    Set::None => {}
                    Set::Named(name) => {
                        names.insert(name);
                    }
                    Set::Own(grants) => {
                        own.number(grants)?;
                    }
                }
            }
        }
        Some(Granted {
            named: names
                .into_iter()
                .filter_map(|name| Some((name, *self.sets.get(name)?)))
                .collect(),
            own,
        })
    }
}

/// The sets of grants of a delta.
struct Granted<'a> {
    /// The ones with names, sorted.
    named: Vec<(&'a str, &'a Grants)>,
    own: Interned<&'a Grants>,
}

impl<'a> Granted<'a> {
    fn number(&self, set: &Set<'a>) -> Option<u32> {
        match set {
            Set::None => Some(NONE),
            Set::Named(name) => {
                let place = self.named.binary_search_by_key(name, |(known, _)| known);
                u32::try_from(place.ok()?).ok()
            }
            Set::Own(grants) => {
                let named = u32::try_from(self.named.len()).ok()?;
                self.own.known(grants)?.checked_add(named)
            }
        }
    }

    /// Returns the names of all permissions that are granted, and the sets with their numbers.
    fn lists(&self, registry: &'a PermissionRegistry) -> Option<(Vec<&'a str>, Lists)> {
        let named = self.named.iter().map(|(_, grants)| *grants);
        let sets = named.chain(self.own.values.iter().copied());
        let sets: Vec<Vec<(&str, AccessLevel)>> = sets.map(|set| set.written(registry)).collect();
        let used: BTreeSet<&str> = sets.iter().flatten().map(|(name, _)| *name).collect();
        let used: Vec<&str> = used.into_iter().collect();
        let written = lists_of(&sets, &used)?;
        Some((used, written))
    }
}
