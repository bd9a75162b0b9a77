//! What the rules found out, for the reply.

use std::fmt;
use std::net::IpAddr;

use super::expansions::Inexpandable;
use crate::credential::{Credential, Scheme};
use crate::endpoint::Endpoint;
use crate::profile::HeaderName;
use crate::request::RequestHead;

/// What a reply may say about the request. It holds no raw key that could be printed.
#[derive(Default)]
pub struct Evidence<'a> {
    /// The request.
    pub request: Option<&'a RequestHead<'a>>,
    /// The credential, once there is one.
    pub credential: Option<Credential<'a>>,
    /// The scheme the client used.
    pub scheme: Option<Scheme>,
    /// A malformed credential: its scheme and stars.
    pub malformed_credential: Option<String>,
    /// The client's address, once it was asked for.
    pub address: Option<IpAddr>,
    /// The account the request names.
    pub account: Option<&'a str>,
    /// The header that is wrong.
    pub header: Option<&'a HeaderName>,
    /// The endpoint, once it is known.
    pub endpoint: Option<Endpoint<'a>>,
    /// The label of a permission that the key lacks, where it is not the endpoint's.
    pub label: Option<&'a str>,
    /// What cannot be expanded.
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
