//! The request to explain, from arguments or JSON.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde::Deserialize;

use keyward::configuration::Configuration;
use keyward::request::RequestHead;

/// A request's head, in bytes.
pub(super) struct Question {
    /// Pseudo-headers come first, and names are in lower case, as Envoy passes them.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) address: Option<IpAddr>,
    has_body: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    method: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    ip: Option<IpAddr>,
    #[serde(default)]
    body: bool,
}

impl Question {
    /// Creates a request from what a person types.
    pub(super) fn new(
        method: &str,
        path: &str,
        key: Option<(String, String)>,
        headers: &[(String, String)],
        address: Option<IpAddr>,
        has_body: bool,
    ) -> Self {
        let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        let mut all = vec![pair(":method", method), pair(":path", path)];
        all.extend(key.map(|(name, value)| pair(&name, &value)));
        all.extend(headers.iter().map(|(name, value)| pair(name, value)));
        Self {
            headers: all,
            address,
            has_body,
        }
    }

    /// Reads a request that a program wrote, with one character per byte.
    pub(super) fn from_json(line: &str) -> Result<Self> {
        let line: Line = serde_json::from_str(line)?;
        let mut headers = vec![(b":method".to_vec(), latin1(&line.method)?)];
        if let Some(path) = &line.path {
            headers.push((b":path".to_vec(), latin1(path)?));
        }
        for (name, value) in &line.headers {
            headers.push((latin1(&name.to_ascii_lowercase())?, latin1(value)?));
        }
        Ok(Self {
            headers,
            address: line.ip,
            has_body: line.body,
        })
    }

    pub(super) fn head<'a>(&'a self, configuration: &Configuration) -> RequestHead<'a> {
        RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            self.headers
                .iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice())),
            self.has_body,
        )
    }
}

fn latin1(text: &str) -> Result<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(c).ok().context("a character above U+00FF"))
        .collect()
}

/// Returns the header with a key: either a custom header with the bare key, or `Authorization`.
pub(super) fn credential(header: Option<&str>, key: &str) -> (String, String) {
    match header {
        Some(name) => (name.to_ascii_lowercase(), key.to_owned()),
        None => ("authorization".to_owned(), format!("Bearer {key}")),
    }
}

/// Parses `NAME: VALUE`.
pub(super) fn header(text: &str) -> Result<(String, String)> {
    let Some((name, value)) = text.split_once(':') else {
        bail!("expected `NAME: VALUE`");
    };
    let name = name.trim().to_ascii_lowercase();
    if name == "authorization" {
        bail!("keys are not arguments; use --key-stdin");
    }
    Ok((name, value.trim().to_owned()))
}

/// Parses Unix seconds or an RFC 3339 time.
pub(crate) fn time(text: &str) -> Result<u64> {
    text.parse()
        .ok()
        .or_else(|| u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok())
        .context("expected Unix seconds, or a time such as `2026-11-20T12:00:00Z`")
}
