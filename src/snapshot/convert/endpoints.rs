//! Reads the catalogue: built-in rows, and the rows of the snapshot.

use super::accounts::LeftOut;
use super::wire;
use crate::endpoint::{
    AddedExpansions, EndpointCatalogue, Method, OwnEndpoint, OwnRule, RowFault, access_of,
};
use crate::id::{self, is_id};
use crate::permission::{Permission, PermissionRegistry};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal, Sink};
use crate::snapshot::document::{Auth, Catalogue};
use crate::wire::{Members, Text};

/// Returns the catalogue of all endpoints, after adding the permissions of the snapshot's endpoints
/// to the existing ones.
pub(super) fn catalogue_of<S: Sink>(
    catalogue: Catalogue,
    listed: &[wire::Endpoint<'_>],
    left_out: &LeftOut,
    place: &Place,
    sink: &mut S,
) -> Result<(PermissionRegistry, EndpointCatalogue), Refusal> {
    let (mut permissions, mut endpoints) = match catalogue {
        Catalogue::Stripe => (PermissionRegistry::stripe(), EndpointCatalogue::stripe()),
        Catalogue::None => (
            PermissionRegistry::without_implications(),
            EndpointCatalogue::empty(),
        ),
    };
    for (index, wire) in listed.iter().enumerate() {
        let place = place.then("endpoints").at(index);
        let added = if left_out.contains(index) {
            None
        } else {
            sink.take(add(wire, &mut permissions, &mut endpoints, &place))?
        };
        if added.is_none() {
            // The faulty row's names still count as known: keys that are granted them are not at
            // fault.
            for name in wire.named().filter(|name| is_id(&name.0)) {
                permissions.find_or_add(&name.0);
            }
        }
    }
    Ok((permissions, endpoints))
}

fn add(
    wire: &wire::Endpoint<'_>,
    permissions: &mut PermissionRegistry,
    endpoints: &mut EndpointCatalogue,
    place: &Place,
) -> Result<(), Refusal> {
    let method = Method::of_row(&wire.method.0).ok_or_else(|| {
        place
            .then("method")
            .expected("GET, POST, DELETE, PUT or PATCH")
    })?;
    let mut endpoint = endpoint(wire, method, permissions, place)?;
    if let Some(added) = &wire.expansions {
        let place = place.then("expansions");
        endpoint.expansions = expansions(added, permissions, &place)?;
    }
    endpoints
        .add(method, &wire.path.0, endpoint)
        .map_err(|fault| match fault {
            RowFault::Template => place
                .then("path")
                .expected("a path template such as `/v1/widgets/{id}`"),
            RowFault::Duplicate => place.then("path").refused("duplicate method and path"),
            RowFault::TooMany => place.refused("too many endpoints"),
        })
}

fn endpoint(
    wire: &wire::Endpoint<'_>,
    method: Method,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<OwnEndpoint, Refusal> {
    let label = wire.label.as_ref().map(|label| &*label.0);
    if !label.is_none_or(is_label) {
        let place = place.then("label");
        return Err(place.expected("1 to 128 characters of printable ASCII"));
    }
    if let Some(Auth::None) = wire.auth {
        let asks = wire.permission.is_some()
            || wire.any_of.is_some()
            || wire.access.is_some()
            || wire.publishable.is_some()
            || wire.expansions.is_some();
        return if asks {
            Err(place.refused(
                "an endpoint without a key has no permission, access, publishable or expansions",
            ))
        } else {
            Ok(OwnEndpoint {
                rule: OwnRule::Public,
                label: label.unwrap_or_default().into(),
                expansions: Box::default(),
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
    Ok(OwnEndpoint {
        rule: OwnRule::Key {
            permissions: needed,
            access: wire.access.unwrap_or_else(|| access_of(method)),
            publishable: wire.publishable.unwrap_or(false),
        },
        label: label.unwrap_or_default().into(),
        expansions: Box::default(),
    })
}

/// Reads what a query may expand in addition to what the catalogue knows about replies.
fn expansions(
    wire: &Members<Text<'_>, Text<'_>>,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<AddedExpansions, Refusal> {
    let place = place.then("*");
    let mut added: Vec<(Box<str>, Permission)> = Vec::new();
    for (path, name) in &wire.0 {
        if !is_expansion(&path.0) {
            return Err(place.expected("names such as `data.customer`, or `*`, joined by dots"));
        }
        if added.iter().any(|(known, _)| **known == *path.0) {
            return Err(place.refused(DUPLICATE_MEMBER));
        }
        added.push(((&*path.0).into(), permission(name, permissions, &place)?));
    }
    Ok(added.into())
}

fn is_expansion(path: &str) -> bool {
    let is_step = |step: &str| {
        let is_of_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        step == "*" || (!step.is_empty() && step.bytes().all(is_of_name))
    };
    path.split('.').all(is_step)
}

/// Returns the permissions of an endpoint, from `permission` or `any_of`, and adds new names.
fn needed(
    wire: &wire::Endpoint<'_>,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<Box<[Permission]>, Refusal> {
    match (&wire.permission, &wire.any_of) {
        (Some(name), None) => {
            let needed = permission(name, permissions, &place.then("permission"))?;
            Ok([needed].into())
        }
        (None, Some(any)) if !any.is_empty() => {
            let place = place.then("any_of");
            // One place at a time, so that a list of millions does not allocate a place for each
            // entry.
            any.iter()
                .enumerate()
                .map(|(index, name)| permission(name, permissions, &place.at(index)))
                .collect()
        }
        _ => Err(place.expected("either `permission` or a non-empty `any_of`")),
    }
}

/// Returns the permission with that name, and adds it if it is new.
fn permission(
    name: &Text<'_>,
    permissions: &mut PermissionRegistry,
    place: &Place,
) -> Result<Permission, Refusal> {
    if !is_id(&name.0) {
        return Err(place.expected(id::EXPECTED));
    }
    permissions
        .find_or_add(&name.0)
        .ok_or_else(|| place.refused("too many permissions"))
}

fn is_label(label: &str) -> bool {
    (1..=128).contains(&label.len()) && label.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// Turns `tax_rate` into `Tax rate`.
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
