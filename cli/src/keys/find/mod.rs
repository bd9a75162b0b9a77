//! `keyward keys find`: finds which keys a leaked text contains, what they may do, and what to do
//! now. It reads the text from standard input, and shows no value from it.

mod asked;
mod masked;
mod report;
mod search;
mod text;

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};

use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::Records;
use asked::Asked;
use keyward_files::key_file::{Key, KeyFile};
use masked::MaskedKey;
use report::Report;
use search::Search;
use text::Text;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Read the text from standard input, never from an argument, because process lists and shell histories show arguments
    #[arg(long, required = true)]
    key_stdin: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let _ = arguments.key_stdin;
    let text = Text::read(std::io::stdin().lock())?;
    if text.is_empty() {
        bail!("standard input is empty; give the text that leaked: a key, a file, a log");
    }
    let profile = records.profile()?;
    let mut unasked = Vec::new();
    let file = records.holders(|| {
        let asked = Asked::of(text.clone(), &profile);
        unasked = asked.unasked;
        (asked.digests, asked.ends)
    })?;
    let mut found = Found::in_text(text, &file);
    found.unread.extend(unasked);
    Report::new(&file, &found, records, input::now()).show(output)
}

/// The keys in a text.
struct Found<'a> {
    /// Keys of the file.
    keys: Vec<&'a Key>,
    /// Masked keys, each with the keys of the file that it may be.
    masked: Vec<(MaskedKey, Vec<&'a Key>)>,
    /// Keys that are not in the file, masked.
    strangers: Vec<String>,
    /// What was not read or cannot be known.
    unread: Vec<String>,
}

impl<'a> Found<'a> {
    fn in_text(mut text: Text, file: &'a KeyFile) -> Self {
        let mut search = Search::new(file);
        let mut masks = Vec::new();
        text.each_reading(|reading, is_spaced| {
            search.look(reading, is_spaced);
            if is_spaced {
                masked::find(reading, file, &mut masks);
            }
        });
        let mut unread = text.unread;
        if search.is_cut_short() {
            let why =
                "the text holds more that looks like the beginning of a key than is looked at";
            unread.push(why.to_owned());
        }
        unread.extend(search.cut().map(|shown| {
            format!("`{shown}` is shorter than a key that keyward makes: if it was cut, give the whole key")
        }));
        let masked = masks.into_iter().map(|mask| {
            let keys = may_be(&mask, file, &mut unread);
            (mask, keys)
        });
        let masked = masked.collect();
        Self {
            keys: search.found,
            masked,
            strangers: search.strangers,
            unread,
        }
    }
}

/// Returns the keys of the file that a masked key may be.
fn may_be<'a>(mask: &MaskedKey, file: &'a KeyFile, unread: &mut Vec<String>) -> Vec<&'a Key> {
    let shown = mask.shown();
    if !mask.has_end() {
        unread.push(format!(
            "`{shown}` is masked to its end: any key may be meant"
        ));
        return Vec::new();
    }
    let unknown = file.keys().filter(|key| mask.may_be(key, file).is_none());
    match unknown.count() {
        0 => {}
        count => unread.push(format!(
            "`{shown}` may also be one of {count} keys whose `last4` the key file does not have: they were made before it kept that"
        )),
    }
    let keys = file.keys();
    keys.filter(|key| mask.may_be(key, file) == Some(true))
        .collect()
}
