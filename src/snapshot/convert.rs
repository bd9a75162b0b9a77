//! From the wire form to the domain: every check that a snapshot must pass, each with its place.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::wire;
use super::{Enforcement, FORMAT, KeyRecord, KeyStatus, Keys, Revision, Snapshot};
use crate::account::{Account, AccountForest, AccountStatus, Children, ForestFault, IdKind};
use crate::address::{AllowedIps, parse_range};
use crate::digest::KeyDigest;
use crate::endpoint::{
    Endpoint, EndpointCatalogue, Method, Origin, PERMISSIONS, RowFault, Rule, access_of,
    add_builtin_rows,
};
use crate::key::{KeyKind, Livemode};
use crate::permission::{AccessLevel, Grants, Permission, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::version;
use crate::wire::{Integer, Members, Object, Text};

/// Unix seconds at or above this are milliseconds by mistake.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

const PUBLISHABLE: &str = "a publishable key has no grants";

const ID: &str = "an id of 1 to 64 letters, digits, `_`, `.` or `-`";

impl Snapshot {
    /// Checks the wire form; `place` is where it stands.
    pub(crate) fn from_wire(
        wire: wire::Snapshot<'_>,
        profile: &Profile,
        place: &Place,
    ) -> Result<Self, Refusal> {
        let wire::Snapshot {
            format,
            revision,
            issued_at,
            api_versions,
            accounts,
            grant_sets,
            catalogue,
            endpoints,
            keys,
            empty,
        } = wire;
        if format.0 != FORMAT {
            return Err(place.then("format").expected("`keyward.snapshot/v1`"));
        }
        let revision = Revision::new(revision.0)
            .ok_or_else(|| place.then("revision").expected("an integer below 10^15"))?;
        let issued_at = time(issued_at, &place.then("issued_at"))?;
        let api_versions = versions(&api_versions, &place.then("api_versions"))?;
        let accounts = forest(&accounts, profile, &place.then("accounts"))?;
        let mut permissions = PermissionRegistry::new(PERMISSIONS);
        let endpoints = catalogue_of(&catalogue, endpoints, &mut permissions, place)?;
        let grant_sets = grant_sets_of(grant_sets, &permissions, &place.then("grant_sets"))?;
        let reader = KeyReader {
            accounts: &accounts,
            permissions: &permissions,
            grant_sets: &grant_sets,
        };
        let keys = reader.keys(keys, empty, place)?;
        Ok(Self {
            revision,
            issued_at,
            api_versions,
            accounts,
            permissions,
            endpoints,
            keys,
        })
    }
}

fn time(seconds: Integer, place: &Place) -> Result<u64, Refusal> {
    if seconds.0 < FIRST_MILLISECONDS {
        Ok(seconds.0)
    } else {
        Err(place.expected("Unix seconds, not milliseconds"))
    }
}

fn id(text: &Text<'_>, place: &Place) -> Result<Box<str>, Refusal> {
    if is_id(&text.0) {
        Ok(text.0.as_ref().into())
    } else {
        Err(place.expected(ID))
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn versions(listed: &[Text<'_>], place: &Place) -> Result<Box<[Box<str>]>, Refusal> {
    listed
        .iter()
        .enumerate()
        .map(|(index, text)| {
            if version::is_well_formed(&text.0) {
                Ok(text.0.as_ref().into())
            } else {
                Err(place
                    .at(index)
                    .expected("a version such as `2026-10-28.endive`"))
            }
        })
        .collect()
}

fn forest(
    listed: &[Object<wire::Account<'_>>],
    profile: &Profile,
    place: &Place,
) -> Result<AccountForest, Refusal> {
    let mut accounts = Vec::with_capacity(listed.len());
    for (index, wire) in listed.iter().enumerate() {
        let wire::Account {
            id,
            parent,
            children,
            status,
        } = &wire.0;
        let kind = profile.names().ids.kind(&id.0).ok_or_else(|| {
            let place = place.at(index).then("id");
            place.expected("an account's or organization's id with its prefix")
        })?;
        let children = match children {
            wire::Children::Listed => Children::Listed,
            wire::Children::Any => Children::Any,
        };
        let status = match status {
            wire::AccountStatus::Active => AccountStatus::Active,
            wire::AccountStatus::Suspended => AccountStatus::Suspended,
        };
        let account = Account::new(&id.0, kind, children, status);
        accounts.push((account, parent.as_ref().map(|parent| &*parent.0)));
    }
    AccountForest::new(accounts).map_err(|(index, fault)| {
        let place = place.at(index);
        match fault {
            ForestFault::DuplicateId => place.then("id").refused("duplicate id"),
            ForestFault::DanglingParent => {
                place.then("parent").expected("the id of a listed account")
            }
            ForestFault::Cycle => place
                .then("parent")
                .refused("an account is among its own ancestors"),
            ForestFault::OrganizationWithParent => place
                .then("parent")
                .refused("an organization has no parent"),
            ForestFault::TooMany => place.refused("too many accounts"),
        }
    })
}

fn catalogue_of(
    catalogue: &wire::Catalogue,
    listed: Vec<Object<wire::Endpoint<'_>>>,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<EndpointCatalogue, Refusal> {
    let mut endpoints = EndpointCatalogue::default();
    match catalogue {
        wire::Catalogue::None => {}
        wire::Catalogue::Stripe => {
            add_builtin_rows(&mut endpoints, permissions).map_err(|(index, _)| {
                Place::member("catalogue")
                    .at(index)
                    .refused("a broken built-in row")
            })?
        }
    }
    for (index, Object(wire)) in listed.into_iter().enumerate() {
        let place = place.then("endpoints").at(index);
        let method = Method::of_row(&wire.method.0).ok_or_else(|| {
            place
                .then("method")
                .expected("GET, POST, DELETE, PUT or PATCH")
        })?;
        let path = Cow::Owned(wire.path.0.as_ref().to_owned());
        let endpoint = endpoint(&wire, method, permissions, &place)?;
        endpoints
            .add(method, path, endpoint, Origin::Snapshot)
            .map_err(|fault| match fault {
                RowFault::Template => place
                    .then("path")
                    .expected("a path template such as `/v1/widgets/{id}`"),
                RowFault::Duplicate => place.then("path").refused("duplicate method and path"),
                RowFault::TooMany => place.refused("too many endpoints"),
            })?;
    }
    Ok(endpoints)
}

fn endpoint(
    wire: &wire::Endpoint<'_>,
    method: Method,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<Endpoint, Refusal> {
    let label = wire.label.as_ref().map(|label| &*label.0);
    if !label.is_none_or(is_label) {
        let place = place.then("label");
        return Err(place.expected("1 to 128 characters of printable ASCII"));
    }
    if let Some(wire::Auth::None) = wire.auth {
        let asks = wire.permission.is_some()
            || wire.any_of.is_some()
            || wire.access.is_some()
            || wire.publishable.is_some();
        return if asks {
            Err(place.refused("an endpoint without a key has no permission, access or publishable"))
        } else {
            Ok(Endpoint {
                rule: Rule::Public,
                label: label.unwrap_or_default().to_owned().into(),
            })
        };
    }
    let needed = needed(wire, permissions, place)?;
    let label = label
        .or_else(|| needed.first().and_then(|first| permissions.label(*first)))
        .map_or_else(
            || needed.first().map(|first| title(permissions.name(*first))),
            |label| Some(label.to_owned()),
        );
    Ok(Endpoint {
        rule: Rule::Key {
            permissions: needed,
            access: wire.access.map_or_else(|| access_of(method), level),
            publishable: wire.publishable.unwrap_or(false),
        },
        label: label.unwrap_or_default().into(),
    })
}

/// The permissions of an endpoint, from `permission` or `any_of`; new names are added.
fn needed(
    wire: &wire::Endpoint<'_>,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<Box<[Permission]>, Refusal> {
    let named: Vec<(&Text<'_>, Place)> = match (&wire.permission, &wire.any_of) {
        (Some(permission), None) => vec![(permission, place.then("permission"))],
        (None, Some(any)) if !any.is_empty() => any
            .iter()
            .enumerate()
            .map(|(index, name)| (name, place.then("any_of").at(index)))
            .collect(),
        _ => return Err(place.expected("either `permission` or a non-empty `any_of`")),
    };
    named
        .into_iter()
        .map(|(name, place)| {
            if !is_id(&name.0) {
                return Err(place.expected(ID));
            }
            permissions
                .find_or_add(&name.0)
                .ok_or_else(|| place.refused("too many permissions"))
        })
        .collect()
}

fn is_label(label: &str) -> bool {
    (1..=128).contains(&label.len()) && label.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// `tax_rate` → `Tax rate`
fn title(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

fn level(access: wire::Access) -> AccessLevel {
    match access {
        wire::Access::Read => AccessLevel::Read,
        wire::Access::Write => AccessLevel::Write,
    }
}

type GrantSets<'a> = HashMap<Cow<'a, str>, Arc<Grants>>;

fn grant_sets_of<'a>(
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
    Grants::new(granted).ok_or_else(|| place.then("*").refused(DUPLICATE_MEMBER))
}

/// What the keys of a snapshot refer to.
struct KeyReader<'a> {
    accounts: &'a AccountForest,
    permissions: &'a PermissionRegistry,
    grant_sets: &'a GrantSets<'a>,
}

impl KeyReader<'_> {
    fn keys(
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

    fn owner(
        &self,
        id: &Text<'_>,
        kind: KeyKind,
        place: &Place,
    ) -> Result<crate::account::AccountIndex, Refusal> {
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
