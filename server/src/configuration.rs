//! `keyward-server.toml`: where the server listens, whom it trusts, and what it publishes to. Unknown members are refused.

mod feed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use crate::console::Console;
pub use crate::group::Group;
pub use crate::logs::Requests;
pub use crate::portal::Portal;
use crate::portal::is_origin;
use crate::profile;
use crate::uid::Uid;
pub use feed::{Feed, Socket};

/// Its name in the data folder, as `init` writes it.
pub(crate) const FILE: &str = "keyward-server.toml";

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The folder of the store. Its server's user only may enter it.
    pub data: PathBuf,
    /// Where people reach the gateway, for the links that sign them in: `https://keys.example.com`, without a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Where your API is, for the command on the page of a new key: `https://api.example.com`. Without it, the command names `public_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// The account whose keys see every account.
    pub operator_account: String,
    /// Where requests come in.
    pub listen: Listen,
    /// What snapshots are written to.
    #[serde(default)]
    pub publish: Vec<Target>,
    /// The feed that gateways follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<Feed>,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// How long operators stay signed in to the console.
    #[serde(default)]
    pub console: Console,
    /// Where the portal may lead back to.
    #[serde(default)]
    pub portal: Portal,
    /// Where the gateways' access logs are, for the requests of a key.
    #[serde(default)]
    pub requests: Requests,
    /// The names and prefixes of your own API, as in a plugin configuration; Stripe's where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Map<String, Value>>,
}

/// Where requests come in: on Unix sockets and nowhere else. A header that grants authority must not be believable from a network.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The socket that Envoy connects to.
    pub api: PathBuf,
    /// The users that Envoy may run as: names or numbers.
    pub trusted_uids: Vec<String>,
    /// The socket for people on this machine, in a folder that only the server's user can enter.
    pub admin: PathBuf,
    /// SHA-256 of the secret that the management Envoy sends with every request.
    pub gateway_sha256: String,
}

/// A file that Envoy watches.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its path; the ending says its form (`.pb`, `.json`, `.yaml`).
    pub file: PathBuf,
    /// Which gateways it is for.
    pub group: Group,
}

/// Bounds on what callers may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Keys that one principal may make a second. Operators may make 20 times as many.
    pub creations_per_second: u32,
    /// Keys in all.
    pub keys: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            creations_per_second: 10,
            keys: 2_000_000,
        }
    }
}

/// The longest path that a Unix socket may have.
///
/// Source: `sockaddr_un`, unix(7)
const LONGEST_SOCKET_PATH: usize = 107;

impl Configuration {
    /// Reads a file. Paths in it are relative to the file's folder.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("`{}` cannot be read", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).with_context(|| format!("`{}`", path.display()))
    }

    /// Reads a text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut read: Self = toml::from_str(text)?;
        for path in [&mut read.data, &mut read.listen.api, &mut read.listen.admin] {
            *path = folder.join(&path);
        }
        for target in &mut read.publish {
            target.file = folder.join(&target.file);
        }
        if let Some(feed) = &mut read.feed {
            feed.complete(folder, &read.data)?;
        }
        let of_feed = read.feed.iter().filter_map(|feed| feed.socket.as_ref());
        let of_feed: Vec<&PathBuf> = of_feed.map(|socket| &socket.path).collect();
        for socket in [&read.listen.api, &read.listen.admin]
            .into_iter()
            .chain(of_feed.clone())
        {
            if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
                bail!(
                    "`{}` is longer than {LONGEST_SOCKET_PATH} bytes, which is the most that the path of a socket may have",
                    socket.display()
                );
            }
        }
        for socket in of_feed {
            if socket.parent() == read.listen.admin.parent() {
                bail!(
                    "`feed.socket.path` and `listen.admin` are in one folder, which Envoy's user must not be able to enter"
                );
            }
            if *socket == read.listen.api {
                bail!("`feed.socket.path` is `listen.api`; expected another file");
            }
        }
        if read.listen.api.parent() == read.listen.admin.parent() {
            bail!(
                "`listen.api` and `listen.admin` are in one folder; Envoy's user must not be able to enter that of `listen.admin`"
            );
        }
        read.requests.below(folder)?;
        if let Some(members) = &read.profile {
            profile::check(members)?;
        }
        if let Some(url) = &read.public_url {
            check_url(url)?;
        }
        if read.api_url.as_deref().is_some_and(|url| !is_origin(url)) {
            bail!(
                "`api_url`: expected https://HOST or http://HOST, without a path or a slash at its end"
            );
        }
        read.portal.check(folder)?;
        read.gateway_digest()?;
        read.trusted_uids()?;
        Ok(read)
    }

    /// The digest of the gateway's secret.
    pub fn gateway_digest(&self) -> Result<[u8; 32]> {
        let mut digest = [0; 32];
        hex::decode_to_slice(&self.listen.gateway_sha256, &mut digest)
            .ok()
            .context("`listen.gateway_sha256`: expected 64 hexadecimal digits")?;
        Ok(digest)
    }

    /// The users that may ask on the feed's own socket, and the gateways that they run.
    pub fn feed_users(&self) -> Result<BTreeMap<Uid, String>> {
        let socket = self.feed.iter().filter_map(|feed| feed.socket.as_ref());
        socket
            .map(Socket::users)
            .next()
            .unwrap_or(Ok(BTreeMap::new()))
    }

    /// The users that Envoy may run as.
    pub fn trusted_uids(&self) -> Result<BTreeSet<Uid>> {
        let uids: Result<BTreeSet<Uid>> = self
            .listen
            .trusted_uids
            .iter()
            .map(|text| {
                Uid::parse(text).with_context(|| format!("`listen.trusted_uids`: `{text}`"))
            })
            .collect();
        let uids = uids?;
        if uids.is_empty() {
            bail!("`listen.trusted_uids`: expected the user that Envoy runs as");
        }
        Ok(uids)
    }
}

/// Browsers take the console's cookie over https, and over http from the own machine only.
fn check_url(url: &str) -> Result<()> {
    let host = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(host), _) => host,
        (None, Some(host)) if is_own_machine(host) => host,
        (None, Some(_)) => bail!(
            "`public_url` is http; expected https: browsers take the console's cookie over http from `localhost` only"
        ),
        (None, None) => bail!("`public_url`: expected https://HOST"),
    };
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_plain) {
        bail!("`public_url`: expected a scheme and a host, without a path or a slash at its end");
    }
    Ok(())
}

fn is_own_machine(host: &str) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
data = "store"
operator_account = "acct_operator"
[listen]
api = "run/api.sock"
trusted_uids = ["0"]
admin = "admin/admin.sock"
gateway_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"#;

    fn refusal(text: &str) -> String {
        let refused = Configuration::parse(text, Path::new("/var/lib/keyward")).unwrap_err();
        format!("{refused:#}")
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let read = Configuration::parse(WHOLE, Path::new("/var/lib/keyward")).unwrap();
        assert_eq!(read.data, Path::new("/var/lib/keyward/store"));
        assert_eq!(read.listen.api, Path::new("/var/lib/keyward/run/api.sock"));
        assert_eq!(read.limits.creations_per_second, 10);
        assert!(read.publish.is_empty());
    }

    #[test]
    fn an_unknown_member_is_refused() {
        assert!(refusal(&format!("datta = 1\n{WHOLE}")).contains("unknown field `datta`"));
        assert!(refusal(&format!("{WHOLE}tcp = \"0.0.0.0:80\"\n")).contains("unknown field `tcp`"));
    }

    #[test]
    fn a_user_that_anybody_may_be_is_not_trusted() {
        let text = WHOLE.replace("[\"0\"]", "[\"65534\"]");
        assert!(refusal(&text).contains("65534"), "{}", refusal(&text));
        let text = WHOLE.replace("[\"0\"]", "[]");
        assert!(refusal(&text).contains("expected the user that Envoy runs as"));
    }

    #[test]
    fn a_profile_that_no_gateway_takes_is_refused() {
        let with = |members: &str| format!("{WHOLE}[profile]\n{members}");
        let parse = |text: &str| Configuration::parse(text, Path::new("/var/lib/keyward"));
        let read = parse(&with("prefixes = { secret = [\"acme_\"] }\n")).unwrap();
        let written = toml::to_string_pretty(&read).unwrap();
        assert_eq!(parse(&written).unwrap().profile, read.profile);
        for (members, place) in [
            (
                "prefixes = { secret = [\"\"] }\n",
                "profile.prefixes.secret",
            ),
            ("prefixs = {}\n", "profile.*: unknown member"),
        ] {
            let text = refusal(&with(members));
            assert!(text.contains(place), "{members}: {text}");
        }
    }

    #[test]
    fn both_sockets_in_one_folder_are_refused() {
        let text = WHOLE.replace("admin/admin.sock", "run/admin.sock");
        assert!(refusal(&text).contains("are in one folder"));
    }

    #[test]
    fn a_url_that_no_browser_keeps_a_cookie_for_is_refused() {
        let with = |url: &str| format!("public_url = \"{url}\"\n{WHOLE}");
        for url in ["https://keys.example.com", "http://localhost:10000"] {
            Configuration::parse(&with(url), Path::new("/var/lib/keyward")).unwrap();
        }
        for (url, said) in [
            ("http://keys.example.com", "expected https"),
            ("http://localhost.example.com", "expected https"),
            ("keys.example.com", "expected https://HOST"),
            ("https://keys.example.com/", "without a path"),
            ("https://", "without a path"),
        ] {
            assert!(
                refusal(&with(url)).contains(said),
                "{url}: {}",
                refusal(&with(url))
            );
        }
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused() {
        let text = WHOLE.replace("run/api.sock", &format!("{}/api.sock", "x".repeat(100)));
        assert!(refusal(&text).contains("longer than 107 bytes"));
    }
}
