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
            Some("kinds") => "Keys of this kind are not made here.",
            Some("modes") => "Keys of this mode are not made here.",
            Some("permissions" | "connect_permissions") => {
                "This goes beyond what your keys may do. Choose less, or ask for more."
            }
            Some("free_choice") => {
                "Permissions are not chosen one by one here. Choose one of the sets that are offered."
            }
            Some("max_lifetime") => "A key may not last that long. Choose an earlier end.",
            Some("require_ip_allowlist") => {
                "A key of this mode needs addresses that it works from. Enter at least one."
            }
            Some("overlaps") => "The old key may not go on for that long. Choose an earlier end.",
            Some(_) | None => "This is not among what you may do here.",
        },
        "max_keys" => {
            "You have as many keys of this mode as you may have. End or delete one that is not used."
        }
        "live_from_test" => "This page was opened for test keys. Live keys are not made here.",
        "management_key_refused" => "Keys that manage keys are not changed here.",
        "unrestricted_key_refused" => {
            "A key that may do everything is not made here, and not rotated. You can end it."
        }
        "escalation_refused" => {
            "This goes beyond what your keys may do. Choose less, or ask for more."
        }
        "controlled_by_alternate_resource" => {
            "This key is kept by your provider, who changes it. You can end it here."
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
