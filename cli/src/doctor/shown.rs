//! What a log or a span should not show, and which headers contain it.

use super::headers::fold;
use super::instance::Plugin;

/// Something that a log must not contain, or that cannot be ruled out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// A key in clear text, or another secret.
    Credential(String),
    /// A header for other kinds of credentials, which may also contain the key of a misconfigured
    /// client.
    Secretive(String),
    /// A path with its query, or a part of the query.
    Query(String),
    /// `x-envoy-original-path`, which an internal client can set.
    OriginalPath,
    /// `x-request-id`, which any client can set if Envoy preserves it.
    RequestId,
    /// Something that cannot be judged.
    Unjudged(String),
}

/// Headers with credentials that are not keyward's.
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

/// Headers that contain a path with its query, or the URL of another page.
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

/// What the keyward filters of a chain reveal about the content of a log.
pub(super) struct Known {
    /// Their filter states, which contain no key.
    states: Vec<String>,
    /// The headers other than `Authorization` that may contain the key, folded.
    credentials: Vec<String>,
}

impl Known {
    pub(super) fn of(plugins: &[Plugin<'_>]) -> Self {
        let read = plugins.iter().filter_map(Plugin::configuration);
        let credentials = read.flat_map(|read| read.profile().names().credential_headers.iter());
        let states = plugins.iter().map(Plugin::state);
        Self::new(states, credentials.map(|name| &**name))
    }

    pub(super) fn new<'a>(
        states: impl IntoIterator<Item = String>,
        credentials: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            states: states.into_iter().collect(),
            credentials: credentials.into_iter().map(fold).collect(),
        }
    }

    /// Whether the filter state `key` is one of theirs.
    pub(super) fn is_state(&self, key: &str) -> bool {
        self.states.iter().any(|state| state == key)
    }

    /// Returns what a request's header may contain.
    pub(super) fn by_header(&self, name: &str) -> Option<Shown> {
        if self.credentials.contains(&fold(name)) {
            return Some(Shown::Credential(name.to_owned()));
        }
        by_header(name)
    }
}

fn by_header(name: &str) -> Option<Shown> {
    let folded = fold(name);
    match folded.as_str() {
        "authorization" => Some(Shown::Credential(name.to_owned())),
        "x-request-id" => Some(Shown::RequestId),
        folded if SECRETIVE.contains(&folded) => Some(Shown::Secretive(name.to_owned())),
        folded if WITH_QUERY.contains(&folded) => Some(Shown::Query(name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::operators::shown_by;

    #[test]
    fn a_header_that_the_key_may_be_in_is_a_credential() {
        let known = Known::new([], ["Acme-Key", "X-API-Key"]);
        for format in [
            "%REQ(Acme-Key)%",
            "%REQ(acme_key?x-request-id):10%",
            "%REQUEST_HEADER(X-API-Key)%",
            "%CEL(request.headers['acme-key'])%",
            r#"%COALESCE({"operators": ["PROTOCOL", {"command": "REQ", "param": "acme-key"}]})%"#,
        ] {
            let shown = shown_by(format, &known);
            let is_credential = |one: &Shown| matches!(one, Shown::Credential(_));
            assert!(shown.iter().any(is_credential), "{format}: {shown:?}");
        }
        let nothing = Known::new([], []);
        assert_eq!(shown_by("%REQ(Acme-Key)%", &nothing), []);
        let other = shown_by("%REQ(X-API-Key)%", &nothing);
        assert_eq!(other, [Shown::Secretive("X-API-Key".to_owned())]);
    }
}
