//! `keyward feed seed`: writes the snapshot that a gateway starts with if the feed cannot be
//! reached.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::publish::feed::FeedArguments;
use super::show::present;
use crate::exit::Exit;
use crate::publish::content;
use crate::source::SourceArguments;
use keyward_files::feed::StorePlace;
use keyward_files::replace::{Access, replace};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The feed's folder, or `s3://BUCKET/PREFIX`
    #[arg(value_name = "PLACE", value_parser = StorePlace::parse)]
    place: StorePlace,
    #[command(flatten)]
    feed: FeedArguments,
    #[command(flatten)]
    source: SourceArguments,
    /// Write it here, and not to standard output: packed where the name ends in `.packed`, and else JSON
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let content = content(&arguments.source.source(), true)?;
    let present = present(&arguments.place, &arguments.feed, content.profile())?;
    ensure!(
        content.is_the_same_as(&present),
        "the source says something else than the feed holds; publish it first"
    );
    let head = &present.head;
    let packed = content.configuration(head.revision, head.issued_at)?;
    match &arguments.output {
        Some(path) if path.extension().is_some_and(|ending| ending == "packed") => {
            replace(path, Access::Kept, &packed)?;
        }
        to => {
            let mut json = keyward_files::snapshot::unpack::to_json(packed)?;
            json.push(b'\n');
            match to {
                Some(path) => replace(path, Access::Kept, &json)?,
                None => std::io::stdout().lock().write_all(&json)?,
            }
        }
    }
    Ok(Exit::Good)
}
