//! `[feed]` of the configuration: the signed feed that gateways follow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use keyward::signify::PublicKey;
use keyward_files::feed::{KeySource, StorePlace};
use serde::{Deserialize, Serialize};

use super::Group;
use crate::gateway_name::is_gateway_name;
use crate::uid::Uid;

/// The feed, and what the server knows about the gateways that follow it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Its name: the gateways' `feed.name`. The name of the group `control` ends with `-control`, so that neither feed passes for the other.
    pub name: String,
    /// The signing key: a file, `env:NAME`, or `command:SHELL COMMAND`. It is never in the store or its backups.
    pub signing_key: String,
    /// Other public keys whose heads the server builds on: the previous key, while keys rotate.
    #[serde(default)]
    pub trusted_keys: Vec<String>,
    /// The gateways that the feed is for.
    #[serde(default = "edge")]
    pub groups: Vec<Group>,
    /// The highest `max_snapshot_age` of any gateway that follows it, in seconds.
    #[serde(default = "day")]
    pub max_snapshot_age: u64,
    /// Its folder. Other programs may also serve a folder that is named here: then it counts as mirrored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Whether gateways also take it from a cache or a mirror. In that case no poll proves that a change is everywhere.
    #[serde(default)]
    pub mirrored: bool,
    /// Copies of the feed that the server writes, for gateways of other regions: buckets (`s3://BUCKET/PREFIX`) and folders. Each group has its own place below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// A socket on which gateways of this machine ask without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<Socket>,
    /// The default folder.
    #[serde(skip)]
    default_folder: PathBuf,
}

/// The feed's own socket. The kernel reports the user at the other end, and so the gateway.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// The socket: mode 0660, its folder 0750.
    pub path: PathBuf,
    /// The users that may ask, names or numbers, each with the gateway that it runs.
    pub gateways: BTreeMap<String, String>,
}

impl Socket {
    /// The gateway of each user.
    pub(super) fn users(&self) -> Result<BTreeMap<Uid, String>> {
        let mut users = BTreeMap::new();
        for (user, gateway) in &self.gateways {
            let place = || format!("`feed.socket.gateways`: `{user}`");
            let uid = Uid::parse(user).with_context(place)?;
            if !is_gateway_name(gateway) {
                bail!(
                    "{}: expected the name of a gateway, 1 to 64 letters, digits, `_`, `.` and `-`",
                    place()
                );
            }
            if users.insert(uid, gateway.clone()).is_some() {
                bail!("{}: this user is there twice", place());
            }
        }
        if users.is_empty() {
            bail!("`feed.socket.gateways`: expected a user and the gateway that it runs");
        }
        Ok(users)
    }
}

fn edge() -> Vec<Group> {
    vec![Group::Edge]
}

fn day() -> u64 {
    86_400
}

/// The lowest age: with a lower one a gateway would deny between two heads.
const SHORTEST_AGE: u64 = 60;

/// The highest age: a year.
const LONGEST_AGE: u64 = 31_536_000;

impl Feed {
    pub(super) fn complete(&mut self, folder: &Path, data: &Path) -> Result<()> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if self.name.is_empty() || self.name.len() > 56 || !self.name.bytes().all(is_plain) {
            bail!("`feed.name`: expected 1 to 56 letters, digits, `_`, `.` and `-`");
        }
        if self.groups.is_empty() {
            bail!("`feed.groups`: expected `edge`, `control`, or both");
        }
        let names: BTreeSet<&str> = self.groups.iter().map(|group| group.name()).collect();
        if names.len() < self.groups.len() {
            bail!("`feed.groups`: one is there twice");
        }
        if !(SHORTEST_AGE..=LONGEST_AGE).contains(&self.max_snapshot_age) {
            bail!("`feed.max_snapshot_age`: expected {SHORTEST_AGE} to {LONGEST_AGE} seconds");
        }
        if let KeySource::File(path) = KeySource::parse(&self.signing_key) {
            let path = folder.join(path);
            let text = path
                .to_str()
                .context("`feed.signing_key`: expected UTF-8")?;
            self.signing_key = text.to_owned();
        }
        if let Some(socket) = &mut self.socket {
            socket.path = folder.join(&socket.path);
            socket.users()?;
        }
        self.folder = self.folder.take().map(|own| folder.join(own));
        self.default_folder = data.join("feed");
        for mirror in &mut self.mirrors {
            if !mirror.starts_with("s3://") {
                let path = folder.join(&*mirror);
                let text = path.to_str().context("`feed.mirrors`: expected UTF-8")?;
                *mirror = text.to_owned();
            }
        }
        for group in &self.groups {
            self.mirrors_of(*group)?;
        }
        self.trusted()?;
        Ok(())
    }

    /// The name of a group's feed.
    #[must_use]
    pub fn name_of(&self, group: Group) -> String {
        match group {
            Group::Edge => self.name.clone(),
            Group::Control => format!("{}-control", self.name),
        }
    }

    /// The folder of a group's feed.
    #[must_use]
    pub fn folder_of(&self, group: Group) -> PathBuf {
        let folder = self.folder.as_ref().unwrap_or(&self.default_folder);
        folder.join(group.name())
    }

    /// Whether gateways may get it from elsewhere.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.mirrored || self.folder.is_some() || !self.mirrors.is_empty()
    }

    /// The mirrors of a group's feed.
    pub fn mirrors_of(&self, group: Group) -> Result<Vec<StorePlace>> {
        let read = |mirror: &String| -> Result<StorePlace> {
            let place = StorePlace::parse(mirror);
            let place = place.with_context(|| format!("`feed.mirrors`: `{mirror}`"))?;
            Ok(place.below(group.name()))
        };
        self.mirrors.iter().map(read).collect()
    }

    /// The other keys whose heads the server builds on.
    pub fn trusted(&self) -> Result<Vec<PublicKey>> {
        let read = |line: &String| {
            PublicKey::from_line(line)
                .with_context(|| format!("`feed.trusted_keys`: `{line}` is not a public key"))
        };
        self.trusted_keys.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Feed> {
        let mut feed: Feed = toml::from_str(text)?;
        feed.complete(Path::new("/etc/keyward"), Path::new("/var/lib/keyward"))?;
        Ok(feed)
    }

    const LEAST: &str = "name = \"prod\"\nsigning_key = \"feed.sec\"\n";

    #[test]
    fn what_is_left_out_has_a_default() {
        let feed = read(LEAST).unwrap();
        assert_eq!(feed.signing_key, "/etc/keyward/feed.sec");
        assert_eq!(feed.groups, [Group::Edge]);
        assert_eq!(feed.max_snapshot_age, 86_400);
        assert_eq!(
            feed.folder_of(Group::Edge),
            Path::new("/var/lib/keyward/feed/edge")
        );
        assert!(!feed.is_mirrored());
        // A control gateway's snapshot opens pages, so another gateway must not accept its head.
        assert_ne!(feed.name_of(Group::Control), feed.name_of(Group::Edge));
    }

    #[test]
    fn a_folder_that_others_may_serve_counts_as_mirrored() {
        let feed = read(&format!("{LEAST}folder = \"/srv/feed\"\n")).unwrap();
        assert!(feed.is_mirrored());
        let feed = read(&format!("{LEAST}mirrored = true\n")).unwrap();
        assert!(feed.is_mirrored());
        let feed = read(&format!("{LEAST}mirrors = [\"/srv/mirror\", \"us\"]\n")).unwrap();
        assert!(feed.is_mirrored());
        let places = feed.mirrors_of(Group::Edge).unwrap();
        let shown: Vec<String> = places.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["/srv/mirror/edge", "/etc/keyward/us/edge"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (more, said) in [
            ("max_snapshot_age = 5\n", "expected 60 to"),
            (
                "[socket]\npath = \"f.sock\"\ngateways = {}\n",
                "expected a user",
            ),
            (
                "[socket]\npath = \"f.sock\"\ngateways = {65534 = \"a\"}\n",
                "`65534`",
            ),
            (
                "[socket]\npath = \"f.sock\"\ngateways = {0 = \"a b\"}\n",
                "the name of a gateway",
            ),
            (
                "[socket]\npath = \"f.sock\"\ngateways = {0 = \"a\", root = \"b\"}\n",
                "twice",
            ),
            ("groups = []\n", "`feed.groups`"),
            ("groups = [\"edge\", \"edge\"]\n", "twice"),
            ("groups = [\"edge\", \"control\", \"control\"]\n", "twice"),
            ("trusted_keys = [\"x\"]\n", "`feed.trusted_keys`"),
            ("mirrors = [\"s3://x\"]\n", "`feed.mirrors`: `s3://x`"),
            ("listen = \"0.0.0.0:80\"\n", "unknown field"),
        ] {
            let refused = format!("{:#}", read(&format!("{LEAST}{more}")).unwrap_err());
            assert!(refused.contains(said), "{more}: {refused}");
        }
        let refused = read("name = \"a b\"\nsigning_key = \"x\"\n").unwrap_err();
        assert!(refused.to_string().contains("`feed.name`"), "{refused}");
    }
}
