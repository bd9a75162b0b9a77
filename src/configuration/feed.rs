//! The feed from which a gateway gets snapshots, instead of having them pushed: where it is, and
//! whose signatures the gateway trusts.

use super::wire;
use crate::id::{self, is_id};
use crate::mask::KnownPrefixes;
use crate::refusal::{Place, Refusal};
use crate::signify::{PUBLIC_KEY_EXPECTED, PublicKey};
use crate::snapshot::Revision;

/// Enough for old and new keys during a rotation.
const MOST_KEYS: usize = 4;

/// In seconds. Load balancers close connections that are silent for a minute.
const LONGEST_WAIT: u64 = 60;
const LONGEST_INTERVAL: u64 = 3600;

const DEFAULT_WAIT: u64 = 25;
const DEFAULT_INTERVAL: u64 = 5;

/// The maximum pause after a failure, in milliseconds, including everything that is added to it.
const LONGEST_BACKOFF: u64 = 31_000;

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The feed's name. Every head of the feed contains it.
    pub name: Box<str>,
    /// The name of Envoy's cluster.
    pub cluster: Box<str>,
    /// The host that requests name.
    pub authority: Box<str>,
    /// The path before `/head` and `/o/…`: empty, or `/…` without a trailing slash.
    pub path: Box<str>,
    /// The keys whose signatures the gateway trusts.
    pub public_keys: Box<[PublicKey]>,
    /// How many seconds a server may delay its answer while nothing changes.
    pub wait: u64,
    /// After how many seconds the gateway polls a server that does not delay its answers.
    pub interval: u64,
    /// The gateway accepts no head below this revision.
    pub min_revision: Option<Revision>,
    /// Whether the configuration's snapshot is served until the first head is verified.
    pub serve_seed: bool,
}

impl Feed {
    /// Checks the feed's settings. Names appear unchanged in logs, paths and metrics, so they must
    /// not contain a key.
    pub(super) fn read(
        wire: &wire::Feed<'_>,
        prefixes: &KnownPrefixes,
        place: &Place,
    ) -> Result<Self, Refusal> {
        let named = [
            ("name", Some(&wire.name)),
            ("cluster", Some(&wire.cluster)),
            ("authority", Some(&wire.authority)),
            ("path", wire.path.as_ref()),
        ];
        for (member, text) in named {
            if text.is_some_and(|text| prefixes.occur_in(&text.0)) {
                return Err(place.then(member).refused(LOOKS_LIKE_A_KEY));
            }
        }
        let seconds =
            |given: Option<crate::wire::Integer>, default| given.map_or(default, |it| it.0);
        if !is_id(&wire.name.0) {
            return Err(place.then("name").expected(id::EXPECTED));
        }
        if !is_cluster(&wire.cluster.0) {
            return Err(place.then("cluster").expected(CLUSTER));
        }
        if !is_authority(&wire.authority.0) {
            return Err(place.then("authority").expected(AUTHORITY));
        }
        let path = wire.path.as_ref().map_or("", |path| &*path.0);
        let path = path.strip_suffix('/').unwrap_or(path);
        if !is_path(path) {
            return Err(place.then("path").expected(PATH));
        }
        let wait = seconds(wire.wait, DEFAULT_WAIT);
        if !(1..=LONGEST_WAIT).contains(&wait) {
            return Err(place.then("wait").expected("1 to 60 seconds"));
        }
        let interval = seconds(wire.interval, DEFAULT_INTERVAL);
        if !(1..=LONGEST_INTERVAL).contains(&interval) {
            return Err(place.then("interval").expected("1 to 3600 seconds"));
        }
        let min_revision = match wire.min_revision {
            None => None,
            Some(number) => Some(Revision::new(number.0).ok_or_else(|| {
                let place = place.then("min_revision");
                place.expected("an integer below 10^15")
            })?),
        };
        Ok(Self {
            name: wire.name.0.as_ref().into(),
            cluster: wire.cluster.0.as_ref().into(),
            authority: wire.authority.0.as_ref().into(),
            path: path.into(),
            public_keys: public_keys(&wire.public_keys, &place.then("public_keys"))?,
            wait,
            interval,
            min_revision,
            serve_seed: wire.serve_seed,
        })
    }

    /// Returns the maximum pause between two polls, in milliseconds.
    pub(crate) fn longest_pause(&self) -> u64 {
        self.interval
            .saturating_mul(1200)
            .saturating_add(LONGEST_BACKOFF)
    }
}

fn public_keys(
    lines: &[crate::wire::Text<'_>],
    place: &Place,
) -> Result<Box<[PublicKey]>, Refusal> {
    if !(1..=MOST_KEYS).contains(&lines.len()) {
        return Err(place.expected("1 to 4 public keys"));
    }
    let mut keys: Vec<PublicKey> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let place = place.at(index);
        let key =
            PublicKey::from_line(&line.0).ok_or_else(|| place.expected(PUBLIC_KEY_EXPECTED))?;
        if keys.contains(&key) {
            return Err(place.refused("a key is given twice"));
        }
        keys.push(key);
    }
    Ok(keys.into())
}

const LOOKS_LIKE_A_KEY: &str = "expected a name, and this looks like a key";

const CLUSTER: &str = "the name of a cluster: 1 to 256 visible ASCII characters";

fn is_cluster(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

const AUTHORITY: &str =
    "a host, with or without a port: 1 to 255 letters, digits, `.`, `-`, `_`, `:`, `[` or `]`";

fn is_authority(host: &str) -> bool {
    let is_spelled = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    (1..=255).contains(&host.len()) && host.bytes().all(is_spelled)
}

const PATH: &str = "a path `/…` of at most 256 letters, digits, `.`, `-`, `_` or `~`, no segment of which is empty or begins with a dot";

/// Returns whether a path has only one reading, whatever normalizes it.
fn is_path(path: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~')
            })
    };
    path.is_empty()
        || path.len() <= 256
            && path
                .strip_prefix('/')
                .is_some_and(|segments| segments.split('/').all(is_segment))
}

#[cfg(test)]
mod tests;
