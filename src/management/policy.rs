//! What an account may do with its keys on its own: the ceiling that operators set for it.

use super::record::Granted;
use crate::key::{KeyKind, Livemode};

/// A policy. Accounts share it by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The kinds of keys that an account may create.
    pub kinds: Vec<KeyKind>,
    /// The modes of keys that an account may create.
    pub modes: Vec<Livemode>,
    /// The most that a key may do. `None` is everything except managing keys.
    pub permissions: Option<Granted>,
    /// The most that a key may do on connected accounts. `None` is everything except managing keys.
    pub connect_permissions: Option<Granted>,
    /// Grant sets that a key may follow, whatever `permissions` allow.
    pub grant_sets: Vec<String>,
    /// Whether callers may choose single permissions. Otherwise, a key follows a grant set.
    pub free_choice: bool,
    /// The maximum lifetime of a key, in seconds.
    pub max_lifetime: Option<u64>,
    /// The default lifetime of a key, in seconds.
    pub default_lifetime: Option<u64>,
    /// The maximum number of keys that an account has in use, in each mode.
    pub max_keys: Option<u64>,
    /// Whether a key must list the addresses from which it works.
    pub require_ip_allowlist: RequiredIps,
    /// How many seconds a replaced key may continue to work. 0 means not at all.
    pub overlaps: Vec<u64>,
    /// Whether the caller's own permissions also limit a key.
    pub delegation: Delegation,
    /// Whether a portal can delete keys.
    pub allow_delete: bool,
    /// Whether a portal shows requests.
    pub allow_requests: bool,
    /// Whether a portal shows the trail.
    pub allow_activity: bool,
}

/// In which modes a key must list addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredIps {
    /// Live keys must.
    pub live: bool,
    /// Test keys must.
    pub test: bool,
}

impl RequiredIps {
    /// Returns whether a key of that mode must list addresses.
    #[must_use]
    pub fn of(self, mode: Livemode) -> bool {
        match mode {
            Livemode::Live => self.live,
            Livemode::Test => self.test,
        }
    }
}

/// What limits a key that a caller creates under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delegation {
    /// Only the policy.
    Policy,
    /// The policy, and the caller's own permissions.
    Own,
}

impl Delegation {
    /// Returns `policy` or `own`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Own => "own",
        }
    }
}

/// A policy and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPolicy {
    /// The policy's name.
    pub name: String,
    /// The policy.
    pub policy: Policy,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl Default for Policy {
    /// Returns a policy for restricted keys of both modes that may do nothing yet, with a default
    /// lifetime of 90 days.
    fn default() -> Self {
        Self {
            kinds: vec![KeyKind::Restricted],
            modes: vec![Livemode::Test, Livemode::Live],
            permissions: Some(Granted::new()),
            connect_permissions: Some(Granted::new()),
            grant_sets: Vec::new(),
            free_choice: true,
            max_lifetime: Some(366 * DAY),
            default_lifetime: Some(90 * DAY),
            max_keys: Some(50),
            require_ip_allowlist: RequiredIps::default(),
            overlaps: vec![0, HOUR, DAY, 3 * DAY, 7 * DAY],
            delegation: Delegation::Policy,
            allow_delete: true,
            allow_requests: true,
            allow_activity: true,
        }
    }
}
