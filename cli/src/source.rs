//! The source of a command's configuration: the key file, or a plugin configuration that another
//! program wrote.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::input;
use keyward_files::key_file::Issue;
use keyward_files::snapshot::Built;
use keyward_files::store::Store;

/// `--configuration` and `--keys`, the same for every command that takes either: flatten it into the arguments.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct SourceArguments {
    /// A plugin configuration, JSON or packed, instead of the key file; `-` reads standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "keys")]
    configuration: Option<PathBuf>,
    /// The key file, or a folder of them (default: `$KEYWARD_KEYS`, or `keyward.toml`)
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
}

/// A source.
pub(super) enum Source {
    Configuration(PathBuf),
    Keys(PathBuf),
}

impl SourceArguments {
    pub(super) fn source(&self) -> Source {
        if let Some(path) = &self.configuration {
            return Source::Configuration(path.clone());
        }
        let keys = self.keys.clone();
        let keys = keys.or_else(|| std::env::var_os("KEYWARD_KEYS").map(PathBuf::from));
        Source::Keys(keys.unwrap_or_else(|| PathBuf::from("keyward.toml")))
    }
}

impl SourceArguments {
    /// Returns the source, for commands that do not need one. `None` if none is named and there is
    /// no `keyward.toml`.
    pub(super) fn if_there(&self) -> Option<Source> {
        let is_named = self.configuration.is_some() || self.names_keys();
        let source = self.source();
        let is_there = is_named || std::env::var_os("KEYWARD_KEYS").is_some();
        (is_there || source.path().exists()).then_some(source)
    }

    /// Whether the arguments contain `--keys`.
    pub(super) fn names_keys(&self) -> bool {
        self.keys.is_some()
    }
}

impl Source {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Configuration(path) | Self::Keys(path) => path,
        }
    }

    /// Builds and checks the configuration, with the revision and time of `issue`. Everything else
    /// in another program's configuration stays unchanged. Without `issue`, so do the revision and
    /// time.
    pub(super) fn build(&self, issue: Option<&Issue>) -> Result<Built> {
        let name = self.path().display().to_string();
        match (self, issue) {
            (Self::Configuration(path), issue) => {
                Built::of_configuration(&name, input::read(path)?, issue)
            }
            (Self::Keys(path), Some(issue)) => {
                Built::of_key_file(&name, &Store::open(path)?.read()?, issue)
            }
            (Self::Keys(_), None) => bail!("a key file has no revision"),
        }
    }
}
