//! The text of a refusal in the API, in the style of Stripe's messages.

use std::fmt;

use super::{AccountRole, RuleCode, RuleRefusal, TextMember};

impl fmt::Display for RuleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl std::error::Error for RuleRefusal {}

impl fmt::Display for RuleCode {
    #[expect(
        clippy::too_many_lines,
        reason = "one text for each rule, in one match"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMissing { id } => write!(f, "No such API key: '{id}'"),
            Self::AccountMissing { id, role } => match role {
                AccountRole::Owner | AccountRole::Itself => write!(f, "No such account: '{id}'"),
                AccountRole::Parent => write!(f, "No such parent account: '{id}'"),
            },
            Self::GrantSetMissing { name, .. } => write!(f, "No such grant set: '{name}'"),
            Self::PolicyMissing { name } => write!(f, "No such key policy: '{name}'"),
            Self::OwnedByFile { file } => write!(
                f,
                "The file '{file}' owns this record: change it there. You can also end the key here."
            ),
            Self::KindNotForOwner { kind, .. } => write!(
                f,
                "The owner has no {} keys: an organization has organization keys only, and an account has any but those.",
                kind.name()
            ),
            Self::NoPrefixForMode { kind, mode } => write!(
                f,
                "The profile has several prefixes for {} keys and none with the word '{}' in it.",
                kind.name(),
                mode.name()
            ),
            Self::NoRandomness => {
                f.write_str("The system has no randomness to give; no key was made.")
            }
            Self::IdInvalid => f.write_str(
                "An id has 1 to 64 letters, digits, '_', '.' or '-', such as 'mk_1', and is not a key.",
            ),
            Self::IdExists { id } => write!(f, "There is an API key '{id}' already."),
            Self::DigestExists { id: Some(id) } => {
                write!(f, "The API key '{id}' has this value already.")
            }
            Self::DigestExists { id: None } => {
                f.write_str("An API key has this value already.")
            }
            Self::DigestEnded => f.write_str(
                "An API key with this value has ended, and the value is not used again. Make another.",
            ),
            Self::ExpiresInPast => {
                f.write_str("The expiry is in the past. Give a later time, or end the key.")
            }
            Self::EndsBeforeItBegins => f.write_str(
                "The key would expire before it begins to work. Give a later expiry or an earlier beginning.",
            ),
            Self::PublishableHasNoGrants { .. } => f.write_str(
                "A publishable key has no permissions: it calls the endpoints that are open to publishable keys.",
            ),
            Self::PublishableHasNoIpLimit { .. } => f.write_str(
                "A publishable key has no IP allowlist: it is used in browsers everywhere.",
            ),
            Self::PermissionUnknown { name, .. } => write!(f, "No such permission: '{name}'"),
            Self::CategoryUnknown { name, .. } => {
                write!(f, "No such category of permissions: '{name}'")
            }
            Self::PermissionLevelUnknown { name, level, .. } => {
                write!(f, "The permission '{name}' has no level '{}'.", level.name())
            }
            Self::NotGranted { name, .. } => {
                write!(f, "The permission '{name}' is not granted, so it cannot be revoked.")
            }
            Self::LimitMissing { id, is_revoking: true, .. } => write!(
                f,
                "The API key '{id}' has no list of permissions to revoke one from. Give it one, with `keyward.limit`."
            ),
            Self::LimitMissing { id, is_revoking: false, .. } => write!(
                f,
                "The API key '{id}' may do everything that its kind may. With `keyward.limit` it may do what is granted here and nothing else."
            ),
            Self::LabelMissing { .. } => f.write_str("The API key has no such label."),
            Self::IpInvalid { .. } => f.write_str(
                "Expected IP addresses and ranges, such as '203.0.113.7' and '100.10.38.0/24'.",
            ),
            Self::IpHasHostBits { range, meant } => write!(
                f,
                "The range '{range}' has bits below its mask. Did you mean '{meant}'?"
            ),
            Self::IpEveryAddress { range } => write!(
                f,
                "The range '{range}' is every address, which is not a limit. An empty list removes the limit."
            ),
            Self::IpIsV6 { range } => {
                write!(f, "'{range}' is IPv6, which is taken with `keyward.ipv6` only.")
            }
            Self::IpNotListed { range, .. } => {
                write!(f, "'{range}' is not in the IP allowlist of the API key.")
            }
            Self::IpLast => f.write_str(
                "Without these the key would work from everywhere. An empty list lifts the limit.",
            ),
            Self::IpsMissing => f.write_str("Name at least one IP address or range."),
            Self::IpsNotTaken => f.write_str("To lift the limit, name no addresses."),
            Self::KeyIsDeleted { id, .. } => write!(f, "The API key '{id}' is deleted."),
            Self::KeyWasReplaced { id, by } => {
                write!(f, "The API key '{id}' was replaced by '{by}'. Rotate that one.")
            }
            Self::ReplacedKeyEnds { id } => write!(
                f,
                "The API key '{id}' was replaced, and ends within 7 days of that. Give an earlier time, or make another key."
            ),
            Self::ReviveMissing { id } => write!(
                f,
                "The API key '{id}' has ended, and would work again for all who still have it. Rotate it, or give `keyward.revive`."
            ),
            Self::OverlapTooLong => {
                f.write_str("A replaced key ends within 7 days, which are 10080 minutes.")
            }
            Self::ExpiryOfReplacementMissing { id } => write!(
                f,
                "The API key '{id}' has an expiry. Say when its replacement ends, or give `keyward.no_expiry`."
            ),
            Self::OnlyRestrictedIsDuplicated { id, kind, .. } => write!(
                f,
                "The API key '{id}' is a {} key, and only restricted keys are duplicated.",
                kind.name()
            ),
            Self::LiveAlready { id } => write!(f, "The API key '{id}' is a live key already."),
            Self::PublishableIsRotated { id } => write!(
                f,
                "The API key '{id}' is a publishable key and cannot be deleted. Rotate it."
            ),
            Self::NotAKey => f.write_str("This is not spelled as a key."),
            Self::PrefixOfAnotherKind { kind, .. } => {
                write!(f, "The prefix of the key is not one of a {} key.", kind.name())
            }
            Self::PrefixUnknown => f.write_str("The key has no prefix of this API's keys."),
            Self::KindUnsaid => {
                f.write_str("The prefix of the key is one of several kinds. Say which.")
            }
            Self::ModeContradicts { told, .. } => {
                write!(f, "The prefix of the key says {} mode.", told.name())
            }
            Self::ModeUnsaid => f.write_str("The prefix of the key names no mode. Say which."),
            Self::KeyIsEmpty => f.write_str("Nothing follows the prefix, so this is not a key."),
            Self::KeyIsShort => {
                f.write_str("So little follows the prefix of the key that it can be guessed.")
            }
            Self::AccountIdInvalid => {
                f.write_str("An account has an id with the prefix that says what it is.")
            }
            Self::AccountExists { id } => write!(f, "There is an account '{id}' already."),
            Self::BelowItself { id } => {
                write!(f, "The account '{id}' cannot be moved below itself.")
            }
            Self::AccountHasChildren { id, child } => {
                write!(f, "The account '{child}' is below '{id}'. Move or remove it first.")
            }
            Self::AccountHasKeys { id, count } => {
                write!(f, "The account '{id}' has {count} API keys in use.")
            }
            Self::ExternalIdExists { id } => {
                write!(f, "The account '{id}' has this external id already.")
            }
            Self::NameInvalid => f.write_str(
                "A name has 1 to 64 letters, digits, '_', '.' or '-', and is not a key.",
            ),
            Self::GrantSetInUse { name, user } => {
                write!(f, "The API key '{user}' follows the grant set '{name}'.")
            }
            Self::PolicyInUse { name, .. } => {
                write!(f, "Accounts have the key policy '{name}'.")
            }
            Self::TextInvalid { member } => f.write_str(match member {
                TextMember::Name => "A name is one line of visible text, and not too long.",
                TextMember::Note => "A note is text without control characters, and not too long.",
                TextMember::Label => "A label has a name such as 'team' and a text, not too long.",
                TextMember::Reason => "A reason is text without control characters, not too long.",
                TextMember::ExternalId => "An external id is text, and not too long.",
            }),
            Self::OrganizationHasNoParent => f.write_str("An organization has no parent."),
            Self::TimeTooFar { .. } => {
                f.write_str("Expected a time before the year 5138.")
            }
            Self::TooMany { most, .. } => write!(f, "At most {most} are kept."),
            Self::LiveFromTest => f.write_str("A test mode key makes no live mode key."),
            Self::ManagementKeyRefused { permission } => write!(
                f,
                "The permission '{permission}' manages keys. To give it, or to change a key that has it, takes 'management_api_key_write'."
            ),
            Self::UnrestrictedKeyRefused => f.write_str(
                "To make a key that may do everything takes 'secret_api_key_write'.",
            ),
            Self::EscalationRefused { permission, level } => write!(
                f,
                "The permission '{permission}_{}' is not yours to give: you do not have it.",
                level.name()
            ),
            Self::PolicyRefused { policy, member } => {
                write!(f, "The key policy '{policy}' does not allow this: '{member}'.")
            }
            Self::TooManyKeys { policy, most } => {
                write!(f, "The key policy '{policy}' allows {most} keys in each mode.")
            }
            Self::OverrideRefused => {
                f.write_str("To pass over a key policy takes 'key_policy_write'.")
            }
            Self::OverrideReasonMissing => {
                f.write_str("To pass over a key policy takes a reason.")
            }
        }
    }
}
