//! Checks names that appear in logs, headers and replies. A name that begins like a key is a key
//! that someone pasted into the wrong member, so keyward rejects it before showing it.

use super::accounts::LeftOut;
use super::wire;
use crate::mask::KnownPrefixes;
use crate::refusal::{Place, Refusal, Sink};
use crate::wire::Text;

pub(in crate::snapshot) const A_NAME: &str = "a name, and not what begins as a key does";

pub(super) fn of_keys<S: Sink>(
    keys: &[wire::Key<'_>],
    prefixes: &KnownPrefixes,
    place: &Place,
    sink: &mut S,
) -> Result<LeftOut, Refusal> {
    let mut left_out = LeftOut::default();
    for (index, key) in keys.iter().enumerate() {
        let at = || place.then("keys").at(index).then("id");
        if sink.take(check(&key.id, prefixes, &at))?.is_none() {
            left_out.push(index);
        }
    }
    Ok(left_out)
}

pub(super) fn of_endpoints<S: Sink>(
    endpoints: &[wire::Endpoint<'_>],
    prefixes: &KnownPrefixes,
    place: &Place,
    sink: &mut S,
) -> Result<LeftOut, Refusal> {
    let mut left_out = LeftOut::default();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let own = || place.then("endpoints").at(index);
        if sink.take(of_endpoint(endpoint, prefixes, &own))?.is_none() {
            left_out.push(index);
        }
    }
    Ok(left_out)
}

fn of_endpoint(
    endpoint: &wire::Endpoint<'_>,
    prefixes: &KnownPrefixes,
    own: &dyn Fn() -> Place,
) -> Result<(), Refusal> {
    if let Some(name) = &endpoint.permission {
        check(name, prefixes, &|| own().then("permission"))?;
    }
    for (number, name) in endpoint.any_of.iter().flatten().enumerate() {
        check(name, prefixes, &|| own().then("any_of").at(number))?;
    }
    let added = endpoint.expansions.iter().flat_map(|added| &added.0);
    for (_, name) in added {
        check(name, prefixes, &|| own().then("expansions").then("*"))?;
    }
    Ok(())
}

fn check(text: &Text<'_>, prefixes: &KnownPrefixes, at: &dyn Fn() -> Place) -> Result<(), Refusal> {
    if prefixes.begin(&text.0) {
        Err(at().expected(A_NAME))
    } else {
        Ok(())
    }
}
