//! Endpoints: which permission a request needs, found by its method and path.

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

/// What an endpoint asks of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// No credential at all.
    Public,
    /// A key.
    Key {
        /// Any one of these, at least one.
        permissions: &'a [Permission],
        /// At this level.
        access: AccessLevel,
        /// Whether publishable keys may call it.
        publishable: bool,
    },
}

/// One endpoint of the API that the gateway protects, as the catalogue has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// What it asks of a caller.
    pub rule: Rule<'a>,
    /// The resource's name for people.
    pub label: &'a str,
    /// The row it comes from.
    pub row: Row,
    /// The place in [`ROWS`] of this row, or of the row that it replaces: its replies are known from there.
    pub built_in: Option<u16>,
    /// What the operator lets a query expand beyond what is known of the replies.
    pub expansions: Expansions<'a>,
}

/// Why a path leads to no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread<'p> {
    /// The path as a whole has several readings: [`doubt`] says where.
    SeveralReadings,
    /// Some servers take this segment for another one, which is a literal of the catalogue.
    Alike(&'p str),
    /// No row has this method and path.
    Unlisted,
}

/// Where an endpoint comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// The place in [`ROWS`].
    Builtin(u16),
    /// The place among the snapshot's own.
    Own(usize),
}

impl Endpoint<'_> {
    /// Whether the endpoint needs no credential.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.rule, Rule::Public)
    }
}

/// The level a method needs where the row does not say: GET and HEAD read, the others write.
#[must_use]
pub fn access_of(method: Method) -> AccessLevel {
    match method {
        Method::Get => AccessLevel::Read,
        Method::Post | Method::Delete | Method::Put | Method::Patch => AccessLevel::Write,
    }
}
