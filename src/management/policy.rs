//! What an account may do with its keys by itself: the ceiling that operators set for it.

use super::record::Granted;
use crate::key::{KeyKind, Livemode};

/// A policy, which accounts share by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The kinds of keys that are made.
    pub kinds: Vec<KeyKind>,
    /// The modes of keys that are made.
    pub modes: Vec<Livemode>,
    /// The most a key may do; `None` is everything but managing keys.
    pub permissions: Option<Granted>,
    /// The most a key may do on connected accounts; `None` is everything but managing keys.
    pub connect_permissions: Option<Granted>,
    /// Grant sets that a key may follow, whatever `permissions` say.
    pub grant_sets: Vec<String>,
    /// Whether permissions are chosen one by one. Otherwise a key follows a grant set.
    pub free_choice: bool,
    /// The longest a key may work, in seconds.
    pub max_lifetime: Option<u64>,
    /// How long a key works where nothing is said, in seconds.
    pub default_lifetime: Option<u64>,
    /// How many keys that have not ended an account has in each mode.
    pub max_keys: Option<u64>,
    /// Whether a key must name the addresses it works from.
    pub require_ip_allowlist: RequiredIps,
    /// For how many seconds a replaced key may go on; 0 is not at all.
    pub overlaps: Vec<u64>,
    /// What bounds a key as well.
    pub delegation: Delegation,
    /// Whether a portal deletes keys.
    pub allow_delete: bool,
    /// Whether a portal shows requests.
    pub allow_requests: bool,
    /// Whether a portal shows the trail.
    pub allow_activity: bool,
}

/// In which modes a key must name addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredIps {
    /// Live keys must.
    pub live: bool,
    /// Test keys must.
    pub test: bool,
}

impl RequiredIps {
    /// Whether a key of that mode must.
    #[must_use]
    pub fn of(self, mode: Livemode) -> bool {
        match mode {
            Livemode::Live => self.live,
            Livemode::Test => self.test,
        }
    }
}

/// What bounds a key that a caller makes under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delegation {
    /// The policy.
    Policy,
    /// The policy, and what the caller holds itself.
    Own,
}

impl Delegation {
    /// `policy` or `own`.
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
    /// Its name.
    pub name: String,
    /// What it says.
    pub policy: Policy,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

impl Default for Policy {
    /// Restricted keys of both modes that may do nothing yet, for 90 days unless it is said.
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
