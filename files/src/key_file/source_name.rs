//! The name of a snapshot's source. It is created once, and every target that is pushed to carries
//! it, so that keyward notices a push from another source.

use std::fmt;

use toml_edit::{DocumentMut, value};

use super::fields::Fields;
use super::{At, KeyFile, Single, is_id};

/// `file:<id>` for a key file, `server:<id>` for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceName(String);

/// The expected form of a source's name.
pub const EXPECTED_SOURCE: &str =
    "`file:` or `server:` and an id of 1 to 64 letters, digits, `_`, `.` or `-`";

const EXPECTED_IN_FILE: &str =
    "`file:` and an id of 1 to 64 letters, digits, `_`, `.` or `-`, as the command made it";

/// The member of a key file that contains it.
pub(super) const MEMBER: &str = "source";

impl SourceName {
    /// Returns the name of a key file with a new id.
    #[must_use]
    pub fn of_file(id: &str) -> Option<Self> {
        Self::parse(&format!("file:{id}"))
    }

    /// Parses a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        (matches!(kind, "file" | "server") && is_id(id)).then(|| Self(text.to_owned()))
    }

    /// Whether it names a key file.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        self.0.starts_with("file:")
    }

    /// Returns the name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyFile {
    /// Returns the file's name for itself, if it has one yet.
    #[must_use]
    pub fn source(&self) -> Option<SourceName> {
        self.singles().find_map(|single| match single {
            Single::Source(name) => Some(name.clone()),
            Single::Configuration(_)
            | Single::ApiVersions(_)
            | Single::Catalogue(_)
            | Single::Push(_) => None,
        })
    }

    /// Returns the name of the file that contains `source`.
    pub(super) fn file_of_source(&self) -> Option<&str> {
        let mut single = self.single.iter();
        let (_, at) = single.find(|(of, _)| matches!(of, Single::Source(_)))?;
        self.name_of(*at)
    }

    /// Sets the name, unless there is one already. If there are several files, the one with the
    /// settings gets it, or the first.
    pub fn name_source(&mut self, name: &SourceName) {
        if self.source().is_some() {
            return;
        }
        let mut single = self.single.iter();
        let settings = single.find(|(of, _)| matches!(of, Single::Configuration(_)));
        let part = settings.map_or(0, |(_, at)| at.part);
        let Some(file) = self.parts.get_mut(part) else {
            return;
        };
        let first = file.pieces.first_mut();
        let written = first.and_then(|piece| piece.edit(|document| write(document, name)));
        if written.is_none() {
            return;
        }
        let at = At {
            part,
            index: 0,
            line: None,
        };
        self.single.push((Single::Source(name.clone()), at));
    }
}

/// Reads the name that a file has for itself.
pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Option<SourceName> {
    let name = SourceName::parse(fields.string(MEMBER)?).filter(SourceName::is_of_file);
    if name.is_none() {
        fields.expected(MEMBER, EXPECTED_IN_FILE);
    }
    name
}

fn write(document: &mut DocumentMut, name: &SourceName) {
    let mut item = value(name.as_str());
    if let Some(value) = item.as_value_mut() {
        value
            .decor_mut()
            .set_suffix(" # made once, never edited: what is pushed carries it");
    }
    document.insert(MEMBER, item);
}
