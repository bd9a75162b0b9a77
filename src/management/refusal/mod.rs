//! Why a command is rejected: a code, with the facts that a message needs. The command line, the
//! API and the pages have their own words, each in an exhaustive match.

mod message;
mod param;
mod wire;
mod words;

pub use param::Param;
pub use wire::RefusalClass;
pub use words::{AccountRole, TextMember, Wanted};

use super::record::Side;
use super::suggest::Meant;
use crate::account::IdKind;
use crate::key::{KeyKind, Livemode};
use crate::permission::AccessLevel;

/// A refusal. Nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRefusal {
    code: Box<RuleCode>,
}

impl RuleRefusal {
    /// Returns the rule that rejected the command, and its facts.
    #[must_use]
    pub fn code(&self) -> &RuleCode {
        &self.code
    }
}

impl From<RuleCode> for RuleRefusal {
    fn from(code: RuleCode) -> Self {
        Self {
            code: Box::new(code),
        }
    }
}

/// The rules that reject a command, with the facts of each. Names that a caller sent appear as
/// [`shown`](super::shown) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleCode {
    /// No key has that id.
    KeyMissing {
        /// The id.
        id: String,
    },
    /// No account has that id.
    AccountMissing {
        /// The id.
        id: String,
        /// The account's role in the command.
        role: AccountRole,
    },
    /// No grant set has that name.
    GrantSetMissing {
        /// The name.
        name: String,
        /// The side of the grants, if a key was to follow the set.
        side: Option<Side>,
    },
    /// No policy has that name.
    PolicyMissing {
        /// The name.
        name: String,
    },
    /// A file owns the record.
    OwnedByFile {
        /// The file.
        file: String,
    },

    /// The owner cannot have keys of this kind.
    KindNotForOwner {
        /// The kind.
        kind: KeyKind,
        /// What the owner is.
        owner: Option<IdKind>,
    },
    /// The profile has several prefixes for the kind, and none contains the mode.
    NoPrefixForMode {
        /// The kind.
        kind: KeyKind,
        /// The mode.
        mode: Livemode,
    },
    /// No randomness is available.
    NoRandomness,
    /// The id is not spelled like an id.
    IdInvalid,
    /// The id already exists.
    IdExists {
        /// The id.
        id: String,
    },
    /// A key already has the digest.
    DigestExists {
        /// The key, if the caller may see it.
        id: Option<String>,
    },
    /// A key with that digest has ended.
    DigestEnded,
    /// The end of a new key is in the past.
    ExpiresInPast,
    /// A key would end before it begins.
    EndsBeforeItBegins,
    /// Publishable keys have no grants.
    PublishableHasNoGrants {
        /// The key, if it exists.
        id: Option<String>,
    },
    /// Publishable keys cannot be limited to addresses.
    PublishableHasNoIpLimit {
        /// The key, if it exists.
        id: Option<String>,
    },

    /// No permission has that name.
    PermissionUnknown {
        /// The name.
        name: String,
        /// What the caller may have meant.
        meant: Meant,
        /// The side of the grants.
        side: Side,
    },
    /// No category has that name.
    CategoryUnknown {
        /// The name.
        name: String,
        /// Categories with similar names, as they are written.
        near: Vec<String>,
        /// The side of the grants.
        side: Side,
    },
    /// The permission does not have that level.
    PermissionLevelUnknown {
        /// The permission's canonical name.
        name: String,
        /// The level.
        level: AccessLevel,
        /// The side of the grants.
        side: Side,
    },
    /// A permission to be removed is not granted.
    NotGranted {
        /// The permission's canonical name.
        name: String,
        /// What is granted.
        granted: Vec<String>,
        /// The side of the grants.
        side: Side,
    },
    /// The grants would limit a key that may do everything, and the command does not confirm that.
    LimitMissing {
        /// The key.
        id: String,
        /// The side of the grants.
        side: Side,
        /// Whether the command removes permissions from a key without a list of them.
        is_revoking: bool,
    },
    /// A label to be removed does not exist.
    LabelMissing {
        /// The existing labels.
        labels: Vec<String>,
    },

    /// The text is neither an address nor a range.
    IpInvalid {
        /// Whether the text contains commas.
        has_comma: bool,
    },
    /// A range with bits below its mask.
    IpHasHostBits {
        /// The range as the caller wrote it.
        range: String,
        /// The range that the caller may have meant.
        meant: String,
    },
    /// The range includes all addresses.
    IpEveryAddress {
        /// The range as the caller wrote it.
        range: String,
    },
    /// An IPv6 address was given without the intention to use IPv6.
    IpIsV6 {
        /// The address as the caller wrote it.
        range: String,
    },
    /// An address to be removed is not listed.
    IpNotListed {
        /// The address as the caller wrote it.
        range: String,
        /// The listed addresses.
        known: Vec<String>,
    },
    /// The last address cannot be removed.
    IpLast,
    /// No address was given.
    IpsMissing,
    /// Addresses were given to a change that removes all of them.
    IpsNotTaken,

    /// The key is deleted.
    KeyIsDeleted {
        /// The key.
        id: String,
        /// What the command wanted to do.
        wanted: Wanted,
    },
    /// The key was already replaced.
    KeyWasReplaced {
        /// The key.
        id: String,
        /// The last of its replacements.
        by: String,
    },
    /// A replaced key would work for too long.
    ReplacedKeyEnds {
        /// The key.
        id: String,
    },
    /// A key that has ended would work again, and the command does not confirm that.
    ReviveMissing {
        /// The key.
        id: String,
    },
    /// The old key would work for too long.
    OverlapTooLong,
    /// The end of the replacement is not given.
    ExpiryOfReplacementMissing {
        /// The old key.
        id: String,
    },
    /// Only restricted keys can be duplicated.
    OnlyRestrictedIsDuplicated {
        /// The key.
        id: String,
        /// Its kind.
        kind: KeyKind,
        /// Its owner.
        owner: String,
    },
    /// The key is already a live key.
    LiveAlready {
        /// The key.
        id: String,
    },
    /// Publishable keys are rotated, not deleted.
    PublishableIsRotated {
        /// The key.
        id: String,
    },

    /// The value to import is not spelled like a key.
    NotAKey,
    /// The imported key's prefix does not match the given kind.
    PrefixOfAnotherKind {
        /// The kind.
        kind: KeyKind,
        /// Its prefixes.
        prefixes: Vec<String>,
    },
    /// The API does not know the imported key's prefix.
    PrefixUnknown,
    /// The imported key's prefix belongs to several kinds, and no kind was given.
    KindUnsaid,
    /// The imported key's prefix names a mode other than the given one.
    ModeContradicts {
        /// The prefix's mode.
        told: Livemode,
        /// The given mode.
        said: Livemode,
    },
    /// The imported key's prefix names no mode, and none was given.
    ModeUnsaid,
    /// Nothing follows the imported key's prefix.
    KeyIsEmpty,
    /// The imported key is easy to guess.
    KeyIsShort,

    /// The id is not an account's.
    AccountIdInvalid,
    /// An account with that id already exists.
    AccountExists {
        /// The id.
        id: String,
    },
    /// An organization must be at the root.
    OrganizationHasNoParent,
    /// An account was to be moved below itself.
    BelowItself {
        /// The account's id.
        id: String,
    },
    /// The account has accounts below it.
    AccountHasChildren {
        /// The account.
        id: String,
        /// One of the accounts below.
        child: String,
    },
    /// The account has keys in use.
    AccountHasKeys {
        /// The account.
        id: String,
        /// The number of keys.
        count: usize,
    },
    /// Another account has that external id.
    ExternalIdExists {
        /// The other account.
        id: String,
    },
    /// The name is not spelled like that of a grant set or a policy.
    NameInvalid,
    /// A key follows the set.
    GrantSetInUse {
        /// The set.
        name: String,
        /// The key.
        user: String,
    },
    /// Accounts use the policy.
    PolicyInUse {
        /// The policy.
        name: String,
        /// The number of accounts.
        accounts: u64,
    },

    /// A text cannot be stored.
    TextInvalid {
        /// The text.
        member: TextMember,
    },
    /// The time cannot be in seconds.
    TimeTooFar {
        /// The member.
        param: Param,
    },
    /// There are more than a store keeps.
    TooMany {
        /// The member.
        param: Param,
        /// The maximum.
        most: usize,
    },

    /// A test key may not create a live key.
    LiveFromTest,
    /// The caller may not hand out a key that manages keys.
    ManagementKeyRefused {
        /// The permission.
        permission: String,
    },
    /// The caller may not hand out a key that may do everything.
    UnrestrictedKeyRefused,
    /// The caller does not have the permission itself.
    EscalationRefused {
        /// The permission's canonical name.
        permission: String,
        /// The level.
        level: AccessLevel,
    },
    /// The account's policy does not allow it.
    PolicyRefused {
        /// The policy.
        policy: String,
        /// The member of the policy.
        member: &'static str,
    },
    /// The account already has as many keys as its policy allows.
    TooManyKeys {
        /// The policy.
        policy: String,
        /// The maximum.
        most: u64,
    },
    /// The caller may not override the policy.
    OverrideRefused,
    /// The command overrides the policy without a reason.
    OverrideReasonMissing,
}
