//! A signed-in person.

use std::fmt;

use keyward::key::Livemode;
use keyward::management::Granted;

use super::actor::Person;
use super::feature::Feature;
use super::role::Role;
use super::token::FormToken;

/// The records that a session covers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reach {
    /// Every account, as far as a role allows.
    Console(Role),
    /// One account, or its tree.
    Portal(Tenant),
}

/// The account that a portal's session covers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tenant {
    pub(crate) account: String,
    /// The account's name for people.
    pub(crate) name: Option<String>,
    /// Whether the account is the root of a tree. The session then sees the whole tree.
    pub(crate) is_root: bool,
    /// Whether there are accounts below it.
    pub(crate) has_below: bool,
    /// The mode of the key that made the link: a test key opens test mode only.
    pub(crate) mode: Livemode,
    /// The page that the person came from.
    pub(crate) return_url: Option<String>,
    /// The choice of the link's maker, as far as the policy of the account allows it.
    pub(crate) features: Vec<Feature>,
    /// The permissions of the key that made the link, without those that manage keys. If a policy
    /// has `delegation = "own"`, they limit the keys made here.
    pub(crate) own: Granted,
    pub(crate) connected: Granted,
}

/// A signed-in person.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) person: Person,
    pub(crate) reach: Reach,
    /// The permissions that are allowed both by the role or portal and by the key that made the
    /// session.
    pub(crate) granted: Granted,
    pub(crate) opened: u64,
    pub(crate) until: u64,
    pub(crate) form_token: FormToken,
    /// The maker of the link.
    pub(crate) made_by: String,
}

impl Session {
    /// Returns the account of a portal's session.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        match &self.reach {
            Reach::Console(_) => None,
            Reach::Portal(tenant) => Some(tenant),
        }
    }

    /// Returns whether the session has the feature. A console has every feature, and its role
    /// limits it.
    pub(crate) fn has(&self, feature: Option<Feature>) -> bool {
        match (self.tenant(), feature) {
            (None, _) | (Some(_), None) => true,
            (Some(tenant), Some(feature)) => tenant.features.contains(&feature),
        }
    }

    /// Returns what the session may do, in a word.
    pub(crate) fn role_name(&self) -> &'static str {
        match &self.reach {
            Reach::Console(role) => role.name(),
            Reach::Portal(_) => "portal",
        }
    }
}

impl fmt::Debug for Session {
    /// Omits the token of its forms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("person", &self.person)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
