//! What the rules report about their checks, for a person who wants to know how a decision came
//! about. In the filter, reports cost nothing, because they are not even built.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::credential::Credential;
use crate::endpoint::{Endpoint, Unread};
use crate::permission::{AccessLevel, Permission};
use crate::principal::AccountTrail;
use crate::snapshot::KeyRecord;

/// Receives the reports of one decision, in the order of the rules.
pub trait Trace<'a> {
    /// Receives a report. An implementation calls `finding` only if it keeps the report.
    fn report(&mut self, finding: impl FnOnce() -> Finding<'a>);
}

/// The filter's trace. It keeps nothing and costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Untraced;

impl<'a> Trace<'a> for Untraced {
    fn report(&mut self, _: impl FnOnce() -> Finding<'a>) {}
}

/// Keeps all reports, in order.
impl<'a> Trace<'a> for Vec<Finding<'a>> {
    fn report(&mut self, finding: impl FnOnce() -> Finding<'a>) {
        self.push(finding());
    }
}

/// What a rule checked, and what it found.
#[derive(Debug)]
pub enum Finding<'a> {
    /// Rule 1: the snapshot and its age.
    Snapshot,
    /// Rule 2: the one well-formed credential, if there is one.
    Credential(Option<Credential<'a>>),
    /// Rule 3: the key that the credential belongs to.
    Key(Option<KeyRecord<'a>>),
    /// Rule 4: the key's state, and the time if it mattered.
    Life(KeyRecord<'a>, Option<u64>),
    /// Rule 5: `None` if the key works from everywhere, and otherwise the client's address, if it
    /// has one.
    Address(Option<Option<IpAddr>>),
    /// Rule 6: the key, whose mode matters.
    Mode(KeyRecord<'a>),
    /// Rule 7: the spelling of headers, and the version.
    Headers,
    /// Rule 8: the accounts from the key's owner to the target, if it can be reached.
    Target(Option<AccountTrail<'a>>),
    /// Rule 9: the endpoint.
    Endpoint(Sought<'a>),
    /// Rule 10: whether the endpoint is open to publishable keys; `None` for other kinds of keys.
    Publishable(Option<bool>),
    /// Rule 11: the endpoint's permission.
    Permission(Needed<'a>),
    /// Rule 11: a permission at level `read` that an expansion along this path needs.
    Expansion(Cow<'a, str>, Needed<'a>),
    /// Rule 11: an unknown expansion, shown as far as the reply shows it.
    UnknownExpansion(Cow<'a, [u8]>),
}

impl Finding<'_> {
    /// Returns the rule that reports this.
    #[must_use]
    pub fn rule(&self) -> u8 {
        match self {
            Self::Snapshot => 1,
            Self::Credential(_) => 2,
            Self::Key(_) => 3,
            Self::Life(..) => 4,
            Self::Address(_) => 5,
            Self::Mode(_) => 6,
            Self::Headers => 7,
            Self::Target(_) => 8,
            Self::Endpoint(_) => 9,
            Self::Publishable(_) => 10,
            Self::Permission(_) | Self::Expansion(..) | Self::UnknownExpansion(_) => 11,
        }
    }
}

/// The result of the search for the endpoint.
#[derive(Clone, Copy, Debug)]
pub enum Sought<'a> {
    /// There was no search, because the key has every permission.
    Any,
    /// No endpoint can have this method.
    Method,
    /// The request asks to switch protocols.
    Upgrade,
    /// A header or a query parameter names another method or path.
    Override,
    /// The path has more than one reading, or names no endpoint.
    Unread(Unread<'a>),
    /// The endpoint needs no key and has no permission.
    Keyless,
    /// The search found this endpoint.
    Found(Endpoint<'a>),
}

/// Which permissions are enough, and whether the key has one.
#[derive(Clone, Copy, Debug)]
pub enum Needed<'a> {
    /// The key has every permission.
    Everything,
    /// The account is connected, and the key has no permission on connected accounts.
    NotConnected,
    /// The key needs one of several permissions.
    OneOf {
        /// The permissions. Any one is enough.
        permissions: &'a [Permission],
        /// The level.
        access: AccessLevel,
        /// The first of them that the key has.
        held: Option<Permission>,
        /// Whether the account is connected. If so, `connect_grants` count, and direct permissions
        /// do not.
        is_connected: bool,
    },
}
