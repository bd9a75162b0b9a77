//! A person who is signed in.

use std::fmt;

use keyward::key::Livemode;
use keyward::management::Granted;

use super::actor::Person;
use super::feature::Feature;
use super::role::Role;
use super::token::FormToken;

/// What a session is about.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Every account, with what a role allows.
    Console(Role),
    /// One account, or its tree.
    Portal(Tenant),
}

/// Whose records a portal's session is about.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) account: String,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// Whether the account is the root of a tree. The session then sees the whole tree.
    pub(crate) is_root: bool,
    /// Whether there are accounts below it.
    pub(crate) has_below: bool,
    /// The mode of the key that made the link: a test key opens test mode only.
    pub(crate) mode: Livemode,
    /// Where the person came from.
    pub(crate) return_url: Option<String>,
    /// What the maker of the link chose, as far as the policy of the account allows it.
    pub(crate) features: Vec<Feature>,
    /// What the key that made the link may do itself, but for managing keys: where a policy says `delegation = "own"`, it bounds the keys that are made here.
    pub(crate) own: Granted,
    pub(crate) connected: Granted,
}

/// A person who is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) person: Person,
    pub(crate) reach: Reach,
    /// What the role, or the portal, and the key that made the session allow, both of them.
    pub(crate) granted: Granted,
    pub(crate) opened: u64,
    pub(crate) until: u64,
    pub(crate) form_token: FormToken,
    /// Who made the link.
    pub(crate) made_by: String,
}

impl Session {
    /// Whose portal it is, if it is one.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        match &self.reach {
            Reach::Console(_) => None,
            Reach::Portal(tenant) => Some(tenant),
        }
    }

    /// Whether the feature is among those of the session. A console has them all: its role bounds it.
    pub(crate) fn has(&self, feature: Option<Feature>) -> bool {
        match (self.tenant(), feature) {
            (None, _) | (Some(_), None) => true,
            (Some(tenant), Some(feature)) => tenant.features.contains(&feature),
        }
    }

    /// What the session may do, in a word.
    pub(crate) fn role_name(&self) -> &'static str {
        match &self.reach {
            Reach::Console(role) => role.name(),
            Reach::Portal(_) => "portal",
        }
    }
}

impl fmt::Debug for Session {
    /// Without the token of its forms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("person", &self.person)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
