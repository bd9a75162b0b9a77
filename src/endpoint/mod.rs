//! Endpoints: which permission a request needs, determined by its method and path.

mod builtin;
mod catalogue;
mod doubt;
mod expansions;
mod method;
mod path;
mod template;
mod tree;

#[cfg(test)]
mod tests;

pub use builtin::{BuiltinRow, ROWS};
pub use catalogue::{EndpointCatalogue, OwnEndpoint, OwnRule};
pub use doubt::{Doubt, doubt};
pub use expansions::{AddedExpansions, Expansions};
pub use method::Method;
pub use path::PlainPath;
pub use tree::RowFault;

use crate::permission::{AccessLevel, Permission};

/// What an endpoint requires of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// The caller needs no credential.
    Public,
    /// The caller needs a key.
    Key {
        /// At least one permission. Any one is enough.
        permissions: &'a [Permission],
        /// The level.
        access: AccessLevel,
        /// Whether publishable keys may call it.
        publishable: bool,
    },
}

/// An endpoint of the API that the gateway protects, as the catalogue describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// What the endpoint requires of a caller.
    pub rule: Rule<'a>,
    /// The resource's display name.
    pub label: &'a str,
    /// The row that the endpoint comes from.
    pub row: Row,
    /// The place in [`ROWS`] of this row, or of the row that it replaces. keyward knows the replies
    /// of that row.
    pub built_in: Option<u16>,
    /// What the operator lets a query expand in addition to the known expansions.
    pub expansions: Expansions<'a>,
}

/// Why a path leads to no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread<'p> {
    /// The path as a whole has several readings. [`doubt`] returns the part that causes them.
    SeveralReadings,
    /// Some servers read this segment as another one, which is a literal of the catalogue.
    Alike(&'p str),
    /// No row has this method and path.
    Unlisted,
}

/// Where an endpoint comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// The place in [`ROWS`].
    Builtin(u16),
    /// The place among the snapshot's rows.
    Own(usize),
}

impl Endpoint<'_> {
    /// Returns whether the endpoint needs no credential.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.rule, Rule::Public)
    }
}

/// Returns the level that a method needs if the row does not state one: GET and HEAD read, the
/// others write.
#[must_use]
pub fn access_of(method: Method) -> AccessLevel {
    match method {
        Method::Get => AccessLevel::Read,
        Method::Post | Method::Delete | Method::Put | Method::Patch => AccessLevel::Write,
    }
}
