//! The request's headers, divided into keyward's and the rest.

use serde_json::Value;

use super::names::folded;
use super::{text, texts};

const OVERRIDES: [&str; 19] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "http-method-override",
    "x-request-method",
    "x-http-verb",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-request-uri",
    "x-waws-unencoded-url",
    "x-matched-path",
    "x-invoke-path",
    "script-name",
    "path-info",
    "x-script-name",
    "x-forwarded-script-name",
    "x-traversal-path",
    "x-vhm-root",
];

/// The headers that remain after the identity headers that a client sent are removed.
pub(super) struct Headers {
    /// Names in lower case, otherwise as spelled.
    remaining: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether a removed identity header was spelled with other bytes in place of its hyphens.
    pub(super) is_identity_misspelled: bool,
}

/// What a request sends under one of keyward's names.
pub(super) enum Ours {
    Absent,
    /// Several, empty, misspelled, or not printable ASCII.
    Malformed,
    One(String),
}

impl Headers {
    pub(super) fn read(configuration: &Value, headers: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let identities = identity_names(configuration);
        let mut remaining = Vec::new();
        let mut is_identity_misspelled = false;
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if identities.contains(&folded(&name)) {
                is_identity_misspelled |= !identities.iter().any(|ours| ours.as_bytes() == name);
            } else {
                remaining.push((name, value.clone()));
            }
        }
        Self {
            remaining,
            is_identity_misspelled,
        }
    }

    /// Returns whether there is a header with exactly this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.remaining
            .iter()
            .any(|(other, _)| other == name.as_bytes())
    }

    /// Returns the values of all headers with exactly this name.
    pub(super) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let named = self
            .remaining
            .iter()
            .filter(|(other, _)| other == name.as_bytes());
        named.map(|(_, value)| value.clone()).collect()
    }

    /// Returns whether there is a header with this name in any spelling.
    pub(super) fn has_any_spelling(&self, name: &str) -> bool {
        self.remaining
            .iter()
            .any(|(other, _)| folded(other) == name)
    }

    /// Returns the headers with these names in any spelling.
    pub(super) fn spelled_as(&self, names: &[String]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let is_one = |name: &[u8]| names.iter().any(|ours| folded(name) == *ours);
        self.remaining
            .iter()
            .filter(|(name, _)| is_one(name))
            .cloned()
            .collect()
    }

    pub(super) fn has_stripe(&self) -> bool {
        self.remaining
            .iter()
            .any(|(name, _)| folded(name).starts_with("stripe-"))
    }

    /// Returns whether a body is announced, or some server may think so.
    pub(super) fn announces_body(&self) -> bool {
        self.remaining.iter().any(|(name, value)| {
            let is_empty = name == b"content-length" && value == b"0";
            ["content-length", "transfer-encoding"].contains(&&*folded(name)) && !is_empty
        })
    }

    pub(super) fn has_override(&self) -> bool {
        OVERRIDES.iter().any(|name| self.has_any_spelling(name))
    }

    /// Returns the value of keyward's header with this name.
    pub(super) fn ours(&self, name: &str) -> Ours {
        let mut found = Vec::new();
        for (other, value) in &self.remaining {
            if folded(other) == name {
                if other != name.as_bytes() {
                    return Ours::Malformed;
                }
                found.push(value);
            }
        }
        match found.as_slice() {
            [] => Ours::Absent,
            [value] if value.is_empty() => Ours::Malformed,
            [value] if !value.iter().all(|byte| (0x20..=0x7e).contains(byte)) => Ours::Malformed,
            [value] => Ours::One(String::from_utf8_lossy(value).into_owned()),
            _ => Ours::Malformed,
        }
    }
}

/// Returns the names that keyward writes. Headers with these names are removed from every request.
/// The default name is included even if it is renamed or off.
fn identity_names(configuration: &Value) -> Vec<String> {
    let mut names = vec!["x-keyward-principal".to_owned()];
    if let Some(name) = text(configuration, "principal_header")
        && !name.is_empty()
    {
        names.push(name.to_owned());
    }
    if let Some(singles) = configuration
        .get("identity_headers")
        .and_then(Value::as_object)
    {
        names.extend(singles.keys().cloned());
    }
    names.extend(texts(configuration, "former_identity_headers"));
    names
}
