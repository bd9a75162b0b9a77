//! The key file that a command works on.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::output::OutputArguments;
use keyward_files::store::Store;

/// A group of commands on a key file: `keyward keys`, `accounts`, `snapshot`.
#[derive(clap::Args)]
pub(super) struct OnKeyFile<C: Subcommand> {
    #[command(subcommand)]
    pub(super) command: C,
    #[command(flatten)]
    pub(super) store: StoreArguments,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// `--keys`, the same for every command on keys: flatten it into the arguments, once for a group of commands.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct StoreArguments {
    /// The key file, or a folder of them (every `*.toml` in it)
    #[arg(
        id = "keys",
        long = "keys",
        env = "KEYWARD_KEYS",
        hide_env_values = true,
        value_name = "PATH",
        default_value = "keyward.toml",
        global = true,
        display_order = 800
    )]
    pub(super) path: PathBuf,
}

impl StoreArguments {
    /// Opens the key file, which must exist.
    pub(super) fn open(&self) -> Result<Store> {
        Store::open(&self.path)
    }
}
