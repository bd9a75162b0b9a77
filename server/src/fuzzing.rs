//! What the fuzz targets call: the readers of input from outside, over bytes. The types inside
//! them stay private.

use std::net::IpAddr;

use axum::http::{HeaderValue, Request};
use serde::de::DeserializeOwned;

use crate::api::bodies;
use crate::http::call;
use crate::http::failure::Failure;
use crate::http::{paging, principal};
use crate::store::lists::From;

/// How many bytes of a filter's digest a cursor has.
pub const FILTER: usize = paging::FILTER;

/// The id of the key that a principal header names, and the permission with its level.
#[must_use]
pub fn told(value: &[u8]) -> Option<(String, Option<(String, &'static str)>)> {
    let told = principal::read(value)?;
    let permission = told.permission;
    Some((
        told.key,
        permission.map(|(name, level)| (name, level.name())),
    ))
}

/// Where a cursor begins: whether the page is older than the record, and the record's number.
#[must_use]
pub fn page(text: &str, filter: [u8; FILTER]) -> Option<(bool, u64)> {
    match paging::read::<u64>(text, filter)? {
        From::Newest => None,
        From::OlderThan(number) => Some((true, number)),
        From::NewerThan(number) => Some((false, number)),
    }
}

/// The cursor that is given out for a page.
#[must_use]
pub fn cursor(is_older: bool, number: u64, filter: [u8; FILTER]) -> String {
    let from = if is_older {
        From::OlderThan(number)
    } else {
        From::NewerThan(number)
    };
    paging::cursor(&from, filter).unwrap_or_default()
}

/// The client's address, of the values of `X-Forwarded-For`. `None` if a value is not valid in HTTP, and
/// otherwise what is read.
#[must_use]
pub fn client_address(values: &[&[u8]]) -> Option<Option<IpAddr>> {
    let mut request = Request::new(());
    for value in values {
        let value = HeaderValue::from_bytes(value).ok()?;
        request.headers_mut().append("x-forwarded-for", value);
    }
    Some(crate::http::address::last_forwarded(
        &request.into_parts().0,
    ))
}

/// Reads a body: the code and the message of its refusal.
type Read = fn(&[u8]) -> Result<(), (&'static str, String)>;

/// All kinds of body, by the names of their types.
pub const BODIES: &[(&str, Read)] = &[
    ("AccountUpdate", read::<bodies::AccountUpdate>),
    ("Duplicate", read::<bodies::Duplicate>),
    ("Endpoints", read::<bodies::Endpoints>),
    ("FileToApply", read::<bodies::FileToApply>),
    ("FileToPlan", read::<bodies::FileToPlan>),
    ("GrantSet", read::<bodies::GrantSet>),
    ("Import", read::<bodies::Import>),
    ("Lookup", read::<bodies::Lookup>),
    ("NewAccount", read::<bodies::NewAccount>),
    ("NewGrantSet", read::<bodies::NewGrantSet>),
    ("NewKey", read::<bodies::NewKey>),
    ("PolicyMembers", read::<bodies::PolicyMembers>),
    ("Revocation", read::<bodies::Revocation>),
    ("Rotation", read::<bodies::Rotation>),
    ("Suspension", read::<bodies::Suspension>),
    ("Update", read::<bodies::Update>),
    ("NewConsoleSession", read::<bodies::NewConsoleSession>),
    ("NewPortalSession", read::<bodies::NewPortalSession>),
    ("Ending", read::<bodies::Ending>),
];

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<(), (&'static str, String)> {
    let refusal = |failure: Failure| (failure.name(), failure.message().to_owned());
    call::members_of::<T>(body).map(|_| ()).map_err(refusal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_body_that_a_route_takes_is_fuzzed() {
        let bodies = ROUTES.iter().filter_map(|route| route.body);
        let taken: BTreeSet<String> = bodies.map(|describe| describe(&mut Vec::new())).collect();
        let fuzzed: BTreeSet<String> = BODIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(fuzzed, taken);
    }
}
