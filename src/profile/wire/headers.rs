//! Checks the names of headers in a profile: each has one spelling, and no other meaning.

use super::super::{HeaderName, Names, OVERRIDES};
use super::spelled;
use crate::order::has_equals;
use crate::refusal::{Place, Refusal};
use crate::wire::{Text, form, present};

form! {
pub(super) struct Headers<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    version: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    context: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    account: Option<Text<'a>>,
}
}

pub(super) fn read(wire: Headers<'_>, names: &mut Names, place: &Place) -> Result<(), Refusal> {
    let Headers {
        version,
        context,
        account,
    } = wire;
    if let Some(text) = version {
        names.version_header = header(&text, &place.then("version"))?;
        names.version_parameter = parameter(&names.version_header);
    }
    if let Some(text) = context {
        names.context_header = header(&text, &place.then("context"))?;
    }
    if let Some(text) = account {
        names.account_header = header(&text, &place.then("account"))?;
        names.account_parameter = parameter(&names.account_header);
    }
    names.header_family = family(names);
    Ok(())
}

/// The maximum number of names. Every header of a request that keyward reads is compared with each.
const MOST: usize = 32;

/// Reads the names of headers in a list. None may already have a meaning.
pub(super) fn read_more(
    wire: &[Text<'_>],
    names: &Names,
    place: &Place,
) -> Result<Box<[Box<str>]>, Refusal> {
    if wire.len() > MOST {
        return Err(place.expected("at most 32 headers"));
    }
    // Headers that clients, HTTP or Envoy put on every request.
    let usual = [
        "accept",
        "cookie",
        "user-agent",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-client-cert",
    ];
    let mut headers: Vec<Box<str>> = Vec::new();
    for (index, text) in wire.iter().enumerate() {
        let place = place.at(index);
        let mut name = header_name(text, &place)?;
        name.make_ascii_lowercase();
        if is_taken(&name) || usual.contains(&&*name) || names.reads(&name) {
            return Err(place.expected(HEADER));
        }
        if headers.contains(&name) {
            return Err(place.refused("a header name is given twice"));
        }
        headers.push(name);
    }
    Ok(headers.into())
}

/// Returns the query parameter that replaces a header, such as `_stripe_account` for
/// `Stripe-Account`.
fn parameter(header: &HeaderName) -> Box<str> {
    format!("_{}", header.lower().replace('-', "_")).into()
}

/// Returns the prefix, up to a hyphen, that all headers of the API share: `acme-`. Returns `None`
/// if other headers also have it, such as `x-`.
fn family(names: &Names) -> Option<Box<str>> {
    let [first, others @ ..] = names.request_headers().map(HeaderName::lower);
    let family = first
        .match_indices('-')
        .filter_map(|(hyphen, _)| first.get(..=hyphen))
        .rfind(|start| others.iter().all(|other| other.starts_with(start)))?;
    // Headers that browsers and proxies put on any preflight.
    let common = [
        "accept-language",
        "access-control-request-method",
        "cache-control",
        "content-length",
        "sec-fetch-mode",
        "user-agent",
        "x-request-id",
    ];
    let is_common = common.iter().any(|name| name.starts_with(family));
    (!is_common).then(|| family.into())
}

/// Reads a header's name: letters, digits and hyphens, so that only hyphens differ when servers
/// fold it.
fn header_name(text: &Text<'_>, place: &Place) -> Result<Box<str>, Refusal> {
    let is_header = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = spelled(text, 1, 64, is_header, place, HEADER)?;
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        Ok(name)
    } else {
        Err(place.expected(HEADER))
    }
}

const HEADER: &str = "a header name of letters, digits and hyphens that has no other meaning here";

/// Reads a header that keyward reads from requests or writes into replies.
pub(super) fn header(text: &Text<'_>, place: &Place) -> Result<HeaderName, Refusal> {
    let name = header_name(text, place)?;
    let lower = name.to_ascii_lowercase();
    let is_override = OVERRIDES.contains(&&*lower);
    if is_taken(&lower) || is_override || lower.starts_with("x-forwarded-") {
        return Err(place.expected(HEADER));
    }
    Ok(HeaderName::new(&name))
}

/// Returns whether a header already has a meaning in HTTP, Envoy or keyward.
fn is_taken(lower: &str) -> bool {
    let taken = [
        "authorization",
        "host",
        "connection",
        "upgrade",
        "origin",
        "content-type",
        "content-length",
        "transfer-encoding",
        "te",
        "access-control-request-method",
        // Headers that every reply has.
        "www-authenticate",
        "cache-control",
        "retry-after",
        "request-id",
    ];
    let theirs = ["x-keyward-", "x-envoy-"];
    taken.contains(&lower) || theirs.iter().any(|start| lower.starts_with(start))
}

pub(super) fn distinct(names: &Names, place: &Place) -> Result<(), Refusal> {
    let all = [
        names.version_header.lower(),
        names.context_header.lower(),
        names.account_header.lower(),
        names.retry_header.lower(),
    ];
    let is_taken = |name: &str| name == names.retry_header.lower() || OVERRIDES.contains(&name);
    if names.credential_headers.iter().any(|name| is_taken(name)) {
        return Err(place.then("credential_headers").expected(HEADER));
    }
    if has_equals(&all) {
        return Err(place
            .then("headers")
            .refused("a header name is given twice"));
    }
    Ok(())
}
