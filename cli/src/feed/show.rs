//! `keyward feed show`: shows what a gateway would find in a feed.

use std::io::Write;

use anyhow::{Result, ensure};
use serde_json::json;

use super::publish::feed::FeedArguments;
use super::{input, output, times};
use crate::exit::Exit;
use crate::output::{OutputArguments, Rows, Tone, print_json};
use crate::publish::content;
use crate::source::SourceArguments;
use keyward::feed::Head;
use keyward::profile::Profile;
use keyward_files::feed::{Present, Reader, StorePlace};
use keyward_files::key_file::instant;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The feed's folder, or `s3://BUCKET/PREFIX`
    #[arg(value_name = "PLACE", value_parser = StorePlace::parse)]
    place: StorePlace,
    #[command(flatten)]
    feed: FeedArguments,
    #[command(flatten)]
    source: SourceArguments,
    /// How old gateways let a head become
    #[arg(long, value_name = "LENGTH", default_value = "24h", value_parser = times::length)]
    max_snapshot_age: u64,
    #[command(flatten)]
    output: OutputArguments,
}

/// Returns the content of a feed, with every byte verified.
pub(super) fn present(
    place: &StorePlace,
    feed: &FeedArguments,
    profile: &Profile,
) -> Result<Present> {
    ensure!(
        !feed.public_keys.is_empty(),
        "say by --public-key whose heads are believed; `keyward feed key show` prints a signing key's"
    );
    let store = place.open()?;
    let reader = Reader {
        store: &*store,
        feed: &feed.name,
        keys: &feed.public_keys,
        profile,
        cache: feed.cache.as_deref(),
    };
    let present = reader.read(None)?;
    present.ok_or_else(|| anyhow::anyhow!("there is no head in `{}`", place))
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let profile = match arguments.source.if_there() {
        Some(source) => content(&source, true)?.profile().clone(),
        None => Profile::stripe(),
    };
    let present = present(&arguments.place, &arguments.feed, &profile)?;
    let now = input::now();
    let end = present.denied_from(arguments.max_snapshot_age);
    match arguments.output.json {
        true => print_json(&as_json(&present, end))?,
        false => table(&present, end, now)?,
    }
    if end <= now {
        writeln!(
            output::stderr(),
            "keyward: the head is older than gateways accept: they deny every request"
        )?;
        return Ok(Exit::Failed);
    }
    Ok(Exit::Good)
}

fn as_json(present: &Present, end: u64) -> serde_json::Value {
    let Head {
        feed,
        source,
        line,
        packed,
        revision,
        issued_at,
        keys,
        accounts,
        base,
        deltas,
    } = &present.head;
    let deltas: Vec<serde_json::Value> = deltas
        .iter()
        .map(|delta| {
            json!({"from": delta.from.number(), "to": delta.to.number(), "size": delta.size,
                "sha256": delta.sha256.to_string()})
        })
        .collect();
    json!({"feed": feed, "source": source, "line": line, "packed": packed, "revision": revision.number(),
        "issued_at": issued_at, "keys": keys, "accounts": accounts, "signed_by": present.signed_by.line(),
        "denied_from": end,
        "base": {"revision": base.revision.number(), "size": base.size, "sha256": base.sha256.to_string(), "urgent": base.urgent},
        "deltas": deltas})
}

fn table(present: &Present, end: u64, now: u64) -> Result<()> {
    let head = &present.head;
    let size: u64 = head.deltas.iter().map(|delta| u64::from(delta.size)).sum();
    let at = |time: u64| format!("{} ({})", instant::show(time), times::relative(time, now));
    let deny = match end <= now {
        true => Tone::Bad,
        false => Tone::Plain,
    };
    let mut rows = Rows::without_headings();
    for (name, tone, text) in [
        ("feed", Tone::Plain, head.feed.to_string()),
        ("source", Tone::Plain, head.source.to_string()),
        ("revision", Tone::Plain, head.revision.number().to_string()),
        ("keys", Tone::Plain, head.keys.to_string()),
        ("accounts", Tone::Plain, head.accounts.to_string()),
        ("signed", Tone::Plain, at(head.issued_at)),
        ("signed by", Tone::Plain, present.signed_by.line()),
        ("gateways deny from", deny, at(end)),
        (
            "base",
            Tone::Plain,
            format!(
                "revision {}, {} bytes",
                head.base.revision.number(),
                head.base.size
            ),
        ),
        (
            "deltas",
            Tone::Plain,
            format!("{}, {size} bytes", head.deltas.len()),
        ),
        ("line", Tone::Dim, head.line.to_string()),
    ] {
        rows.push([(Tone::Dim, name), (tone, &*text)]);
    }
    rows.print()
}
