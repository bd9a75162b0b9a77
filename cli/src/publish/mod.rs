//! `keyward publish`: updates a feed to the content of a source. Gateways that follow the feed
//! fetch only what changed.

pub(crate) mod feed;
mod metrics;
mod mirrors;
mod told;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Error, Result};

use super::exit::Exit;
use super::push::{rejected, source_name};
use super::source::{Source, SourceArguments};
use super::{input, output, times};
use feed::{FeedArguments, SigningKeyArguments};
use keyward_files::feed::{
    Content, FeedStore, MissingAccounts, Publisher, Request, Settings, StorePlace,
};
use keyward_files::key_file::SourceName;
use keyward_files::publish::Allowed;
use keyward_files::store::Store;

/// The maximum age of a head for gateways, unless the source or an argument specifies it.
const MAX_SNAPSHOT_AGE: u64 = 86_400;

#[derive(clap::Args)]
#[command(
    after_long_help = "Examples:\n  keyward feed key new feed.sec\n  keyward publish --feed prod --to /srv/feed --begin\n  keyward publish --feed prod --to /srv/feed --dry-run\n  keyward publish --feed prod --to /srv/feed --watch\n  keyward publish --feed prod --to /srv/feed --heartbeat\n  keyward publish --feed prod --to s3://keys-eu/prod --mirror 's3://keys-us/prod?region=us-east-1'\n\nIt reads the feed's head, base and deltas, verifies them as a gateway would, and writes what changed: objects first, the head last. Before the head \
names a new object, keyward applies every path through the feed in memory. If two publishers run at once, the later one starts again from what the earlier one wrote. A large change is published in several revisions, first the keys that it ends.\n\nA publication is rejected if more than a tenth of the keys that work in the feed, or an account, is missing from the source; --allow-removals publishes it anyway. A feed carries the \
name of its source; --take-over replaces the keys of another one.\n\nGateways deny when the head is older than their `max_snapshot_age`: run this with --watch, or with --heartbeat from a timer.\n\nA bucket is opened with the credentials of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL) or of the machine's role. \
Its store must have conditional writes.\n\nExit codes: 0 good, 1 a --watch ended while it held a publication back, or a mirror is not up to date, 2 usage, 4 invalid input, or a publication that was rejected"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The feed's folder, which a web server or `keyward feed serve` serves, or a bucket: `s3://BUCKET/PREFIX`, with `?region=…&endpoint=…` unless the environment sets them
    #[arg(long, value_name = "PLACE", value_parser = StorePlace::parse)]
    to: StorePlace,
    /// Copy the feed here after each publication, such as into a bucket of another region; may be given several times
    #[arg(long, value_name = "PLACE", value_parser = StorePlace::parse, conflicts_with = "dry_run")]
    mirror: Vec<StorePlace>,
    #[command(flatten)]
    feed: FeedArguments,
    #[command(flatten)]
    key: SigningKeyArguments,
    /// Begin a new feed
    #[arg(long, conflicts_with_all = ["dry_run", "heartbeat"])]
    begin: bool,
    /// Begin a new line after a restore: no delta leads to it, and every gateway loads the base
    #[arg(long, conflicts_with_all = ["begin", "watch", "heartbeat"])]
    new_line: bool,
    /// With --begin or --new-line: go above this revision, the highest that any gateway knows
    #[arg(long, value_name = "N")]
    above: Option<u64>,
    /// Make a new base now
    #[arg(long, conflicts_with = "heartbeat")]
    new_base: bool,
    /// Only sign the head again, with the present time, and read no source
    #[arg(long, conflicts_with_all = ["watch", "dry_run"])]
    heartbeat: bool,
    /// The name of a source without one, such as a read-only key file: `file:ID`, or `server:ID`
    #[arg(long = "source", value_name = "NAME", value_parser = source_name::parse)]
    named: Option<SourceName>,
    /// Replace the keys of another source
    #[arg(long)]
    take_over: bool,
    /// Publish although more than a tenth of the working keys, or an account, is missing from the source
    #[arg(long)]
    allow_removals: bool,
    /// Publish a key file without keys, which denies every request
    #[arg(long)]
    allow_empty: bool,
    /// Compare all records of each new path through the feed, instead of 10,000 unchanged ones
    #[arg(long)]
    verify: bool,
    /// How long objects stay after the last head that named them; at least twice the age that gateways accept for a head
    #[arg(long, value_name = "LENGTH", default_value = "24h", value_parser = times::length)]
    retain: u64,
    /// The greatest age that gateways accept for a head (default: the source's `max_snapshot_age`, or 24h)
    #[arg(long, value_name = "LENGTH", value_parser = times::length)]
    max_snapshot_age: Option<u64>,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep running: publish whenever the source changes, and sign the head again each quarter of `max_snapshot_age`
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Write the watcher's metrics to this file, `*.prom`, for the textfile collector of Prometheus's node exporter
    #[arg(long, value_name = "FILE", requires = "watch", value_parser = metrics::path)]
    metrics_file: Option<PathBuf>,
}

impl Arguments {
    /// Whether the command only prints what a publication would do, and writes nothing.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }

    fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            feed: self.feed.name.clone(),
            key: self.key.source().read()?,
            trusted: self.feed.public_keys.clone(),
            retain: self.retained(),
            cache: self.feed.cache.clone(),
            verify_all: self.verify,
        })
    }

    /// Returns how many seconds objects stay.
    fn retained(&self) -> u64 {
        let twice = self.max_snapshot_age.unwrap_or(0).saturating_mul(2);
        self.retain.max(twice)
    }

    fn request(&self) -> Request {
        Request {
            source: self.named.clone(),
            allowed: Allowed {
                take_over: self.take_over,
                removals: self.allow_removals,
            },
            begin: self.begin,
            new_line: self.new_line,
            base: self.new_base,
            above: self.above,
            dry_run: self.dry_run,
        }
    }

    fn max_snapshot_age(&self, content: &Content) -> u64 {
        let said = self.max_snapshot_age.or_else(|| content.max_snapshot_age());
        said.unwrap_or(MAX_SNAPSHOT_AGE)
    }
}

/// Reads the present content of a source.
pub(super) fn content(source: &Source, may_be_empty: bool) -> Result<Content> {
    let name = source.path().display().to_string();
    match source {
        Source::Configuration(path) => Content::of_configuration(&name, &input::read(path)?),
        Source::Keys(path) => {
            Content::of_key_file(&name, &Store::open(path)?.read()?, may_be_empty)
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let source = arguments.source.source();
    let store = arguments.to.open()?;
    if arguments.watch {
        return watch::run(arguments, &source, &*store);
    }
    publish(arguments, &source, &*store).map_err(|error| refused(error, &source))
}

fn publish(arguments: &Arguments, source: &Source, store: &dyn FeedStore) -> Result<Exit> {
    let mut publisher = Publisher::new(store, arguments.settings()?)?;
    let now = input::now();
    let mut out = output::stdout();
    if arguments.heartbeat {
        // Its base is checked as a gateway without local settings checks it. The result is not
        // used.
        let profile = heartbeat_profile(arguments, source)?;
        let published = publisher.renew(&profile, now)?;
        let age = arguments.max_snapshot_age.unwrap_or(MAX_SNAPSHOT_AGE);
        told::renewed(&published, age, now, &mut out)?;
        return mirrors::once(arguments, publisher.keys(), &mut out);
    }
    let content = content(source, arguments.allow_empty)?;
    let published = publisher.publish(&content, &arguments.request(), now)?;
    match arguments.dry_run {
        true => {
            told::would(&published, &arguments.to, &mut out)?;
            told::notes(&published)?;
            Ok(Exit::Good)
        }
        false => {
            told::published(&published, &arguments.to, &mut out)?;
            told::deadline(
                &published,
                arguments.max_snapshot_age(&content),
                now,
                &mut out,
            )?;
            told::notes(&published)?;
            mirrors::once(arguments, publisher.keys(), &mut out)
        }
    }
}

/// Returns the profile with which heartbeats read the feed: the source's if there is a source,
/// otherwise Stripe's.
fn heartbeat_profile(arguments: &Arguments, source: &Source) -> Result<keyward::profile::Profile> {
    match arguments.source.if_there() {
        Some(_) => Ok(content(source, true)?.profile().clone()),
        None => Ok(keyward::profile::Profile::stripe()),
    }
}

/// Adds advice to the error of a publication.
fn refused(error: Error, source: &Source) -> Error {
    if let Some(MissingAccounts(effect)) = error.downcast_ref::<MissingAccounts>() {
        // If standard error is closed, there is nowhere to report it.
        let _ = effect.name_accounts(&mut output::stderr());
    }
    rejected(error, source)
}

fn say(text: &str) {
    // If standard error is closed, there is nowhere to report it.
    let _ = writeln!(output::stderr(), "keyward: {text}");
}
