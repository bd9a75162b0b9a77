//! Names that are shown in logs, headers and replies: one that begins as a key does is a key pasted into the wrong member, and is refused before
//! it is shown.

use super::wire;
use crate::mask::KnownPrefixes;
use crate::refusal::{Place, Refusal};
use crate::wire::Text;

pub(in crate::snapshot) const A_NAME: &str = "a name, and not what begins as a key does";

pub(super) fn of_keys(
    keys: &[wire::Key<'_>],
    prefixes: &KnownPrefixes,
    place: &Place,
) -> Result<(), Refusal> {
    for (index, key) in keys.iter().enumerate() {
        check(&key.id, prefixes, &|| {
            place.then("keys").at(index).then("id")
        })?;
    }
    Ok(())
}

pub(super) fn of_endpoints(
    endpoints: &[wire::Endpoint<'_>],
    prefixes: &KnownPrefixes,
    place: &Place,
) -> Result<(), Refusal> {
    for (index, endpoint) in endpoints.iter().enumerate() {
        let own = || place.then("endpoints").at(index);
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
