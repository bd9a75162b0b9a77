//! Converts the wire form to the domain types. Every check that a snapshot must pass is here, each
//! with its place.

mod accounts;
mod endpoints;
mod grants;
mod keys;
mod names;

use std::sync::Arc;

use super::document::Catalogue;
use super::grant_table::GrantTable;
use super::table::KeyTable;
use super::terms::{NONE, Terms};
use super::{FORMAT, Revision, Snapshot, wire};
use crate::account::{Account, AccountForest, IdKind};
use crate::endpoint::EndpointCatalogue;
use crate::invariant::Held;
use crate::key::KeyKind;
use crate::mask::KnownPrefixes;
use crate::permission::{Grants, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal, Sink};
use crate::version;
use crate::wire::{Integer, Text};
use accounts::forest;
pub(super) use accounts::{ACCOUNT_ID, refusal_of};
use endpoints::catalogue_of;
pub(super) use grants::GrantSets;
use keys::KeyReader;
pub(super) use keys::no_keys;
pub(super) use names::A_NAME;

/// From this number on, a time in Unix seconds must be one in milliseconds by mistake.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// A snapshot without its accounts and keys.
pub(super) struct Heading {
    pub(super) revision: Revision,
    pub(super) issued_at: u64,
    pub(super) api_versions: Box<[Box<str>]>,
    pub(super) permissions: PermissionRegistry,
    pub(super) endpoints: EndpointCatalogue,
}

impl Heading {
    pub(super) fn new<S: Sink>(
        (format, revision, issued_at): (&Text<'_>, Integer, Integer),
        api_versions: &[Text<'_>],
        catalogue: Catalogue,
        endpoints: &[wire::Endpoint<'_>],
        prefixes: &KnownPrefixes,
        (place, sink): (&Place, &mut S),
    ) -> Result<Self, Refusal> {
        let left_out = names::of_endpoints(endpoints, prefixes, place, sink)?;
        if format.0 != FORMAT {
            sink.fault(place.then("format").expected("`keyward.snapshot/v1`"))?;
        }
        let revision = Revision::new(revision.0)
            .ok_or_else(|| place.then("revision").expected("an integer below 10^15"));
        let revision = sink.take(revision)?;
        let issued_at = sink.take(time(issued_at.0, &place.then("issued_at")))?;
        let api_versions = sink.take(versions(api_versions, &place.then("api_versions")))?;
        let (permissions, endpoints) = catalogue_of(catalogue, endpoints, &left_out, place, sink)?;
        Ok(Self {
            revision: revision.unwrap_or(Revision(0)),
            issued_at: issued_at.unwrap_or_default(),
            api_versions: api_versions.unwrap_or_default(),
            permissions,
            endpoints,
        })
    }
}

/// The parts of a snapshot, before grants are prepared for use.
pub(super) struct Parts<'a> {
    pub(super) heading: Heading,
    pub(super) accounts: AccountForest,
    pub(super) grant_sets: GrantSets<'a>,
    pub(super) keys: KeyTable,
}

impl<'a> Parts<'a> {
    /// Checks the wire form. `place` is its place in the input.
    pub(super) fn from_wire<S: Sink>(
        wire: wire::Snapshot<'a>,
        profile: &Profile,
        place: &Place,
        sink: &mut S,
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
        let keys = keys.unwrap_or_default();
        let left_out = names::of_keys(&keys, profile.known_prefixes(), place, sink)?;
        let heading = Heading::new(
            (&format, revision, issued_at),
            &api_versions.unwrap_or_default(),
            catalogue.unwrap_or_default(),
            &endpoints.unwrap_or_default(),
            profile.known_prefixes(),
            (place, sink),
        )?;
        let accounts = forest(
            &accounts.unwrap_or_default(),
            profile,
            &place.then("accounts"),
            sink,
        )?;
        let permissions = &heading.permissions;
        let mut grant_sets = GrantSets::named(
            grant_sets.unwrap_or_default(),
            permissions,
            &place.then("grant_sets"),
            sink,
        )?;
        let prefixes = profile.known_prefixes();
        let reader = KeyReader::new(&accounts, permissions, prefixes, &mut grant_sets);
        let keys = reader.keys(keys, empty.unwrap_or(false), left_out, (place, sink))?;
        Ok(Self {
            heading,
            accounts,
            grant_sets,
            keys,
        })
    }
}

impl Snapshot {
    /// Checks the wire form. `place` is its place in the input.
    pub(crate) fn from_wire<S: Sink>(
        wire: wire::Snapshot<'_>,
        profile: &Profile,
        place: &Place,
        sink: &mut S,
    ) -> Result<Self, Refusal> {
        let parts = Parts::from_wire(wire, profile, place, sink)?;
        let permissions = &parts.heading.permissions;
        let grants = parts
            .grant_sets
            .sets
            .into_iter()
            .map(|granted| {
                Grants::new(granted, permissions)
                    .held("a set that has a permission twice is refused")
            })
            .collect();
        let names = parts.grant_sets.names.iter();
        let grants = GrantTable::new(grants, names.map(|name| name.0.as_ref().into()).collect());
        let keys = Arc::new(parts.keys);
        Ok(Self::new(parts.heading, parts.accounts, grants, keys))
    }
}

/// Checks that a restricted key has grants and a publishable one has none.
pub(super) fn check_terms(terms: &Terms, place: &Place) -> Result<(), Refusal> {
    const PUBLISHABLE: &str = "a publishable key has no grants";
    match terms.kind {
        KeyKind::Restricted if terms.grants == NONE => Err(place
            .then("grants")
            .refused("a restricted key needs grants")),
        KeyKind::Publishable if terms.grants != NONE => {
            Err(place.then("grants").refused(PUBLISHABLE))
        }
        KeyKind::Publishable if terms.connect_grants != NONE => {
            Err(place.then("connect_grants").refused(PUBLISHABLE))
        }
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable | KeyKind::Organization => {
            Ok(())
        }
    }
}

/// Checks that an organization key belongs to an organization, and any other key to an account.
pub(super) fn check_owner(
    owner: Option<Account<'_>>,
    kind: KeyKind,
    place: &Place,
) -> Result<(), Refusal> {
    let owner = owner.ok_or_else(|| place.expected("the id of a listed account"))?;
    match kind {
        KeyKind::Organization if owner.kind() == IdKind::Organization && owner.is_root() => Ok(()),
        KeyKind::Organization => Err(place.expected("an organization")),
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Publishable => {
            if owner.kind() == IdKind::Account {
                Ok(())
            } else {
                Err(place.expected("an account, not an organization"))
            }
        }
    }
}

pub(super) fn time(seconds: u64, place: &Place) -> Result<u64, Refusal> {
    if seconds < FIRST_MILLISECONDS {
        Ok(seconds)
    } else {
        Err(place.expected("Unix seconds, not milliseconds"))
    }
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
