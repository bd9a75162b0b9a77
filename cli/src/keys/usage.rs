//! When and how often keys were used, from the usage reports (docs/usage.md) of one or several
//! running Envoys.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::http::{Client, Place, Request, authority};
use crate::input;
use crate::times::length_in_words;
use keyward_files::key_file::instant;

/// The maximum length of a part of a report. A gateway ends a part after 256 KiB of records.
const LONGEST_PART: usize = 16 << 20;

/// One part of a report.
#[derive(Deserialize)]
struct Part {
    plugins: Vec<Plugin>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Plugin {
    plugin: String,
    since: u64,
    lost: u64,
    keys: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    key: String,
    #[serde(flatten)]
    used: Used,
}

/// The use of one key, over all reports.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Used {
    allowed: u64,
    would_deny: u64,
    denied: u64,
    verified: u64,
    pub(super) last_accepted: Option<u64>,
    last_seen: Option<u64>,
}

impl Used {
    /// Returns the number of allowed requests and verifications.
    pub(super) fn accepted(&self) -> u64 {
        let passed = self.allowed.saturating_add(self.would_deny);
        passed.saturating_add(self.verified)
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "allowed": self.allowed,
            "would_deny": self.would_deny,
            "denied": self.denied,
            "verified": self.verified,
            "last_accepted": self.last_accepted.map(instant::show),
            "last_seen": self.last_seen.map(instant::show),
        })
    }

    fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.allowed, other.allowed),
            (&mut self.would_deny, other.would_deny),
            (&mut self.denied, other.denied),
            (&mut self.verified, other.verified),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.last_accepted = self.last_accepted.max(other.last_accepted);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}

/// The content of all reports.
#[derive(Debug, Default)]
pub(super) struct Usage {
    keys: HashMap<String, Used>,
    /// The plugin that began to count last, and when. Before that time a key may have been used.
    since: Option<(u64, String)>,
    /// The number of requests that were not counted, or whose count was lost.
    lost: u64,
}

impl Usage {
    /// Reads reports, each from a URL or a file.
    pub(super) fn read(sources: &[String]) -> Result<Self> {
        let mut usage = Self::default();
        for source in sources {
            let parts = if source.starts_with("http://") || source.starts_with("https://") {
                fetched(source)
            } else {
                in_file(source)
            };
            let parts = parts.with_context(|| format!("the usage report `{source}`"))?;
            parts.into_iter().for_each(|part| usage.add(part));
        }
        if usage.since.is_none() {
            bail!(
                "the usage report names no plugin, so nothing is known of any key; docs/usage.md says what it needs"
            );
        }
        Ok(usage)
    }

    fn add(&mut self, part: Part) {
        for plugin in part.plugins {
            self.lost = self.lost.saturating_add(plugin.lost);
            let since = (plugin.since, plugin.plugin);
            self.since = self.since.take().max(Some(since));
            for record in plugin.keys {
                let known = self.keys.entry(record.key).or_default();
                known.add(&record.used);
            }
        }
    }

    /// Returns the use of a key. `None` if it was not used since counting began.
    pub(super) fn of(&self, key: &str) -> Option<&Used> {
        self.keys.get(key)
    }

    /// Returns the number of requests that are in no key's count.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Rejects a claim that a key was unused for longer than the gateways have counted.
    pub(super) fn reaches_back(&self, length: u64, now: u64) -> Result<()> {
        if self.lost > 0 {
            bail!(
                "{} requests are in no key's count (`lost`), so no key is known to be unused; ask the access logs (`keyward audit`)",
                self.lost
            );
        }
        match &self.since {
            Some((since, plugin)) if *since > now.saturating_sub(length) => {
                let counted = length_in_words(now.saturating_sub(*since));
                bail!(
                    "`{plugin}` has counted for {counted} only, since its Envoy started; ask for less, or ask the access logs (`keyward audit --unused-for`)"
                )
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Reads the parts in a file, one after the other. All must be present, because a key in a missing
/// part would look unused.
fn in_file(path: &str) -> Result<Vec<Part>> {
    let bytes = input::read(Path::new(path))?;
    let parts = serde_json::Deserializer::from_slice(&bytes).into_iter::<Part>();
    let parts: Vec<Part> = parts
        .collect::<Result<_, _>>()
        .context("it is not what `/usage` answers")?;
    match parts.last() {
        None => bail!("the file is empty"),
        Some(Part {
            next: Some(next), ..
        }) => {
            bail!(
                "the report goes on at `/usage?from={next}`; append that answer to the file, or name the URL"
            )
        }
        Some(Part { next: None, .. }) => Ok(parts),
    }
}

fn fetched(url: &str) -> Result<Vec<Part>> {
    let rest = url.strip_prefix("http://").unwrap_or("");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if !matches!(path, "" | "/" | "/usage") {
        bail!("expected `http://HOST:PORT/usage`");
    }
    let place = Place::plain(authority(&format!("http://{host}"))?);
    let mut client = Client::new(place)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut from = 0;
    loop {
        let path = match from {
            0 => "/usage".to_owned(),
            from => format!("/usage?from={from}"),
        };
        let response = client.send(&Request::new("GET", &path), LONGEST_PART)?;
        if response.status != 200 {
            bail!(
                "it answers with {}; is it the usage listener, and on this machine?",
                response.status
            );
        }
        let part: Part = serde_json::from_slice(&response.body)
            .ok()
            .context("the answer is not a usage report")?;
        let next = part.next;
        parts.push(part);
        match next {
            None => return Ok(parts),
            Some(next) if next > from => from = next,
            Some(_) => bail!("the parts of the answer do not go on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(parts: &[&str]) -> Usage {
        let mut usage = Usage::default();
        for part in parts {
            usage.add(serde_json::from_str(part).unwrap());
        }
        usage
    }

    const ONE: &str = r#"{"plugins": [{"plugin": "a", "since": 100, "lost": 0, "keys": [
        {"key": "mk_1", "allowed": 4, "would_deny": 1, "denied": 2, "verified": 1, "last_accepted": 150, "last_seen": 160}]}], "next": null}"#;
    const OTHER: &str = r#"{"plugins": [{"plugin": "b", "since": 130, "lost": 0, "keys": [
        {"key": "mk_1", "allowed": 1, "would_deny": 0, "denied": 0, "verified": 0, "last_accepted": 140, "last_seen": 170}]}], "next": null}"#;

    #[test]
    fn reports_add_up() {
        let usage = usage(&[ONE, OTHER]);
        let used = usage.of("mk_1").unwrap();
        assert_eq!((used.accepted(), used.denied), (7, 2));
        assert_eq!((used.last_accepted, used.last_seen), (Some(150), Some(170)));
        assert_eq!(usage.of("mk_2"), None);
    }

    #[test]
    fn no_key_is_called_unused_for_longer_than_was_counted() {
        let both = usage(&[ONE, OTHER]);
        assert!(both.reaches_back(70, 200).is_ok());
        let error = both.reaches_back(71, 200).unwrap_err().to_string();
        assert!(
            error.contains("`b` has counted for 70 seconds only"),
            "{error}"
        );
        let lost = usage(&[&ONE.replace("\"lost\": 0", "\"lost\": 3")]);
        let error = lost.reaches_back(1, 200).unwrap_err().to_string();
        assert!(error.contains("3 requests"), "{error}");
    }
}
