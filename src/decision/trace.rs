//! What the rules report of what they asked, for a person who wants to know how a decision came about. In the filter a report is nothing: it is not even put together.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::credential::Credential;
use crate::endpoint::{Endpoint, Unread};
use crate::permission::{AccessLevel, Permission};
use crate::principal::AccountTrail;
use crate::snapshot::KeyRecord;

/// Takes the reports of one decision, in the order of the rules.
pub trait Trace<'a> {
    /// Takes a report, and calls `finding` only where it is kept.
    fn report(&mut self, finding: impl FnOnce() -> Finding<'a>);
}

/// The filter's trace: it keeps nothing, and costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Untraced;

impl<'a> Trace<'a> for Untraced {
    fn report(&mut self, _: impl FnOnce() -> Finding<'a>) {}
}

/// All reports, in order.
impl<'a> Trace<'a> for Vec<Finding<'a>> {
    fn report(&mut self, finding: impl FnOnce() -> Finding<'a>) {
        self.push(finding());
    }
}

/// What a rule asked, and what it found.
#[derive(Debug)]
pub enum Finding<'a> {
    /// Rule 1: the snapshot and its age.
    Snapshot,
    /// Rule 2: the one well-formed credential, if there is one.
    Credential(Option<Credential<'a>>),
    /// Rule 3: the key that it is.
    Key(Option<KeyRecord<'a>>),
    /// Rule 4: the key's state, and the time, where it mattered.
    Life(KeyRecord<'a>, Option<u64>),
    /// Rule 5: `None` where the key works from everywhere, else the client's address, if it has one.
    Address(Option<Option<IpAddr>>),
    /// Rule 6: the key whose mode counts.
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
    /// Rule 11: a permission that an expansion on the way of this path asks for, at level read.
    Expansion(Cow<'a, str>, Needed<'a>),
    /// Rule 11: an expansion that is not known; shown as far as the reply shows it.
    UnknownExpansion(Cow<'a, [u8]>),
}

impl Finding<'_> {
    /// The rule that reports it.
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

/// What became of the search for the endpoint.
#[derive(Clone, Copy, Debug)]
pub enum Sought<'a> {
    /// There was none: the key has every permission.
    Any,
    /// No endpoint has this method.
    Method,
    /// The request asks to change the protocol.
    Upgrade,
    /// A header or a parameter of the query names another method or path.
    Override,
    /// The path has more than one reading, or names no endpoint.
    Unread(Unread<'a>),
    /// The endpoint needs no key, and says nothing of permissions.
    Keyless,
    /// It is this one.
    Found(Endpoint<'a>),
}

/// Which permissions would do, and whether one is held.
#[derive(Clone, Copy, Debug)]
pub enum Needed<'a> {
    /// The key has every permission.
    Everything,
    /// The account is a connected one, and the key has no permission on those.
    NotConnected,
    /// One of several.
    OneOf {
        /// Any of these will do.
        permissions: &'a [Permission],
        /// At this level.
        access: AccessLevel,
        /// The first of them that is held.
        held: Option<Permission>,
        /// Whether the account is a connected one, where `connect_grants` count, and direct permissions for nothing.
        is_connected: bool,
    },
}
