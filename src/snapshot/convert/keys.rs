//! Keys, and the grants they hold.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{ID, id, is_id, level, time, wire};
use crate::account::{AccountForest, AccountIndex, IdKind};
use crate::address::{AllowedIps, parse_range};
use crate::digest::KeyDigest;
use crate::key::{KeyKind, Livemode};
use crate::permission::{Grants, PermissionRegistry};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::snapshot::{Enforcement, KeyRecord, KeyStatus, Keys};
use crate::wire::{Integer, Members, Object, Text};

const PUBLISHABLE: &str = "a publishable key has no grants";

type GrantSets<'a> = HashMap<Cow<'a, str>, Arc<Grants>>;

pub(super) fn grant_sets_of<'a>(
    wire: Members<'a, Members<'a, wire::Access>>,
    permissions: &PermissionRegistry,
    place: &Place,
) -> Result<GrantSets<'a>, Refusal> {
    let mut sets = GrantSets::new();
    for (name, members) in wire.0 {
        // The set's name is the operator's, so its place shows it only once it is known to be an id.
        if !is_id(&name) {
            return Err(place.then("*").expected(ID));
        }
        let place = place.then("*");
        let grants = Arc::new(grants(&members, permissions, &place)?);
        if sets.insert(name, grants).is_some() {
            return Err(place.refused(DUPLICATE_MEMBER));
        }
    }
    Ok(sets)
}

fn grants(
    wire: &Members<'_, wire::Access>,
    permissions: &PermissionRegistry,
    place: &Place,
) -> Result<Grants, Refusal> {
    let granted = wire
        .0
        .iter()
        .map(|(name, access)| {
            permissions
                .find(name)
                .map(|permission| (permission, level(*access)))
                .ok_or_else(|| place.then("*").expected("the name of a known permission"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Grants::new(granted, permissions).ok_or_else(|| place.then("*").refused(DUPLICATE_MEMBER))
}

/// What the keys of a snapshot refer to.
pub(super) struct KeyReader<'a> {
    pub(super) accounts: &'a AccountForest,
    pub(super) permissions: &'a PermissionRegistry,
    pub(super) grant_sets: &'a GrantSets<'a>,
}

impl KeyReader<'_> {
    pub(super) fn keys(
        &self,
        listed: Vec<Object<wire::Key<'_>>>,
        empty: bool,
        place: &Place,
    ) -> Result<Keys, Refusal> {
        if listed.is_empty() != empty {
            return Err(place
                .then("keys")
                .expected("keys, or none together with `\"empty\": true`"));
        }
        let place = place.then("keys");
        let mut keys = Keys::with_capacity_and_hasher(listed.len(), Default::default());
        let mut ids = HashSet::with_capacity(listed.len());
        for (index, Object(wire)) in listed.into_iter().enumerate() {
            let place = place.at(index);
            let digest = KeyDigest::from_hex(&wire.sha256.0)
                .ok_or_else(|| place.then("sha256").expected("64 hexadecimal digits"))?;
            if !ids.insert(wire.id.0.clone()) {
                return Err(place.then("id").refused("duplicate id"));
            }
            let record = self.key(wire, &place)?;
            if keys.insert(digest, record).is_some() {
                return Err(place.then("sha256").refused("duplicate digest"));
            }
        }
        Ok(keys)
    }

    fn key(&self, wire: wire::Key<'_>, place: &Place) -> Result<KeyRecord, Refusal> {
        let wire::Key {
            id: name,
            sha256: _,
            kind,
            livemode,
            owner,
            status,
            not_before,
            expires_at,
            allowed_ips,
            enforcement,
            grants,
            connect_grants,
            _annotations: _,
        } = wire;
        let kind = key_kind(kind);
        let instant = |given: Option<Integer>, name: &str| {
            given
                .map(|seconds| time(seconds, &place.then(name)))
                .transpose()
        };
        let grants = self.grants(grants, &place.then("grants"))?;
        let connect_grants = self.grants(connect_grants, &place.then("connect_grants"))?;
        match kind {
            KeyKind::Restricted if grants.is_none() => {
                return Err(place
                    .then("grants")
                    .refused("a restricted key needs grants"));
            }
            KeyKind::Publishable if grants.is_some() => {
                return Err(place.then("grants").refused(PUBLISHABLE));
            }
            KeyKind::Publishable if connect_grants.is_some() => {
                return Err(place.then("connect_grants").refused(PUBLISHABLE));
            }
            KeyKind::Secret
            | KeyKind::Restricted
            | KeyKind::Publishable
            | KeyKind::Organization => {}
        }
        Ok(KeyRecord {
            id: id(&name, &place.then("id"))?,
            kind,
            livemode: Livemode::from(livemode),
            owner: self.owner(&owner, kind, &place.then("owner"))?,
            status: match status {
                wire::KeyStatus::Active => KeyStatus::Active,
                wire::KeyStatus::Deleted => KeyStatus::Deleted,
            },
            not_before: instant(not_before, "not_before")?,
            expires_at: instant(expires_at, "expires_at")?,
            allowed_ips: allowed(&allowed_ips, &place.then("allowed_ips"))?,
            enforcement: enforcement.into(),
            grants,
            connect_grants,
        })
    }

    fn owner(&self, id: &Text<'_>, kind: KeyKind, place: &Place) -> Result<AccountIndex, Refusal> {
        let found = self
            .accounts
            .find(&id.0)
            .and_then(|index| self.accounts.account(index).map(|account| (index, account)));
        let (index, account) = found.ok_or_else(|| place.expected("the id of a listed account"))?;
        let fits = match kind {
            KeyKind::Organization => account.kind() == IdKind::Organization && account.is_root(),
            KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable => {
                account.kind() == IdKind::Account
            }
        };
        match kind {
            _ if fits => Ok(index),
            KeyKind::Organization => Err(place.expected("an organization")),
            KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable => {
                Err(place.expected("an account, not an organization"))
            }
        }
    }

    fn grants(
        &self,
        wire: Option<wire::Grants<'_>>,
        place: &Place,
    ) -> Result<Option<Arc<Grants>>, Refusal> {
        match wire {
            None => Ok(None),
            Some(wire::Grants::Inline(members)) => {
                grants(&members, self.permissions, place).map(|grants| Some(Arc::new(grants)))
            }
            Some(wire::Grants::Set(name)) => self
                .grant_sets
                .get(&name)
                .map(|set| Some(Arc::clone(set)))
                .ok_or_else(|| place.expected("the name of a grant set")),
        }
    }
}

fn key_kind(kind: wire::Kind) -> KeyKind {
    match kind {
        wire::Kind::Secret => KeyKind::Secret,
        wire::Kind::Restricted => KeyKind::Restricted,
        wire::Kind::Publishable => KeyKind::Publishable,
        wire::Kind::Organization => KeyKind::Organization,
    }
}

impl From<wire::Enforcement> for Enforcement {
    fn from(wire: wire::Enforcement) -> Self {
        match wire {
            wire::Enforcement::Enforce => Self::Enforce,
            wire::Enforcement::Shadow => Self::Shadow,
        }
    }
}

fn allowed(listed: &[Text<'_>], place: &Place) -> Result<Option<AllowedIps>, Refusal> {
    let ranges = listed
        .iter()
        .enumerate()
        .map(|(index, text)| {
            parse_range(&text.0).ok_or_else(|| place.at(index).expected("an address or CIDR range"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((!ranges.is_empty()).then(|| AllowedIps::new(ranges)))
}
