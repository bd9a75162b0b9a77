//! Why a command is refused: a code, with what is needed to say it in words. The command, the API
//! and pages have their own words, each by an exhaustive match.

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

/// A refusal: nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRefusal {
    code: Box<RuleCode>,
}

impl RuleRefusal {
    /// The rule that refused, and what it says.
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

/// Each rule that refuses, with what it met. Names that someone sent are shown as
/// [`shown`](super::shown) shows them.
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
        /// Which part it plays.
        role: AccountRole,
    },
    /// No grant set has that name.
    GrantSetMissing {
        /// The name.
        name: String,
        /// For which grants, where a key was to follow it.
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

    /// A kind of key that the owner does not have.
    KindNotForOwner {
        /// The kind.
        kind: KeyKind,
        /// What the owner is.
        owner: Option<IdKind>,
    },
    /// The profile has several prefixes for the kind, and none with the mode in it.
    NoPrefixForMode {
        /// The kind.
        kind: KeyKind,
        /// The mode.
        mode: Livemode,
    },
    /// No randomness is available.
    NoRandomness,
    /// An id that is not spelled as one.
    IdInvalid,
    /// An id that is taken.
    IdExists {
        /// The id.
        id: String,
    },
    /// A digest that a key has.
    DigestExists {
        /// The key, where the caller may see it.
        id: Option<String>,
    },
    /// A digest of a key that has ended.
    DigestEnded,
    /// The end of a new key has passed.
    ExpiresInPast,
    /// A key would end before it begins.
    EndsBeforeItBegins,
    /// Publishable keys have no grants.
    PublishableHasNoGrants {
        /// The key, where it exists.
        id: Option<String>,
    },
    /// Publishable keys have no limit of addresses.
    PublishableHasNoIpLimit {
        /// The key, where it exists.
        id: Option<String>,
    },

    /// No permission has that name.
    PermissionUnknown {
        /// The name.
        name: String,
        /// What may be meant.
        meant: Meant,
        /// For which grants.
        side: Side,
    },
    /// No category has that name.
    CategoryUnknown {
        /// The name.
        name: String,
        /// Those with names like it, as they are written.
        near: Vec<String>,
        /// For which grants.
        side: Side,
    },
    /// The permission does not have that level.
    PermissionLevelUnknown {
        /// Its canonical name.
        name: String,
        /// The level.
        level: AccessLevel,
        /// For which grants.
        side: Side,
    },
    /// A permission to be taken away that is not granted.
    NotGranted {
        /// Its canonical name.
        name: String,
        /// What is granted.
        granted: Vec<String>,
        /// For which grants.
        side: Side,
    },
    /// Grants would narrow a key that may do everything, which was not said.
    LimitMissing {
        /// The key.
        id: String,
        /// For which grants.
        side: Side,
        /// Whether the command takes permissions away from a key without a list of them.
        is_revoking: bool,
    },
    /// A label to be taken away that is not there.
    LabelMissing {
        /// What labels there are.
        labels: Vec<String>,
    },

    /// A text that is not an address and no range.
    IpInvalid {
        /// Whether commas are in it.
        has_comma: bool,
    },
    /// A range with bits below its mask.
    IpHasHostBits {
        /// The range as it was written.
        range: String,
        /// The range that may be meant.
        meant: String,
    },
    /// A range of all addresses.
    IpEveryAddress {
        /// As it was written.
        range: String,
    },
    /// An IPv6 address where none is meant.
    IpIsV6 {
        /// As it was written.
        range: String,
    },
    /// An address to be taken away that is not there.
    IpNotListed {
        /// As it was written.
        range: String,
        /// The addresses there are.
        known: Vec<String>,
    },
    /// The last address was to be taken away.
    IpLast,
    /// No address was said.
    IpsMissing,
    /// Addresses were said where all go.
    IpsNotTaken,

    /// The key is deleted.
    KeyIsDeleted {
        /// The key.
        id: String,
        /// What was to be done.
        wanted: Wanted,
    },
    /// The key was replaced already.
    KeyWasReplaced {
        /// The key.
        id: String,
        /// The last of its replacements.
        by: String,
    },
    /// A replaced key would go on for too long.
    ReplacedKeyEnds {
        /// The key.
        id: String,
    },
    /// A key that has ended would work again, which was not said.
    ReviveMissing {
        /// The key.
        id: String,
    },
    /// The old key would go on for too long.
    OverlapTooLong,
    /// When the replacement ends is not said.
    ExpiryOfReplacementMissing {
        /// The old key.
        id: String,
    },
    /// Only restricted keys are duplicated.
    OnlyRestrictedIsDuplicated {
        /// The key.
        id: String,
        /// Its kind.
        kind: KeyKind,
        /// Its owner.
        owner: String,
    },
    /// The key is a live one already.
    LiveAlready {
        /// The key.
        id: String,
    },
    /// Publishable keys are rotated, not deleted.
    PublishableIsRotated {
        /// The key.
        id: String,
    },

    /// What was to be imported is not spelled as a key.
    NotAKey,
    /// The imported key's prefix is not one of the kind that was said.
    PrefixOfAnotherKind {
        /// The kind.
        kind: KeyKind,
        /// Its prefixes.
        prefixes: Vec<String>,
    },
    /// The API does not have the imported key's prefix.
    PrefixUnknown,
    /// The imported key's prefix is one of several kinds.
    KindUnsaid,
    /// The imported key's prefix names another mode than was said.
    ModeContradicts {
        /// By the prefix.
        told: Livemode,
        /// As it was said.
        said: Livemode,
    },
    /// The imported key's prefix names no mode.
    ModeUnsaid,
    /// Nothing follows the imported key's prefix.
    KeyIsEmpty,
    /// The imported key can be guessed.
    KeyIsShort,

    /// An id that is not one of an account.
    AccountIdInvalid,
    /// An account of that id is there.
    AccountExists {
        /// The id.
        id: String,
    },
    /// An organization is at the root.
    OrganizationHasNoParent,
    /// An account was to be moved below itself.
    BelowItself {
        /// The id.
        id: String,
    },
    /// There are accounts below.
    AccountHasChildren {
        /// The account.
        id: String,
        /// One below it.
        child: String,
    },
    /// The account has keys in use.
    AccountHasKeys {
        /// The account.
        id: String,
        /// How many.
        count: usize,
    },
    /// Another account has that external id.
    ExternalIdExists {
        /// The other account.
        id: String,
    },
    /// A name that is not spelled as one of a grant set or a policy.
    NameInvalid,
    /// A key follows the set.
    GrantSetInUse {
        /// The set.
        name: String,
        /// The key.
        user: String,
    },
    /// Accounts have the policy.
    PolicyInUse {
        /// The policy.
        name: String,
        /// How many.
        accounts: u64,
    },

    /// A text for people that cannot be kept.
    TextInvalid {
        /// Which.
        member: TextMember,
    },
    /// A time that is not time in seconds.
    TimeTooFar {
        /// Which.
        param: Param,
    },
    /// More than can be kept.
    TooMany {
        /// Of what.
        param: Param,
        /// How many at most.
        most: usize,
    },

    /// A test key makes no live key.
    LiveFromTest,
    /// A key that manages keys, from a caller that may not give that.
    ManagementKeyRefused {
        /// The permission.
        permission: String,
    },
    /// A key that may do everything, from a caller that may not give that.
    UnrestrictedKeyRefused,
    /// A permission that the caller does not hold itself.
    EscalationRefused {
        /// Its canonical name.
        permission: String,
        /// At which level.
        level: AccessLevel,
    },
    /// The policy of the account does not allow it.
    PolicyRefused {
        /// The policy.
        policy: String,
        /// The member of the policy.
        member: &'static str,
    },
    /// The account has as many keys as its policy allows.
    TooManyKeys {
        /// The policy.
        policy: String,
        /// How many.
        most: u64,
    },
    /// The policy is to be passed over, by a caller that may not do that.
    OverrideRefused,
    /// The policy is to be passed over, without a reason.
    OverrideReasonMissing,
}
