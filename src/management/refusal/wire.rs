//! How the API names a refusal: a code, a class that determines the status, and the member at
//! fault.

use super::super::record::Side;
use super::{AccountRole, Param, RuleCode, TextMember};

/// The class of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// 400: the request itself is wrong.
    Invalid,
    /// 400: a limit is reached.
    QuotaExceeded,
    /// 403: the caller may not do it.
    Forbidden,
    /// 404: the record does not exist, or the caller may not see it.
    Missing,
    /// 409: the record already exists.
    AlreadyExists,
    /// 409: the record's state does not allow it.
    Conflict,
    /// 409: the record is owned elsewhere.
    OwnedElsewhere,
    /// 500: the server cannot do it.
    Failure,
}

impl RuleCode {
    /// Returns the code that programs use to distinguish refusals.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyMissing { .. }
            | Self::AccountMissing { .. }
            | Self::GrantSetMissing { .. }
            | Self::PolicyMissing { .. } => "resource_missing",
            Self::OwnedByFile { .. } => "controlled_by_file",
            Self::KindNotForOwner { .. } => "kind_not_for_owner",
            Self::NoPrefixForMode { .. } | Self::NoRandomness => "key_not_made",
            Self::IdInvalid
            | Self::EndsBeforeItBegins
            | Self::NotGranted { .. }
            | Self::LabelMissing { .. }
            | Self::IpNotListed { .. }
            | Self::IpLast
            | Self::IpsNotTaken
            | Self::LiveAlready { .. }
            | Self::NotAKey
            | Self::PrefixOfAnotherKind { .. }
            | Self::PrefixUnknown
            | Self::ModeContradicts { .. }
            | Self::KeyIsEmpty
            | Self::KeyIsShort
            | Self::AccountIdInvalid
            | Self::BelowItself { .. }
            | Self::NameInvalid
            | Self::TextInvalid { .. }
            | Self::OrganizationHasNoParent
            | Self::TimeTooFar { .. }
            | Self::TooMany { .. } => "parameter_invalid",
            Self::IpsMissing
            | Self::KindUnsaid
            | Self::ModeUnsaid
            | Self::OverrideReasonMissing => "parameter_missing",
            Self::IdExists { .. } | Self::AccountExists { .. } => "id_exists",
            Self::ExternalIdExists { .. } => "external_id_exists",
            Self::DigestExists { .. } => "digest_exists",
            Self::DigestEnded => "digest_ended",
            Self::ExpiresInPast => "expires_in_past",
            Self::PublishableHasNoGrants { .. } => "publishable_has_no_grants",
            Self::PublishableHasNoIpLimit { .. } => "publishable_has_no_ip_limit",
            Self::PublishableIsRotated { .. } => "publishable_is_rotated",
            Self::PermissionUnknown { .. } | Self::CategoryUnknown { .. } => "permission_unknown",
            Self::PermissionLevelUnknown { .. } => "permission_level_unknown",
            Self::LimitMissing { .. } => "limit_missing",
            Self::IpInvalid { .. } | Self::IpIsV6 { .. } => "ip_invalid",
            Self::IpHasHostBits { .. } => "ip_has_host_bits",
            Self::IpEveryAddress { .. } => "ip_every_address",
            Self::KeyIsDeleted { .. } => "key_is_deleted",
            Self::KeyWasReplaced { .. } | Self::ReplacedKeyEnds { .. } => "key_was_replaced",
            Self::ReviveMissing { .. } => "revive_missing",
            Self::OverlapTooLong => "overlap_too_long",
            Self::ExpiryOfReplacementMissing { .. } => "expiry_of_replacement_missing",
            Self::OnlyRestrictedIsDuplicated { .. } => "only_restricted_is_duplicated",
            Self::AccountHasChildren { .. } | Self::AccountHasKeys { .. } => "account_in_use",
            Self::GrantSetInUse { .. } => "grant_set_in_use",
            Self::PolicyInUse { .. } => "key_policy_in_use",
            Self::LiveFromTest => "live_from_test",
            Self::ManagementKeyRefused { .. } => "management_key_refused",
            Self::UnrestrictedKeyRefused => "unrestricted_key_refused",
            Self::EscalationRefused { .. } => "escalation_refused",
            Self::PolicyRefused { .. } | Self::OverrideRefused => "policy_refused",
            Self::TooManyKeys { .. } => "max_keys",
        }
    }

    /// Returns the class of the refusal.
    #[must_use]
    pub fn class(&self) -> RefusalClass {
        match self {
            Self::KeyMissing { .. }
            | Self::AccountMissing { .. }
            | Self::GrantSetMissing { .. }
            | Self::PolicyMissing { .. } => RefusalClass::Missing,
            Self::OwnedByFile { .. } => RefusalClass::OwnedElsewhere,
            Self::IdExists { .. }
            | Self::AccountExists { .. }
            | Self::ExternalIdExists { .. }
            | Self::DigestExists { .. }
            | Self::DigestEnded => RefusalClass::AlreadyExists,
            Self::KeyIsDeleted { .. }
            | Self::KeyWasReplaced { .. }
            | Self::ReplacedKeyEnds { .. }
            | Self::AccountHasChildren { .. }
            | Self::AccountHasKeys { .. }
            | Self::GrantSetInUse { .. }
            | Self::PolicyInUse { .. } => RefusalClass::Conflict,
            Self::LiveFromTest
            | Self::ManagementKeyRefused { .. }
            | Self::UnrestrictedKeyRefused
            | Self::EscalationRefused { .. }
            | Self::PolicyRefused { .. }
            | Self::OverrideRefused => RefusalClass::Forbidden,
            Self::TooManyKeys { .. } => RefusalClass::QuotaExceeded,
            Self::NoPrefixForMode { .. } | Self::NoRandomness => RefusalClass::Failure,
            Self::KindNotForOwner { .. }
            | Self::IdInvalid
            | Self::ExpiresInPast
            | Self::EndsBeforeItBegins
            | Self::PublishableHasNoGrants { .. }
            | Self::PublishableHasNoIpLimit { .. }
            | Self::PermissionUnknown { .. }
            | Self::CategoryUnknown { .. }
            | Self::PermissionLevelUnknown { .. }
            | Self::NotGranted { .. }
            | Self::LimitMissing { .. }
            | Self::LabelMissing { .. }
            | Self::IpInvalid { .. }
            | Self::IpHasHostBits { .. }
            | Self::IpEveryAddress { .. }
            | Self::IpIsV6 { .. }
            | Self::IpNotListed { .. }
            | Self::IpLast
            | Self::IpsMissing
            | Self::IpsNotTaken
            | Self::ReviveMissing { .. }
            | Self::OverlapTooLong
            | Self::ExpiryOfReplacementMissing { .. }
            | Self::OnlyRestrictedIsDuplicated { .. }
            | Self::LiveAlready { .. }
            | Self::PublishableIsRotated { .. }
            | Self::NotAKey
            | Self::PrefixOfAnotherKind { .. }
            | Self::PrefixUnknown
            | Self::KindUnsaid
            | Self::ModeContradicts { .. }
            | Self::ModeUnsaid
            | Self::KeyIsEmpty
            | Self::KeyIsShort
            | Self::AccountIdInvalid
            | Self::BelowItself { .. }
            | Self::NameInvalid
            | Self::TextInvalid { .. }
            | Self::OrganizationHasNoParent
            | Self::TimeTooFar { .. }
            | Self::TooMany { .. }
            | Self::OverrideReasonMissing => RefusalClass::Invalid,
        }
    }

    /// Returns the member at fault, if it is a single one.
    #[must_use]
    pub fn param(&self) -> Option<Param> {
        match self {
            Self::KeyMissing { .. } | Self::KeyIsDeleted { .. } => Some(Param::Id),
            Self::AccountMissing { role, .. } => Some(match role {
                AccountRole::Owner => Param::Owner,
                AccountRole::Itself => Param::Id,
                AccountRole::Parent => Param::Parent,
            }),
            Self::GrantSetMissing { side, .. } => Some(match side {
                Some(Side::Own) => Param::GrantSet,
                Some(Side::Connected) => Param::ConnectGrantSet,
                None => Param::Name,
            }),
            Self::PolicyMissing { .. } | Self::PolicyInUse { .. } => Some(Param::Policy),
            Self::KindNotForOwner { .. }
            | Self::KindUnsaid
            | Self::NotAKey
            | Self::PrefixOfAnotherKind { .. }
            | Self::PrefixUnknown => Some(Param::Kind),
            Self::IdInvalid | Self::IdExists { .. } => Some(Param::NewId),
            Self::AccountIdInvalid | Self::AccountExists { .. } => Some(Param::Id),
            Self::DigestExists { .. } | Self::DigestEnded => Some(Param::Sha256),
            Self::KeyIsEmpty | Self::KeyIsShort => Some(Param::Sha256),
            Self::ExpiresInPast
            | Self::ReplacedKeyEnds { .. }
            | Self::ExpiryOfReplacementMissing { .. } => Some(Param::ExpiresAt),
            Self::EndsBeforeItBegins => Some(Param::NotBefore),
            Self::PermissionUnknown { side, .. }
            | Self::CategoryUnknown { side, .. }
            | Self::PermissionLevelUnknown { side, .. }
            | Self::NotGranted { side, .. } => Some(permissions(*side)),
            Self::PublishableHasNoGrants { .. } | Self::EscalationRefused { .. } => {
                Some(Param::Permissions)
            }
            Self::LimitMissing { .. } => Some(Param::Limit),
            Self::LabelMissing { .. } => Some(Param::Labels),
            Self::PublishableHasNoIpLimit { .. }
            | Self::IpInvalid { .. }
            | Self::IpHasHostBits { .. }
            | Self::IpEveryAddress { .. }
            | Self::IpIsV6 { .. }
            | Self::IpNotListed { .. }
            | Self::IpLast
            | Self::IpsMissing
            | Self::IpsNotTaken => Some(Param::IpAllowlist),
            Self::ReviveMissing { .. } => Some(Param::Revive),
            Self::OverlapTooLong => Some(Param::ExpireCurrentKeyInMinutes),
            Self::LiveAlready { .. }
            | Self::LiveFromTest
            | Self::ModeContradicts { .. }
            | Self::ModeUnsaid => Some(Param::Livemode),
            Self::BelowItself { .. } | Self::OrganizationHasNoParent => Some(Param::Parent),
            Self::ExternalIdExists { .. } => Some(Param::ExternalId),
            Self::NameInvalid => Some(Param::Name),
            Self::TextInvalid { member } => Some(match member {
                TextMember::Name => Param::Name,
                TextMember::Note => Param::Note,
                TextMember::Label => Param::Labels,
                TextMember::Reason => Param::Reason,
                TextMember::ExternalId => Param::ExternalId,
            }),
            Self::TooMany { param, .. } | Self::TimeTooFar { param } => Some(*param),
            Self::OverrideReasonMissing => Some(Param::Reason),
            Self::OverrideRefused => Some(Param::OverridePolicy),
            Self::OwnedByFile { .. }
            | Self::NoPrefixForMode { .. }
            | Self::NoRandomness
            | Self::KeyWasReplaced { .. }
            | Self::OnlyRestrictedIsDuplicated { .. }
            | Self::PublishableIsRotated { .. }
            | Self::AccountHasChildren { .. }
            | Self::AccountHasKeys { .. }
            | Self::GrantSetInUse { .. }
            | Self::ManagementKeyRefused { .. }
            | Self::UnrestrictedKeyRefused
            | Self::PolicyRefused { .. }
            | Self::TooManyKeys { .. } => None,
        }
    }
}

fn permissions(side: Side) -> Param {
    match side {
        Side::Own => Param::Permissions,
        Side::Connected => Param::ConnectPermissions,
    }
}
