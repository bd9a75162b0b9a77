//! What a rule that refuses is to a client of the API. Code, member and text are the rule's own; here come the facts for programs.

use keyward::key::Livemode;
use keyward::management::{RuleCode, RuleRefusal};

use crate::http::failure::{Code, Failure};

/// The failure that says what the rule says.
pub(crate) fn failure_of(refusal: &RuleRefusal) -> Failure {
    failure_of_code(refusal.code())
}

/// The failure that says what one rule says.
pub(super) fn failure_of_code(code: &RuleCode) -> Failure {
    let mut failure = Failure::of_rule(code);
    if let RuleCode::IpHasHostBits { meant, .. } = code {
        failure = failure.with("meant", meant.as_str());
    }
    if let RuleCode::KeyWasReplaced { by, .. } = code {
        failure = failure.with("replaced_by", by.as_str());
    }
    if let RuleCode::DigestExists { id: Some(id) } = code {
        failure = failure.with("api_key", id.as_str());
    }
    if let RuleCode::ExternalIdExists { id } = code {
        failure = failure.with("account", id.as_str());
    }
    if let RuleCode::ManagementKeyRefused { permission }
    | RuleCode::EscalationRefused { permission, .. } = code
    {
        failure = failure.with("permission", permission.as_str());
    }
    if let RuleCode::PolicyRefused { policy, member } = code {
        failure = failure
            .with("member", *member)
            .with("policy", policy.as_str());
    }
    failure
}

/// The object does not exist, or not for this caller, who cannot distinguish the two.
pub(crate) fn missing(what: &str, id: &str) -> Failure {
    Failure::new(Code::ResourceMissing, format!("No such {what}: '{id}'")).at("id")
}

/// Whether an object is at the version that the caller saw.
pub(crate) fn is_version(current: u64, expected: Option<u64>) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != current => Err(Failure::new(
            Code::ResourceChanged,
            format!("The object was changed since: it is at version {current}."),
        )
        .with("version", current)),
        Some(_) | None => Ok(()),
    }
}

/// The mode, as the API says it.
pub(crate) fn mode(livemode: bool) -> Livemode {
    if livemode {
        Livemode::Live
    } else {
        Livemode::Test
    }
}
