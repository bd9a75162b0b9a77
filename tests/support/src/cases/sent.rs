//! A case's request as Envoy passes it to the filter, and how Envoy applies the filter's changes to
//! it.

use std::net::IpAddr;

use keyward::address::parse_source;
use keyward::upstream::HeaderChange;

use super::corpus::{self, Request};

/// An arbitrary time. The corpus does not depend on it.
pub const NOW: u64 = 1_795_200_000;

/// Returns the headers as Envoy passes them to the filter: with names in lower case, pseudo-headers
/// first, and a body announced.
pub fn sent(request: &Request) -> Vec<(String, Vec<u8>)> {
    let bytes = |text: &corpus::Text| text.as_bytes().to_vec();
    let mut sent = vec![(":method".to_owned(), bytes(&request.method))];
    sent.extend(
        request
            .path
            .iter()
            .map(|path| (":path".to_owned(), bytes(path))),
    );
    sent.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), bytes(value))),
    );
    sent.extend(request.body.iter().map(|body| {
        let length = body.len().to_string();
        ("content-length".to_owned(), length.into_bytes())
    }));
    sent
}

/// Returns the address as Envoy's `source.address` shows it. Envoy passes on anything that is not
/// an address unchanged.
pub fn source(address: &str) -> Option<IpAddr> {
    let written = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => format!("{v4}:0"),
        Ok(IpAddr::V6(v6)) => format!("[{v6}]:0"),
        Err(_) => address.to_owned(),
    };
    parse_source(written.as_bytes())
}

/// Applies these changes as Envoy does.
pub fn changed(
    mut headers: Vec<(String, Vec<u8>)>,
    changes: Vec<HeaderChange<'_>>,
) -> Vec<(String, Vec<u8>)> {
    for change in changes {
        match change {
            HeaderChange::Remove(name) => headers.retain(|(of, _)| of.as_bytes() != &*name),
            HeaderChange::Add(name, value) => {
                headers.push((name.into_owned(), value.into_owned().into_bytes()));
            }
        }
    }
    headers
}
