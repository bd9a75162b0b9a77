//! Somebody who is signed in.

use std::fmt;

use keyward::key::Livemode;
use keyward::management::Granted;
use zeroize::Zeroizing;

use super::actor::Person;
use super::role::Role;

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
    /// Whether the account is the root of a tree, all of which the session sees.
    pub(crate) is_root: bool,
    /// The mode of the key that made the link: a test key opens test mode only.
    pub(crate) mode: Livemode,
    /// Where the person came from.
    pub(crate) return_url: Option<String>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) person: Person,
    pub(crate) reach: Reach,
    /// What the role, or the portal, and the key that made the session allow, both of them.
    pub(crate) granted: Granted,
    pub(crate) opened: u64,
    pub(crate) until: u64,
    pub(crate) csrf: Zeroizing<String>,
    /// Who made the link.
    pub(crate) made_by: String,
}

impl Session {
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
