//! Names that are shown in logs, headers and replies: one that begins as a key does is a key pasted into the wrong member, and is refused before
//! it is shown.

use super::wire;
use crate::mask::KnownPrefixes;
use crate::refusal::{Place, Refusal};
use crate::wire::{Object, Text};

pub(super) fn check(
    keys: &[Object<wire::Key<'_>>],
    endpoints: &[Object<wire::Endpoint<'_>>],
    prefixes: &KnownPrefixes,
    place: &Place,
) -> Result<(), Refusal> {
    let refuse = |text: &Text<'_>, at: &dyn Fn() -> Place| {
        if prefixes.begin(&text.0) {
            Err(at().expected("a name, and not what begins as a key does"))
        } else {
            Ok(())
        }
    };
    for (index, Object(key)) in keys.iter().enumerate() {
        refuse(&key.id, &|| place.then("keys").at(index).then("id"))?;
    }
    for (index, Object(endpoint)) in endpoints.iter().enumerate() {
        let own = || place.then("endpoints").at(index);
        if let Some(name) = &endpoint.permission {
            refuse(name, &|| own().then("permission"))?;
        }
        for (number, name) in endpoint.any_of.iter().flatten().enumerate() {
            refuse(name, &|| own().then("any_of").at(number))?;
        }
    }
    Ok(())
}
