//! The key file: accounts, grant sets, endpoints and keys as operators write them, in TOML, and from which a snapshot is made. A [`KeyFile`] that exists would
//! make a good snapshot: reading finds every fault with its file, line and place, quotes none of the content, and refuses a raw key wherever it stands. Edits touch
//! what they change and nothing else, so comments and order stay. Nothing here reads a file or a clock.

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
mod raw_key;
mod read;
mod read_key;
mod records;
mod source_name;
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
pub use raw_key::has_secret_key;
pub use records::Records;
pub use source_name::{EXPECTED_SOURCE, SourceName};

use serde_json::{Map, Value as Json};
use toml_edit::{Document, DocumentMut};

use fault::Collector;
use keyward::digest::KeyDigest;
use keyward::permission::{Permission, PermissionRegistry};
use keyward::profile::Profile;
use keyward::refusal::Place;
use keyward::snapshot::document::{Catalogue, Endpoint};
use raw_key::RawKeys;

/// The format that this version reads and writes.
pub const FORMAT: &str = "keyward.keys/v1";

/// Where a record stands: the part, its index there, and its line as it was read.
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
    /// As it was read.
    text: String,
    document: DocumentMut,
}

/// A member that one file alone may have.
#[derive(Clone, Debug)]
enum Single {
    /// The settings.
    Configuration(Map<String, Json>),
    ApiVersions(Vec<String>),
    Catalogue(Catalogue),
    /// The file's name for itself.
    Source(SourceName),
}

impl Single {
    const fn name(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::ApiVersions(_) => "api_versions",
            Self::Catalogue(_) => "catalogue",
            Self::Source(_) => source_name::MEMBER,
        }
    }
}

/// What operators edit: one TOML file, or several that are read as one.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// Where new files are made.
    folder: Option<String>,
    parts: Vec<Part>,
    accounts: Vec<(Account, At)>,
    grant_sets: Vec<(String, Granted, At)>,
    keys: Vec<(Key, At)>,
    endpoints: Vec<(Endpoint, At)>,
    single: Vec<(Single, At)>,
    profile: Profile,
}

impl KeyFile {
    /// Reads files, given by name and text, as one. All faults are found, not only the first.
    pub fn read(texts: Vec<(String, String)>) -> Result<Self, Faults> {
        let stripe = Profile::stripe();
        let stripes = RawKeys::of(&stripe);
        let mut faults = Vec::new();
        let mut documents = Vec::with_capacity(texts.len());
        for (name, text) in &texts {
            let mut collector = Collector::new(name, text);
            let parsed = Document::parse(text.clone());
            read::refuse_raw_keys(parsed.as_ref().ok(), &stripes, &mut collector);
            match parsed {
                Ok(document) => documents.push(document),
                // A parser's message may quote what it met.
                Err(error) => collector.expected(
                    error.span().map(|span| span.start),
                    &Place::default(),
                    "TOML",
                ),
            }
            faults.extend(collector.faults);
        }
        Faults::of(std::mem::take(&mut faults))?;
        let profile = documents.iter().find_map(read::profile_of);
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
        for (part, ((name, text), document)) in texts.into_iter().zip(documents).enumerate() {
            let mut collector = Collector::new(&name, &text);
            read::refuse_raw_keys(Some(&document), &own, &mut collector);
            if collector.faults.is_empty() {
                let read = read::contents(&document, part, &file.profile, &mut collector);
                file.accounts.extend(read.accounts);
                file.grant_sets.extend(read.grant_sets);
                file.keys.extend(read.keys);
                file.endpoints.extend(read.endpoints);
                file.single.extend(read.single);
            }
            let document = document.into_mut();
            // Line ends and whatever else is not kept must not show up as somebody's edit.
            if document.to_string() != text {
                collector.expected(
                    None,
                    &Place::default(),
                    "Unix line ends and no byte order mark",
                );
            }
            faults.extend(collector.faults);
            file.parts.push(Part {
                name,
                text,
                document,
            });
        }
        // What could not be read at all would make others look as if they named what is not there.
        Faults::of(faults)?;
        Faults::of(file.faults())?;
        Ok(file)
    }

    /// The same, where edits may make new files: `FOLDER/NAME.toml`.
    #[must_use]
    pub fn in_folder(self, folder: &str) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..self
        }
    }

    /// The accounts and organizations, in the order of the files.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().map(|(account, _)| account)
    }

    /// The account of that id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts().find(|account| account.id == id)
    }

    /// The keys, deleted ones too, in the order of the files.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|(key, _)| key)
    }

    /// The key of that id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.keys().find(|key| key.id == id)
    }

    /// The key of that digest.
    #[must_use]
    pub fn key_of_digest(&self, digest: &KeyDigest) -> Option<&Key> {
        self.keys().find(|key| key.digest == *digest)
    }

    /// The grant sets and their names.
    pub fn grant_sets(&self) -> impl Iterator<Item = (&str, &Granted)> {
        let sets = self.grant_sets.iter();
        sets.map(|(name, granted, _)| (name.as_str(), granted))
    }

    /// The grant set of that name.
    #[must_use]
    pub fn grant_set(&self, name: &str) -> Option<&Granted> {
        let mut sets = self.grant_sets();
        sets.find(|(of, _)| *of == name).map(|(_, granted)| granted)
    }

    /// The permissions that `grants` come to: those of the set it names, or its own.
    #[must_use]
    pub fn granted<'a>(&'a self, grants: &'a KeyGrants) -> Option<&'a Granted> {
        match grants {
            KeyGrants::Set(name) => self.grant_set(name),
            KeyGrants::Inline(granted) => Some(granted),
        }
    }

    /// The names and prefixes of the API, from `[configuration.profile]`.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The permissions there are: the built-in ones and those that the file's endpoints name.
    #[must_use]
    pub fn permissions(&self) -> PermissionRegistry {
        let is_none = |single: &Single| matches!(single, Single::Catalogue(Catalogue::None));
        let is_stripe = !self.singles().any(is_none);
        check::permissions(is_stripe, &self.endpoints)
    }

    /// Whether one of the file's own endpoints asks for that permission, by whatever name.
    #[must_use]
    pub fn is_asked_by_own_endpoint(
        &self,
        permissions: &PermissionRegistry,
        permission: Permission,
    ) -> bool {
        let mut names = self.endpoints.iter().flat_map(|(row, _)| row.named());
        names.any(|name| permissions.find(name) == Some(permission))
    }

    /// The name of the file that a key stands in.
    #[must_use]
    pub fn file_of_key(&self, id: &str) -> Option<&str> {
        let (_, at) = self.keys.iter().find(|(key, _)| key.id == id)?;
        self.name_of(*at)
    }

    /// The name of the file that an account stands in.
    #[must_use]
    pub fn file_of_account(&self, id: &str) -> Option<&str> {
        let (_, at) = self.accounts.iter().find(|(account, _)| account.id == id)?;
        self.name_of(*at)
    }

    /// The files' names and their texts as they are now.
    pub fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        let parts = self.parts.iter();
        parts.map(|part| (part.name.as_str(), part.document.to_string()))
    }

    /// The files' names and their texts as they were read.
    pub fn texts_as_read(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter();
        parts.map(|part| (part.name.as_str(), part.text.as_str()))
    }

    fn singles(&self) -> impl Iterator<Item = &Single> {
        self.single.iter().map(|(single, _)| single)
    }

    fn name_of(&self, at: At) -> Option<&str> {
        self.parts.get(at.part).map(|part| part.name.as_str())
    }
}
