//! Somebody who is signed in.

use std::fmt;

use keyward::management::Granted;

use super::actor::Person;
use super::role::Role;
use super::token::FormToken;

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) person: Person,
    pub(crate) role: Role,
    /// What the role and the key that made the session allow, both of them.
    pub(crate) granted: Granted,
    pub(crate) opened: u64,
    pub(crate) until: u64,
    pub(crate) form_token: FormToken,
    /// Who made the link.
    pub(crate) made_by: String,
}

impl fmt::Debug for Session {
    /// Without the token of its forms.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("person", &self.person)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
