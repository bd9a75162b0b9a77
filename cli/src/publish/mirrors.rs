//! `--mirror`: copies of the feed elsewhere. A publication is complete when the feed has it. A
//! mirror that cannot be reached delays nothing, but is reported.

use std::io::Write;

use anyhow::Result;

use super::{Arguments, say};
use crate::exit::Exit;
use crate::input;
use keyward::signify::PublicKey;
use keyward_files::feed::mirrors::Event;
use keyward_files::feed::{Mirrored, Mirrors, Original, StorePlace};

fn original(arguments: &Arguments, keys: &[PublicKey]) -> Original {
    Original {
        from: arguments.to.clone(),
        feed: arguments.feed.name.clone(),
        keys: keys.to_vec(),
        retain: arguments.retained(),
    }
}

/// Copies to each mirror, and reports the result.
pub(super) fn once(
    arguments: &Arguments,
    keys: &[PublicKey],
    out: &mut impl Write,
) -> Result<Exit> {
    let original = original(arguments, keys);
    let mut exit = Exit::Good;
    for place in &arguments.mirror {
        match place
            .open()
            .and_then(|to| original.copy(&*to, input::now()))
        {
            Ok(Mirrored::Ahead { is_later: false }) => {
                say(&format!("published, but {}", older(place)));
                exit = Exit::Failed;
            }
            Ok(mirrored) => writeln!(out, "{}", told(place, &mirrored))?,
            Err(error) => {
                say(&format!(
                    "published, but the mirror {place} is not up to date: {error:#}"
                ));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// Follows the feed with each mirror.
pub(super) fn start(arguments: &Arguments, keys: &[PublicKey]) -> Result<Mirrors> {
    let tell = |place: &StorePlace, event: Event<'_>| match event {
        Event::Noted(mirrored) => say(&told(place, mirrored)),
        Event::Again => say(&format!("mirrored to {place} again")),
        Event::Behind(error) => say(&format!("the mirror {place} is not up to date: {error:#}")),
    };
    // A place that cannot be opened at all is a mistake in the arguments.
    for place in &arguments.mirror {
        place.open()?;
    }
    let mirrors = Mirrors::start(&original(arguments, keys), &arguments.mirror, tell)?;
    if !arguments.begin {
        // They may lack what an earlier run published.
        mirrors.wake();
    }
    Ok(mirrors)
}

fn told(place: &StorePlace, mirrored: &Mirrored) -> String {
    match mirrored {
        Mirrored::Same {
            objects,
            bytes,
            uncollected: None,
        } => format!("mirrored to {place}: {objects} objects of {bytes} bytes, and the head"),
        Mirrored::Same {
            uncollected: Some(why),
            ..
        } => format!("mirrored to {place}, but unneeded objects could not be removed: {why}"),
        Mirrored::Ahead { is_later: true } => {
            format!("{place} holds a newer head than the feed, and keeps it")
        }
        Mirrored::Ahead { is_later: false } => older(place),
    }
}

fn older(place: &StorePlace) -> String {
    format!("the mirror {place} holds a head of this revision that was signed later, and keeps it")
}
