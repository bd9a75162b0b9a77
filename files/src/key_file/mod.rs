//! The key file: accounts, grant sets, endpoints and keys as operators write them in TOML, from
//! which keyward makes a snapshot. A [`KeyFile`] that exists makes a valid snapshot: reading finds
//! every fault with its file, line and place, quotes no content, and rejects a raw key anywhere.
//! Edits touch only what they change, so comments and order stay. Nothing here reads a file or a
//! clock.

mod changes;
mod check;
mod compile;
mod compose;
mod edit;
mod facts;
mod fault;
mod fields;
pub mod instant;
mod json_of;
mod links;
mod list;
mod pieces;
mod raw_key;
mod read;
mod read_key;
mod records;
mod source_name;
mod whole;
mod write;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use changes::{Change, Subject};
pub use compile::{Issue, account_row, key_row, permissions_row};
pub use compose::{NoForm, compose_account, compose_beginning, compose_grant_set, compose_key};
pub use edit::EditRefusal;
pub use fault::{Fault, Faults};
pub use keyward::id::is_id;
pub use keyward::management::{Account, Granted, Key, KeyGrants, shown as repeated};
pub use links::DanglingLink;
pub use raw_key::{RawKeys, has_secret_key};
pub use records::Records;
pub use source_name::{EXPECTED_SOURCE, SourceName};

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use toml_edit::Document;

use fault::Collector;
use keyward::invariant::Held;
use keyward::profile::Profile;
use keyward::refusal::Place;
use keyward::snapshot::document::{Catalogue, Endpoint};
use pieces::{Piece, Role, Unreadable};
use read::Record;

/// The format that this version reads and writes.
pub const FORMAT: &str = "keyward.keys/v1";

/// The place of a record: the part, its index there, and its line when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    part: usize,
    index: usize,
    line: Option<usize>,
}

/// One TOML file.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    /// The text as it was read.
    text: Arc<str>,
    pieces: Vec<Piece>,
}

impl Part {
    /// Returns the current text.
    fn written(&self) -> String {
        self.pieces.iter().map(|piece| &*piece.text).collect()
    }
}

/// A record that was read before.
enum Known<'a> {
    Account(&'a Account),
    Key(&'a Arc<Key>),
}

/// The rest of a file without its records, with the file's line numbers, and the places of the
/// records.
type Apart = (Document<String>, Vec<pieces::Found>);

fn parsed(text: &str, collector: &mut Collector<'_>) -> Option<Document<String>> {
    match Document::parse(text.to_owned()) {
        Ok(document) => Some(document),
        // A parser's message may quote the content.
        Err(error) => {
            let offset = error.span().map(|span| span.start);
            collector.expected(offset, &Place::default(), "TOML");
            None
        }
    }
}

/// Splits one file, and parses everything that is not a record.
fn rest_of(text: &str, stripes: &RawKeys, collector: &mut Collector<'_>) -> Option<Apart> {
    let place = Place::default();
    match pieces::of(text) {
        _ if text.starts_with('\u{feff}') => {
            collector.expected(None, &place, "no byte order mark");
            None
        }
        Ok(found) => {
            let rest = pieces::rest_of(text, &found);
            let mut of_rest = Collector::new(collector.file, &rest);
            let document = parsed(&rest, &mut of_rest);
            if let Some(document) = &document {
                read::refuse_escaped_keys(document, &rest, &[stripes], &mut of_rest);
            }
            collector.faults.append(&mut of_rest.faults);
            Some((document?, found))
        }
        Err(Unreadable::NotToml) => {
            if parsed(text, collector).is_some() {
                collector.expected(None, &place, "TOML that is nested less deeply");
            }
            None
        }
        Err(Unreadable::Apart(offset)) => {
            let expected = "this table below the `[[accounts]]` or `[[keys]]` that it belongs to";
            collector.expected(Some(offset), &place, expected);
            None
        }
    }
}

/// A member that only one file may have.
#[derive(Clone, Debug)]
enum Single {
    /// The settings.
    Configuration(Map<String, Json>),
    ApiVersions(Vec<String>),
    Catalogue(Catalogue),
    /// The file's name for itself.
    Source(SourceName),
    /// The ECDS file that `keyward push` writes by default.
    Push(String),
}

/// The table that names the usual target.
const PUSH: &str = "push";

impl Single {
    const fn name(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::ApiVersions(_) => "api_versions",
            Self::Catalogue(_) => "catalogue",
            Self::Source(_) => source_name::MEMBER,
            Self::Push(_) => PUSH,
        }
    }
}

/// What operators edit: one TOML file, or several that are read as one.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The folder for new files.
    folder: Option<String>,
    parts: Vec<Part>,
    accounts: Vec<(Account, At)>,
    grant_sets: Vec<(String, Granted, At)>,
    /// Shared between the states of a file before and after a change, because few keys differ.
    keys: Vec<(Arc<Key>, At)>,
    endpoints: Vec<(Endpoint, At)>,
    single: Vec<(Single, At)>,
    profile: Profile,
}

impl KeyFile {
    /// Reads files, given by name and text, as one. It reports all faults, not only the first.
    pub fn read(texts: Vec<(String, String)>) -> Result<Self, Faults> {
        let file = Self::records(texts, None)?;
        Faults::of(file.refused_by_gateways())?;
        Ok(file)
    }

    /// Like [`Self::read`], but does not find what a gateway would reject: for a file that is about
    /// to be changed.
    pub(crate) fn read_to_change(texts: Vec<(String, String)>) -> Result<Self, Faults> {
        Self::records(texts, None)
    }

    /// Reads files that are similar to `self`. Records with the same text are shared with it.
    pub(crate) fn read_again(&self, texts: Vec<(String, String)>) -> Result<Self, Faults> {
        let mut file = Self::records(texts, Some(self))?;
        // With another profile, the same text may be another record.
        if file.settings() != self.settings() {
            let texts = file.texts_as_read();
            let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
            file = Self::records(texts.collect(), None)?;
        }
        Faults::of(file.refused_by_gateways())?;
        Ok(file)
    }

    /// Returns the reason why a gateway would reject this file.
    pub(crate) fn refusal(&self) -> Result<(), Faults> {
        Faults::of(self.refused_by_gateways())
    }

    fn records(texts: Vec<(String, String)>, known: Option<&Self>) -> Result<Self, Faults> {
        let stripe = Profile::stripe();
        let stripes = RawKeys::of(&stripe);
        let mut faults = Vec::new();
        let mut documents = Vec::with_capacity(texts.len());
        for (name, text) in &texts {
            let mut collector = Collector::new(name, text);
            read::refuse_raw_keys(&stripes, &mut collector);
            if let Some(read) = rest_of(text, &stripes, &mut collector) {
                documents.push(read);
            }
            faults.extend(collector.faults);
        }
        Faults::of(std::mem::take(&mut faults))?;
        let mut rests = documents.iter().map(|(rest, _)| rest);
        let profile = rests.find_map(read::profile_of);
        let mut file = Self {
            folder: None,
            parts: Vec::with_capacity(texts.len()),
            accounts: Vec::new(),
            grant_sets: Vec::new(),
            keys: Vec::new(),
            endpoints: Vec::new(),
            single: Vec::new(),
            profile: profile.unwrap_or(stripe),
        };
        let own = RawKeys::of(&file.profile);
        let known = known.map(Self::by_text).unwrap_or_default();
        for (part, ((name, text), (rest, found))) in texts.into_iter().zip(documents).enumerate() {
            let mut collector = Collector::new(&name, &text);
            let mut of_rest = Collector::new(&name, rest.raw());
            if own != stripes {
                read::refuse_raw_keys(&own, &mut collector);
                read::refuse_escaped_keys(&rest, rest.raw(), &[&own], &mut of_rest);
                collector.faults.append(&mut of_rest.faults);
            }
            let mut pieces = Vec::with_capacity(found.len());
            if collector.faults.is_empty() {
                let read = read::contents(&rest, part, &mut of_rest);
                collector.faults.append(&mut of_rest.faults);
                file.grant_sets.extend(read.grant_sets);
                file.endpoints.extend(read.endpoints);
                file.single.extend(read.single);
                let (mut accounts, mut keys) = (0, 0);
                for piece in found {
                    let part_text = text
                        .get(piece.place.clone())
                        .held("a range was taken of this text");
                    let count = match piece.role {
                        Role::Account => &mut accounts,
                        Role::Key => &mut keys,
                        Role::Rest => &mut 0,
                    };
                    let at = At {
                        part,
                        index: *count,
                        line: Some(collector.line(piece.heading)),
                    };
                    *count += 1;
                    collector.base = piece.place.start;
                    let raw_keys = [&stripes, &own];
                    let index = at.index;
                    match known.get(&(piece.role, part_text)) {
                        Some(Known::Account(account)) => {
                            file.accounts.push((Account::clone(account), at));
                        }
                        Some(Known::Key(key)) => file.keys.push((Arc::clone(key), at)),
                        None => match read::record(
                            part_text,
                            piece.role,
                            index,
                            &file.profile,
                            &raw_keys,
                            &mut collector,
                        ) {
                            Some(Record::Account(account)) => file.accounts.push((account, at)),
                            Some(Record::Key(key)) => file.keys.push((Arc::new(*key), at)),
                            None => {}
                        },
                    }
                    collector.base = 0;
                    pieces.push(Piece {
                        role: piece.role,
                        text: part_text.into(),
                    });
                }
            }
            faults.extend(collector.faults);
            file.parts.push(Part {
                name,
                text: text.into(),
                pieces,
            });
        }
        // Records that cannot be read would make references to them look broken.
        Faults::of(faults)?;
        Faults::of(file.faults())?;
        Ok(file)
    }

    /// Returns the records by their texts, if these are unchanged since they were read.
    fn by_text(&self) -> HashMap<(Role, &str), Known<'_>> {
        let pieces: Vec<[Vec<&str>; 2]> = self
            .parts
            .iter()
            .map(|part| {
                [Role::Account, Role::Key].map(|role| {
                    let pieces = part.pieces.iter().filter(|piece| piece.role == role);
                    pieces.map(|piece| &*piece.text).collect()
                })
            })
            .collect();
        let text = |at: &At, role: usize| Some(*pieces.get(at.part)?.get(role)?.get(at.index)?);
        let accounts = self.accounts.iter().filter_map(|(account, at)| {
            Some(((Role::Account, text(at, 0)?), Known::Account(account)))
        });
        let keys = self
            .keys
            .iter()
            .filter_map(|(key, at)| Some(((Role::Key, text(at, 1)?), Known::Key(key))));
        accounts.chain(keys).collect()
    }

    /// Returns the key file for a folder. Edits may create new files in it: `FOLDER/NAME.toml`.
    #[must_use]
    pub fn in_folder(self, folder: &str) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..self
        }
    }
}
