//! Rule 8: the account that a request is about.

use crate::account::{AccountForest, AccountPath, IdKind};
use crate::key::KeyKind;
use crate::principal::AccountTrail;
use crate::profile::{HeaderName, Profile};
use crate::reason::DenyReason;
use crate::request::{RequestHead, Value};
use crate::snapshot::KeyRecord;

/// An account that a key can reach.
pub(super) struct Target<'a> {
    pub(super) trail: AccountTrail<'a>,
    /// Whether it is a connected account: below the key's owner, or for an organization key, at the
    /// second segment or deeper.
    pub(super) is_connected: bool,
}

/// Why a request has no target.
pub(super) struct TargetFault<'a> {
    pub(super) reason: DenyReason,
    pub(super) account: Option<&'a str>,
    pub(super) header: Option<&'a HeaderName>,
}

impl TargetFault<'_> {
    fn bare(reason: DenyReason) -> Self {
        Self {
            reason,
            account: None,
            header: None,
        }
    }
}

/// What a context header names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named<'a> {
    Path(AccountPath<'a>),
    Organization(&'a str),
}

/// Returns the target of a request that presents `key`. `by_context_alone` is true if the API has
/// no account header.
pub(super) fn target<'a>(
    accounts: &'a AccountForest,
    profile: &'a Profile,
    key: &KeyRecord<'_>,
    request: &'a RequestHead<'a>,
    by_context_alone: impl FnOnce() -> bool,
) -> Result<Target<'a>, TargetFault<'a>> {
    let by_organization = key.kind() == KeyKind::Organization;
    if by_organization && request.context.value() == Value::Absent {
        return Err(TargetFault::bare(DenyReason::MissingContext));
    }
    let is_by_account =
        request.context.value() == Value::Absent && request.account.value() != Value::Absent;
    if is_by_account && by_context_alone() {
        return Err(TargetFault {
            header: Some(&profile.names().account_header),
            ..TargetFault::bare(DenyReason::UnsupportedHeader)
        });
    }
    let read = |value: Value<'a>, header: &'a HeaderName| {
        named(value, profile, by_organization).map_err(|Malformed| TargetFault {
            header: Some(header),
            ..TargetFault::bare(DenyReason::MalformedContext)
        })
    };
    let context = read(request.context.value(), &profile.names().context_header)?;
    let account = read(request.account.value(), &profile.names().account_header)?;
    let named = match (context, account) {
        (Some(context), Some(account)) if context != account => {
            return Err(TargetFault {
                header: Some(&profile.names().context_header),
                ..TargetFault::bare(DenyReason::ConflictingContext)
            });
        }
        (context, account) => context.or(account),
    };
    reach(accounts, profile, key, named)
}

struct Malformed;

fn named<'a>(
    value: Value<'a>,
    profile: &Profile,
    by_organization: bool,
) -> Result<Option<Named<'a>>, Malformed> {
    let text = match value {
        Value::Absent => return Ok(None),
        Value::Malformed => return Err(Malformed),
        Value::Text(text) => text,
    };
    if by_organization && profile.names().ids.kind(text) == Some(IdKind::Organization) {
        return Ok(Some(Named::Organization(text)));
    }
    AccountPath::parse(text, &profile.names().ids)
        .map(|path| Some(Named::Path(path)))
        .ok_or(Malformed)
}

/// Follows the named accounts from the key's owner down.
fn reach<'a>(
    accounts: &'a AccountForest,
    profile: &Profile,
    key: &KeyRecord<'_>,
    named: Option<Named<'a>>,
) -> Result<Target<'a>, TargetFault<'a>> {
    let inaccessible = |account: &'a str| TargetFault {
        account: Some(account),
        ..TargetFault::bare(DenyReason::AccountNotAccessible)
    };
    let Some(owner) = accounts.account(key.owner()) else {
        return Err(TargetFault::bare(DenyReason::AccountNotAccessible));
    };
    let own = |is_organization: bool| Target {
        trail: AccountTrail {
            owner: (!is_organization).then(|| owner.id()),
            below: None,
        },
        is_connected: false,
    };
    let by_organization = key.kind() == KeyKind::Organization;
    let path = match named {
        None => return Ok(own(by_organization)),
        Some(Named::Organization(id)) if id == owner.id() => return Ok(own(true)),
        Some(Named::Organization(id)) => return Err(inaccessible(id)),
        Some(Named::Path(path)) if !by_organization && path.as_str() == owner.id() => {
            return Ok(own(false));
        }
        Some(Named::Path(path)) => path,
    };
    if !by_organization && !owner.is_platform() {
        return Err(TargetFault {
            account: Some(path.target()),
            ..TargetFault::bare(DenyReason::NotAPlatform)
        });
    }
    // An id that the snapshot does not list appears unchanged in logs and headers, so it must not
    // contain a key.
    let holds_no_key = |id: &str| !profile.known_prefixes().occur_in(id);
    if !accounts.reaches(key.owner(), path, holds_no_key) {
        return Err(inaccessible(path.target()));
    }
    Ok(Target {
        trail: AccountTrail {
            owner: (!by_organization).then(|| owner.id()),
            below: Some(path.as_str()),
        },
        is_connected: !by_organization || path.is_nested(),
    })
}
