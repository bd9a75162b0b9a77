//! `keyward feed`: creates the keys that sign a feed, shows a feed's content, and serves it.

mod key;
mod seed;
mod serve;
mod show;

use anyhow::Result;
use clap::Subcommand;

use super::exit::Exit;
use super::publish;
use super::{input, output, times};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make and show keys that sign a feed
    #[command(
        after_help = "Examples:\n  keyward feed key new feed.sec\n  keyward feed key show feed.sec"
    )]
    Key(key::Arguments),
    /// Verify a feed as a gateway would, and show what it contains
    #[command(after_help = "\
Exit code 4 if a gateway would reject the feed, 1 if it is older than gateways accept.

Examples:
  keyward feed show --feed prod --public-key \"$(sed -n 2p feed.sec.pub)\" /srv/feed")]
    Show(show::Arguments),
    /// Write the snapshot that a gateway begins with while the feed cannot be reached
    #[command(after_help = "\
The configuration is the source's, with the feed's revision and the time at which its head was signed. The command writes it only if the source and the feed contain the same.

Examples:
  keyward feed seed --feed prod --public-key \"$(sed -n 2p feed.sec.pub)\" /srv/feed > seed.json")]
    Seed(seed::Arguments),
    /// Serve a feed to gateways on this machine, with answers that wait for the next head
    #[command(after_help = "\
It answers GET /head (with ETag, If-None-Match and Prefer: wait=N), /o/… (with Range) and /fleet: which gateways and VMs polled, and at which revision. The polls report this themselves, and nothing verifies it. \
For other machines, put nginx or an Envoy with TLS in front of it.

Examples:
  keyward feed serve /srv/feed --listen unix:/run/keyward/feed.sock
  keyward feed serve /srv/feed --listen 127.0.0.1:8090")]
    Serve(serve::Arguments),
}

impl Arguments {
    /// Whether the command only prints information, so that it may stop early.
    pub(super) fn only_shows(&self) -> bool {
        match &self.command {
            Command::Show(_) => true,
            Command::Key(_) | Command::Seed(_) | Command::Serve(_) => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    match &arguments.command {
        Command::Key(arguments) => key::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Seed(arguments) => seed::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
    }
}
