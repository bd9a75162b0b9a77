//! Where a command's configuration comes from: the key file, or a plugin configuration that some other program has written.

mod reissue;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::input;
use super::snapshot::unpack;
use keyward::configuration::Configuration;
use keyward_files::key_file::{Issue, SourceName};
use keyward_files::store::Store;

pub(super) use reissue::reissue;

/// `--configuration` and `--keys`, the same for every command that takes either: flatten it into the arguments.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct SourceArguments {
    /// The plugin configuration, JSON or packed, in place of the key file; `-` reads standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "keys")]
    configuration: Option<PathBuf>,
    /// The key file, or a folder of them (default: `$KEYWARD_KEYS`, or `keyward.toml`)
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
}

/// A source that is there.
pub(super) enum Source {
    Configuration(PathBuf),
    Keys(PathBuf),
}

/// A configuration that a gateway would take.
pub(super) struct Built {
    /// Compact JSON.
    pub(super) json: String,
    pub(super) configuration: Configuration,
    /// The name of the key file that it was made from.
    pub(super) source: Option<SourceName>,
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
    /// The source, for commands that can do without: `None` where none is named and there is no `keyward.toml`.
    pub(super) fn if_there(&self) -> Option<Source> {
        let is_named = self.configuration.is_some() || self.names_keys();
        let source = self.source();
        let is_there = is_named || std::env::var_os("KEYWARD_KEYS").is_some();
        (is_there || source.path().exists()).then_some(source)
    }

    /// Whether `--keys` names one.
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

    /// Builds and checks it, issued as `issue` says. A configuration is otherwise as it was written, and without `issue` altogether.
    pub(super) fn build(&self, issue: Option<&Issue>) -> Result<Built> {
        let name = self.path().display();
        let mut source = None;
        let json = match self {
            Self::Configuration(path) => {
                let bytes = unpack::to_json(input::read(path)?)
                    .with_context(|| format!("`{name}` is refused"))?;
                // Checked as it was written: what is refused has its place in that text.
                Configuration::from_json(&bytes).with_context(|| format!("`{name}` is refused"))?;
                let text = String::from_utf8(bytes)?;
                match issue {
                    Some(issue) => reissue(&text, issue.revision, issue.issued_at)?,
                    None => reissue::compact(&text),
                }
            }
            Self::Keys(path) => {
                let Some(issue) = issue else {
                    bail!("a key file has no revision of its own");
                };
                let file = Store::open(path)?.read()?;
                source = file.source();
                file.compile(issue).to_string()
            }
        };
        let configuration = Configuration::from_json(json.as_bytes())
            .with_context(|| format!("`{name}` is refused"))?;
        Ok(Built {
            json,
            configuration,
            source,
        })
    }
}
