//! Endpoints: which permission a request needs, found by its method and path.

mod builtin;
mod catalogue;
mod method;
mod path;
mod template;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use builtin::{BuiltinRow, PERMISSIONS, ROWS, add_builtin_rows};
pub use catalogue::{EndpointCatalogue, Origin, RowFault};
pub use method::Method;
pub use path::PlainPath;

use crate::permission::{AccessLevel, Permission};

/// What an endpoint asks of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No credential at all.
    Public,
    /// A key.
    Key {
        /// Any one of these, at least one.
        permissions: Box<[Permission]>,
        /// At this level.
        access: AccessLevel,
        /// Whether publishable keys may call it.
        publishable: bool,
    },
}

/// One endpoint of the API behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it asks of a caller.
    pub rule: Rule,
    /// The resource's name for people.
    pub label: Cow<'static, str>,
}

impl Endpoint {
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
