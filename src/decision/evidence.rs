//! What the rules found out, for the reply to use.

use std::fmt;
use std::net::IpAddr;

use super::expansions::Inexpandable;
use crate::credential::{Credential, Scheme};
use crate::endpoint::Endpoint;
use crate::profile::HeaderName;
use crate::request::RequestHead;

/// What a reply may say about the request. It contains no raw key in printable form.
#[derive(Default)]
pub struct Evidence<'a> {
    /// The request.
    pub request: Option<&'a RequestHead<'a>>,
    /// The credential, after rule 2 has read one.
    pub credential: Option<Credential<'a>>,
    /// The scheme the client used.
    pub scheme: Option<Scheme>,
    /// A malformed credential, as its scheme and stars.
    pub malformed_credential: Option<String>,
    /// The client's address, if a rule needed it.
    pub address: Option<IpAddr>,
    /// The account that the request names.
    pub account: Option<&'a str>,
    /// The wrong header.
    pub header: Option<&'a HeaderName>,
    /// The endpoint, after rule 9 has found one.
    pub endpoint: Option<Endpoint<'a>>,
    /// The label of a permission that the key lacks, if it is not the endpoint's.
    pub label: Option<&'a str>,
    /// What the request may not expand.
    pub expansion: Option<Inexpandable<'a>>,
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("credential", &self.credential)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
