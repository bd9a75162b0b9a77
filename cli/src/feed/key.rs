//! `keyward feed key`: creates and shows the keys that sign a feed.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::output;
use crate::exit::Exit;
use keyward_files::feed::{KeySource, SigningKey, key_source};
use keyward_files::randomness::SystemRandomness;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a signing key, and print its public half for the configuration of gateways
    #[command(after_help = "\
The file has the format of OpenBSD's signify, is open to its owner only, and is made once: one that is there is never replaced. Next to it FILE.pub gets the public half.

Examples:
  keyward feed key new feed.sec
  signify -V -e -p feed.sec.pub -x /srv/feed/head -m -")]
    New {
        /// The file to write
        #[arg(value_name = "FILE", default_value = "feed.sec")]
        file: PathBuf,
    },
    /// Print the public half of a signing key, in the form that a configuration needs
    #[command(
        after_help = "Examples:\n  keyward feed key show feed.sec\n  keyward feed key show env:FEED_SIGNING_KEY"
    )]
    Show {
        /// The signing key: its file, `env:NAME` for an environment variable, or `command:COMMAND` for what a shell command prints
        #[arg(value_name = "KEY", default_value = "feed.sec")]
        key: String,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let mut out = output::stdout();
    match &arguments.command {
        Command::New { file } => {
            let key = SigningKey::new(&mut SystemRandomness)
                .map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
            key_source::create(file, &key)?;
            // No name is repeated, because it may be a key that was pasted by mistake.
            writeln!(
                out,
                "made the signing key, and next to it the file of its public half. Gateways believe it with\n\n  \"public_keys\": [\"{}\"]",
                key.public_key()
            )?;
        }
        Command::Show { key } => {
            let key = KeySource::parse(key).read()?;
            writeln!(out, "{}", key.public_key())?;
        }
    }
    Ok(Exit::Good)
}
