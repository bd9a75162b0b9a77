//! What a rule that refuses is to a client of the API: a code, the member at fault, and a sentence.

use keyward::account::IdKind;
use keyward::key::Livemode;
use keyward::management::{AccountRole, Param, RuleCode, RuleRefusal, Side, TextMember, Wanted};

use crate::http::failure::{Code, Failure};

/// The failure that says what the rule says.
pub(crate) fn failure_of(refusal: &RuleRefusal) -> Failure {
    match refusal.code() {
        RuleCode::KeyMissing { id } => missing("key", id).at("id"),
        RuleCode::AccountMissing { id, role } => missing("account", id).at(match role {
            AccountRole::Owner => "keyward.owner",
            AccountRole::Itself => "id",
            AccountRole::Parent => "parent",
        }),
        RuleCode::GrantSetMissing { name, side } => missing("grant set", name).at(set_of(*side)),
        RuleCode::PolicyMissing { name } => missing("key policy", name).at("policy"),
        RuleCode::OwnedByFile { file } => Failure::new(
            Code::ControlledByAlternateResource,
            format!("This record is kept in the file `{file}` and changed there."),
        )
        .with("source", format!("file:{file}")),
        RuleCode::KindNotForOwner { kind, owner } => {
            let owner = match owner {
                Some(IdKind::Organization) => "An organization",
                Some(IdKind::Account) | None => "An account",
            };
            at(
                Code::KindNotForOwner,
                Param::Kind,
                format!("{owner} has no {} keys.", kind.name()),
            )
        }
        RuleCode::NoPrefixForMode { kind, mode } => at(
            Code::ParameterInvalid,
            Param::Livemode,
            format!(
                "The profile has no prefix for {} keys of {} mode.",
                kind.name(),
                mode.name()
            ),
        ),
        RuleCode::NoRandomness => Failure::new(
            Code::StorageUnavailable,
            "The system has no randomness to give, so no key was made. Please retry.",
        ),
        RuleCode::IdInvalid => at(
            Code::ParameterInvalid,
            Param::NewId,
            "An id has 1 to 64 letters, digits, `_`, `.` or `-`, and does not look like a key.",
        ),
        RuleCode::IdExists { id } => {
            at(Code::IdExists, Param::NewId, format!("The id `{id}` is taken."))
        }
        RuleCode::DigestExists { id } => {
            let failure = at(
                Code::DigestExists,
                Param::Sha256,
                "There is a key of this value already.",
            );
            match id {
                Some(id) => failure.with("api_key", id.as_str()),
                None => failure,
            }
        }
        RuleCode::DigestEnded => at(
            Code::DigestEnded,
            Param::Sha256,
            "A key of this value has ended, and an ended key does not come back under another name.",
        ),
        RuleCode::ExpiresInPast => at(
            Code::ExpiresInPast,
            Param::ExpiresAt,
            "`expires_at` must be in the future. To end a key at once, expire it.",
        ),
        RuleCode::EndsBeforeItBegins => at(
            Code::ParameterInvalid,
            Param::NotBefore,
            "The key would end before it begins.",
        ),
        RuleCode::PublishableHasNoGrants { .. } => at(
            Code::PublishableHasNoGrants,
            Param::Permissions,
            "A publishable key has no permissions of its own.",
        ),
        RuleCode::PublishableHasNoIpLimit { .. } => at(
            Code::PublishableHasNoIpLimit,
            Param::IpAllowlist,
            "A publishable key works in browsers, so it has no list of addresses.",
        ),
        RuleCode::PermissionUnknown { name, side } => Failure::new(
            Code::PermissionUnknown,
            format!("There is no permission `{name}`. GET /v2/keyward/permissions lists them."),
        )
        .at(permissions_of(*side)),
        RuleCode::CategoryUnknown { name, side } => Failure::new(
            Code::PermissionUnknown,
            format!("There is no category `{name}`. GET /v2/keyward/permissions lists them."),
        )
        .at(permissions_of(*side)),
        RuleCode::PermissionLevelUnknown { name, level, side } => Failure::new(
            Code::PermissionLevelUnknown,
            format!("The permission `{name}` has no level `{}`.", level.name()),
        )
        .at(permissions_of(*side)),
        RuleCode::NotGranted { name, side, .. } => Failure::new(
            Code::ParameterInvalid,
            format!("The key does not hold `{name}`, so it cannot be taken away."),
        )
        .at(permissions_of(*side)),
        RuleCode::LimitMissing { id, .. } => at(
            Code::LimitMissing,
            Param::Limit,
            format!("The key `{id}` may do everything. To limit it to these permissions, send `keyward.limit: true`."),
        ),
        RuleCode::LabelMissing { .. } => at(
            Code::ParameterInvalid,
            Param::Labels,
            "The key has no such label, so it cannot be taken away.",
        ),
        RuleCode::IpInvalid { has_comma } => at(
            Code::IpInvalid,
            Param::IpAllowlist,
            if *has_comma {
                "Expected one address or range in each element, without commas."
            } else {
                "Expected an IPv4 address, or a range in CIDR notation."
            },
        ),
        RuleCode::IpHasHostBits { range, meant } => at(
            Code::IpHasHostBits,
            Param::IpAllowlist,
            format!("`{range}` has bits below its mask. Did you mean `{meant}`?"),
        )
        .with("meant", meant.as_str()),
        RuleCode::IpEveryAddress { range } => at(
            Code::IpEveryAddress,
            Param::IpAllowlist,
            format!("`{range}` is every address. Leave the list empty for a key that works from everywhere."),
        ),
        RuleCode::IpIsV6 { range } => at(
            Code::IpInvalid,
            Param::IpAllowlist,
            format!("`{range}` is IPv6. Where that is meant, send `keyward.ipv6: true`."),
        ),
        RuleCode::IpNotListed { range, .. } => at(
            Code::ParameterInvalid,
            Param::IpAllowlist,
            format!("`{range}` is not in the list, so it cannot be taken away."),
        ),
        RuleCode::IpLast => at(
            Code::ParameterInvalid,
            Param::IpAllowlist,
            "Without its last address the key would work from everywhere. Where that is meant, send an empty `ip_allowlist`.",
        ),
        RuleCode::IpsMissing | RuleCode::IpsNotTaken => at(
            Code::ParameterInvalid,
            Param::IpAllowlist,
            "The change of addresses does not say which.",
        ),
        RuleCode::KeyIsDeleted { id, wanted } => Failure::new(
            Code::KeyIsDeleted,
            format!("The key `{id}` is deleted: {}.", still_wanted(*wanted)),
        ),
        RuleCode::KeyWasReplaced { id, by } => Failure::new(
            Code::KeyWasReplaced,
            format!("The key `{id}` was replaced; its replacement is `{by}`."),
        )
        .with("replaced_by", by.as_str()),
        RuleCode::ReplacedKeyEnds { id } => at(
            Code::OverlapTooLong,
            Param::ExpiresAt,
            format!("The key `{id}` was replaced, so it ends within 7 days of that and is not prolonged."),
        ),
        RuleCode::ReviveMissing { id } => at(
            Code::ReviveMissing,
            Param::Revive,
            format!("The key `{id}` has ended. To let it work again, send `keyward.revive: true`."),
        ),
        RuleCode::OverlapTooLong => at(
            Code::OverlapTooLong,
            Param::ExpireCurrentKeyInMinutes,
            "A replaced key goes on for 7 days (10080 minutes) at most.",
        ),
        RuleCode::ExpiryOfReplacementMissing { id } => at(
            Code::ExpiryOfReplacementMissing,
            Param::ExpiresAt,
            format!("The key `{id}` has an end. Say when its replacement ends: `expires_at`, or `keyward.no_expiry: true`."),
        ),
        RuleCode::OnlyRestrictedIsDuplicated { id, kind, .. } => Failure::new(
            Code::OnlyRestrictedIsDuplicated,
            format!("The key `{id}` is a {} key; only restricted keys are duplicated.", kind.name()),
        ),
        RuleCode::LiveAlready { id } => at(
            Code::ParameterInvalid,
            Param::Livemode,
            format!("The key `{id}` is a live key already."),
        ),
        RuleCode::PublishableIsRotated { id } => Failure::new(
            Code::ParameterInvalid,
            format!("The key `{id}` is a publishable key: rotate it, it cannot be deleted."),
        ),
        RuleCode::NotAKey
        | RuleCode::PrefixOfAnotherKind { .. }
        | RuleCode::PrefixUnknown
        | RuleCode::KindUnsaid
        | RuleCode::ModeContradicts { .. }
        | RuleCode::ModeUnsaid
        | RuleCode::KeyIsEmpty
        | RuleCode::KeyIsShort => at(
            Code::ParameterInvalid,
            Param::Sha256,
            "The digest does not go with the kind and the mode.",
        ),
        RuleCode::AccountIdInvalid => Failure::new(
            Code::ParameterInvalid,
            "An account's id has its prefix and then letters, digits, `_` or `-`, at most 64 characters in all.",
        )
        .at("id"),
        RuleCode::AccountExists { id } => {
            Failure::new(Code::IdExists, format!("There is an account `{id}` already.")).at("id")
        }
        RuleCode::BelowItself { id } => at(
            Code::ParameterInvalid,
            Param::Parent,
            format!("The account `{id}` cannot be below itself."),
        ),
        RuleCode::AccountHasChildren { id, child } => Failure::new(
            Code::AccountInUse,
            format!("There are accounts below `{id}`, such as `{child}`."),
        ),
        RuleCode::AccountHasKeys { id, count } => Failure::new(
            Code::AccountInUse,
            format!("The account `{id}` has {count} keys in use. `with_keys=true` removes them, too."),
        ),
        RuleCode::ExternalIdExists { id } => at(
            Code::IdExists,
            Param::ExternalId,
            format!("The account `{id}` has that external id."),
        )
        .with("account", id.as_str()),
        RuleCode::NameInvalid => Failure::new(
            Code::ParameterInvalid,
            "A name has 1 to 64 letters, digits, `_`, `.` or `-`.",
        )
        .at("name"),
        RuleCode::GrantSetInUse { name, user } => Failure::new(
            Code::GrantSetInUse,
            format!("Keys follow the grant set `{name}`, such as `{user}`."),
        ),
        RuleCode::PolicyInUse { name, accounts } => Failure::new(
            Code::GrantSetInUse,
            format!("{accounts} accounts have the policy `{name}`."),
        ),
        RuleCode::TextInvalid { member } => {
            let (param, most) = match member {
                TextMember::Name => (Param::Name, "at most 128 characters"),
                TextMember::Note => (Param::Note, "at most 1,000 characters"),
                TextMember::Label => (Param::Labels, "names of letters, digits, `_`, `.` or `-`, and texts of at most 128 characters"),
                TextMember::Reason => (Param::Reason, "at most 1,000 characters"),
                TextMember::ExternalId => (Param::ExternalId, "at most 255 characters"),
            };
            at(
                Code::ParameterInvalid,
                param,
                format!("Expected {most}, without control characters and without anything that looks like a key."),
            )
        }
        RuleCode::TooMany { param, most } => at(
            Code::ParameterInvalid,
            *param,
            format!("At most {most} are kept."),
        ),
        RuleCode::LiveFromTest => at(
            Code::LiveFromTest,
            Param::Livemode,
            "A test key makes no live key.",
        ),
        RuleCode::ManagementKeyRefused { permission } => Failure::new(
            Code::ManagementKeyRefused,
            format!("A key with `{permission}` manages keys. To make, change or end one, the caller needs `management_api_key_write`."),
        )
        .with("permission", permission.as_str()),
        RuleCode::UnrestrictedKeyRefused => Failure::new(
            Code::UnrestrictedKeyRefused,
            "A key that may do everything is made by callers with `secret_api_key_write` only.",
        ),
        RuleCode::EscalationRefused { permission, level } => Failure::new(
            Code::EscalationRefused,
            format!("The caller does not hold `{permission}_{}` itself, so it cannot give it away.", level.name()),
        )
        .with("permission", permission.as_str()),
        RuleCode::PolicyRefused { policy, member } => Failure::new(
            Code::PolicyRefused,
            format!("The key policy `{policy}` of the account does not allow it: `{member}`."),
        )
        .with("policy", policy.as_str())
        .with("member", *member),
        RuleCode::TooManyKeys { policy, most } => Failure::new(
            Code::MaxKeys,
            format!("The key policy `{policy}` allows the account {most} keys in this mode."),
        )
        .with("policy", policy.as_str()),
        RuleCode::OverrideRefused => Failure::new(
            Code::PolicyRefused,
            "Only callers with `key_policy_write` pass over a policy.",
        )
        .at("keyward.override_policy"),
        RuleCode::OverrideReasonMissing => at(
            Code::ParameterMissing,
            Param::Reason,
            "Who passes over a policy says why: `keyward.reason`.",
        ),
    }
}

/// What is not there, or not for this caller: it is told nothing else.
pub(crate) fn missing(what: &str, id: &str) -> Failure {
    Failure::new(Code::ResourceMissing, format!("No such {what}: `{id}`."))
}

fn at(code: Code, param: Param, message: impl Into<String>) -> Failure {
    Failure::new(code, message).at(param.name())
}

fn permissions_of(side: Side) -> &'static str {
    match side {
        Side::Own => Param::Permissions.name(),
        Side::Connected => Param::ConnectPermissions.name(),
    }
}

fn set_of(side: Option<Side>) -> &'static str {
    match side {
        Some(Side::Own) => Param::GrantSet.name(),
        Some(Side::Connected) => Param::ConnectGrantSet.name(),
        None => "name",
    }
}

fn still_wanted(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Grants => "its permissions no longer matter",
        Wanted::Ips => "its addresses no longer matter",
        Wanted::Expiry => "its end no longer matters",
        Wanted::Replacement => "it cannot be replaced",
        Wanted::Deletion => "it cannot be deleted again",
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
