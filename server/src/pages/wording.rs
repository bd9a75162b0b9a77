//! The texts that people in a portal read when a rule refuses something. They know no policies and no operators: they know what they may do, and whom to ask.

use std::borrow::Cow;

use super::lines;
use super::visit::Visit;
use crate::http::failure::Failure;

/// Why the server did not do something, for the person who reads it.
pub(crate) fn why<'f>(visit: &Visit, failure: &'f Failure) -> Cow<'f, str> {
    // The API's answer is about a list, and people see lines.
    let addresses = (failure.param() == Some("ip_allowlist"))
        .then(|| lines::wrong_addresses(visit.form.lines("ips"), visit.form.has("ipv6")));
    match addresses.flatten() {
        Some(lines) => Cow::Owned(lines),
        None => of(visit.is_portal(), failure),
    }
}

/// The same, if only the place is known.
pub(super) fn of(is_portal: bool, failure: &Failure) -> Cow<'_, str> {
    if is_portal {
        for_customer(failure)
    } else {
        Cow::Borrowed(failure.message())
    }
}

fn for_customer(failure: &Failure) -> Cow<'_, str> {
    let fixed = match failure.name() {
        "policy_refused" => match failure.extra("member") {
            Some("kinds") => "You cannot make keys of this kind here.",
            Some("modes") => "You cannot make keys of this mode here.",
            Some("permissions" | "connect_permissions") => {
                "Your keys may not do all of this. Choose less, or ask for more."
            }
            Some("free_choice") => {
                "You cannot choose single permissions here. Choose one of the offered sets."
            }
            Some("max_lifetime") => "A key may not last that long. Choose an earlier end.",
            Some("require_ip_allowlist") => {
                "A key of this mode needs at least one allowed address."
            }
            Some("overlaps") => "The old key may not work for that long. Choose an earlier end.",
            Some(_) | None => "You may not do this here.",
        },
        "max_keys" => {
            "You have reached the number of keys in this mode. End or delete one that you do not use."
        }
        "live_from_test" => "This page was opened for test keys. You cannot make live keys here.",
        "management_key_refused" => "You cannot change keys that manage keys here.",
        "unrestricted_key_refused" => {
            "You cannot make or rotate a key that may do everything here. You can end it."
        }
        "escalation_refused" => "Your keys may not do all of this. Choose less, or ask for more.",
        "controlled_by_alternate_resource" => {
            "Your provider manages this key and changes it. You can end it here."
        }
        _ => return Cow::Borrowed(failure.message()),
    };
    Cow::Borrowed(fixed)
}

/// The field next to which the page shows it.
pub(crate) fn param(failure: &Failure) -> Option<&str> {
    failure.param().or_else(|| match failure.extra("member")? {
        "permissions" | "free_choice" => Some("permissions"),
        "max_lifetime" => Some("expires_at"),
        "require_ip_allowlist" => Some("ip_allowlist"),
        "modes" => Some("keyward.livemode"),
        _ => None,
    })
}
