//! What a log or a span should not show, and which headers hold it.

use super::headers::fold;

/// Something that a log should not hold, or may not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// A key as it is, or another secret.
    Credential(String),
    /// A header that holds credentials of other kinds, among them keys of a client that is confused.
    Secretive(String),
    /// A path with its query, or some of it.
    Query(String),
    /// `x-envoy-original-path`, which an internal client may write itself.
    OriginalPath,
    /// `x-request-id`, which any client may write where Envoy preserves it.
    RequestId,
    /// What cannot be judged.
    Unjudged(String),
}

/// Credentials that are none of keyward's.
const SECRETIVE: [&str; 8] = [
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-authorization",
    "x-forwarded-authorization",
];

/// Headers that hold a path with its query, or another page's URL.
const WITH_QUERY: [&str; 8] = [
    "-path",
    "x-envoy-original-path",
    "referer",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-forwarded-uri",
    "x-forwarded-path",
];

/// What a request's header may hold.
pub(super) fn by_header(name: &str) -> Option<Shown> {
    let folded = fold(name);
    match folded.as_str() {
        "authorization" => Some(Shown::Credential(name.to_owned())),
        "x-request-id" => Some(Shown::RequestId),
        folded if SECRETIVE.contains(&folded) => Some(Shown::Secretive(name.to_owned())),
        folded if WITH_QUERY.contains(&folded) => Some(Shown::Query(name.to_owned())),
        _ => None,
    }
}
