//! Which records a command is about: `--keys` and `--server`, the same for every command that works on either, and `--server` for what only a server has.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use super::Records;
use crate::http::Place;
use crate::output::OutputArguments;
use crate::server::Server;
use keyward_files::store::Store;

/// A group of commands on keys: `keyward keys`, `accounts`, `grant-sets`.
#[derive(clap::Args)]
pub(crate) struct OnRecords<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    #[command(flatten)]
    pub(crate) records: RecordsArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// A group of commands on what only a server has: `keyward policies`.
#[derive(clap::Args)]
pub(crate) struct OnServer<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// `--server`.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArguments {
    /// The keyward-server: `unix:PATH`, `https://HOST[:PORT]` or `http://127.0.0.1:PORT` (default: `$KEYWARD_SERVER`)
    #[arg(long, value_name = "URL", value_parser = Place::of_server, global = true)]
    server: Option<Place>,
    /// A file with the API key for the server, instead of `$KEYWARD_API_KEY`; `unix:` needs none
    #[arg(long, value_name = "FILE", global = true)]
    api_key_file: Option<PathBuf>,
}

impl ServerArguments {
    /// The server, which must be named. `why` says what a key file cannot do.
    pub(crate) fn open(&self, why: &str) -> Result<Server> {
        let place = match &self.server {
            Some(place) => Some(place.clone()),
            None => server_of_environment()?,
        };
        let Some(place) = place else {
            bail!("{why}; name a server with --server or KEYWARD_SERVER");
        };
        Server::new(&place, self.api_key_file.as_deref(), None)
    }
}

/// The server that `$KEYWARD_SERVER` names.
fn server_of_environment() -> Result<Option<Place>> {
    let Some(text) = env::var_os("KEYWARD_SERVER").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let place = Place::of_server(&text.to_string_lossy());
    place.map(Some).context("KEYWARD_SERVER names no server")
}

/// `--keys` or `--server`.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Key file or server")]
pub(crate) struct RecordsArguments {
    /// The key file, or a folder of them (default: `$KEYWARD_KEYS`, or `keyward.toml`)
    #[arg(long, value_name = "PATH", global = true)]
    keys: Option<PathBuf>,
    /// Use a keyward-server instead of a key file: `unix:PATH`, `https://HOST[:PORT]` or `http://127.0.0.1:PORT` (default: `$KEYWARD_SERVER`)
    #[arg(long, value_name = "URL", value_parser = Place::of_server, conflicts_with = "keys", global = true)]
    server: Option<Place>,
    /// A file with the API key for the server, instead of `$KEYWARD_API_KEY`; `unix:` needs none
    #[arg(long, value_name = "FILE", conflicts_with = "keys", global = true)]
    api_key_file: Option<PathBuf>,
    /// On a server: override the policy of the key's account, for this reason, which the trail keeps
    #[arg(long, value_name = "REASON", conflicts_with = "keys", global = true)]
    override_policy: Option<String>,
}

impl RecordsArguments {
    /// Opens the records, which must exist.
    pub(crate) fn open(&self) -> Result<Records> {
        let Some(place) = self.place()? else {
            for (is_given, name) in [
                (self.api_key_file.is_some(), "--api-key-file"),
                (self.override_policy.is_some(), "--override-policy"),
            ] {
                if is_given {
                    bail!("{name} is for a server; name it with --server or KEYWARD_SERVER");
                }
            }
            let path = self.keys.clone();
            let path = path.or_else(|| env::var_os("KEYWARD_KEYS").map(PathBuf::from));
            let path = path.unwrap_or_else(|| PathBuf::from("keyward.toml"));
            return Ok(Records::File(Store::open(&path)?));
        };
        let reason = self.override_policy.clone();
        let server = Server::new(&place, self.api_key_file.as_deref(), reason)?;
        Ok(Records::Server(Box::new(server)))
    }

    /// Returns the server, if the records are on one. An argument takes precedence over the
    /// environment.
    fn place(&self) -> Result<Option<Place>> {
        if self.server.is_some() || self.keys.is_some() {
            return Ok(self.server.clone());
        }
        let server = server_of_environment()?;
        if server.is_some() && env::var_os("KEYWARD_KEYS").is_some() {
            bail!(
                "KEYWARD_SERVER and KEYWARD_KEYS are both set; choose one with --server or --keys"
            );
        }
        Ok(server)
    }
}
