//! The feed that a command works on: its name, and the keys whose heads are accepted.

use std::path::PathBuf;

use anyhow::{Context, Result};

use keyward::signify::PublicKey;
use keyward_files::feed::KeySource;

/// The arguments of commands that read or write a feed: flatten them.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct FeedArguments {
    /// The feed's name, as in the gateways' configuration
    #[arg(long = "feed", value_name = "NAME", env = "KEYWARD_FEED")]
    pub(crate) name: String,
    /// A trusted public key, one line that begins with RW; may be given several times
    #[arg(long = "public-key", value_name = "KEY", value_parser = public_key)]
    pub(crate) public_keys: Vec<PublicKey>,
    /// Cache what was read from the feed in this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
}

/// `--signing-key`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct SigningKeyArguments {
    /// The signing key: its file, `env:NAME` for an environment variable, or `command:COMMAND` for what a shell command prints
    #[arg(
        long = "signing-key",
        value_name = "KEY",
        env = "KEYWARD_SIGNING_KEY_SOURCE",
        default_value = "feed.sec"
    )]
    key: String,
}

impl SigningKeyArguments {
    pub(crate) fn source(&self) -> KeySource {
        KeySource::parse(&self.key)
    }
}

fn public_key(line: &str) -> Result<PublicKey> {
    PublicKey::from_line(line).context(
        "expected a public key of signify: the second line of its `.pub` file, 56 characters that begin with `RW`",
    )
}
