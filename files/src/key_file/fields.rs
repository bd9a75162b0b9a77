//! The members of one TOML table, read one by one. A member that is missing, unknown or of the
//! wrong type is a fault with its line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml_edit::{Array, Item, TableLike, Value};

use super::fault::Collector;
use super::instant;
use crate::visible;
use keyward::id::{EXPECTED as ID, is_id};
use keyward::management::Granted;
use keyward::permission::AccessLevel;
use keyward::refusal::{Place, Refusal};
use keyward::word::Word;

/// The longest text for people, in bytes.
const LONGEST_TEXT: usize = 1024;

/// Whether `text` can be a note or a label: several lines are allowed, other controls are not.
pub(super) fn is_text(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len())
        && !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
}

/// One table whose members are being read.
pub(super) struct Fields<'t, 'c, 'a> {
    table: &'t dyn TableLike,
    /// The offset of the table, for members that are missing.
    offset: Option<usize>,
    pub(super) place: Place,
    pub(super) collector: &'c mut Collector<'a>,
    taken: Vec<&'static str>,
}

impl<'t, 'c, 'a> Fields<'t, 'c, 'a> {
    pub(super) fn new(
        table: &'t dyn TableLike,
        offset: Option<usize>,
        place: Place,
        collector: &'c mut Collector<'a>,
    ) -> Self {
        Self {
            table,
            offset,
            place,
            collector,
            taken: Vec::new(),
        }
    }

    /// Returns a member, and marks its name as known.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'t Item> {
        self.taken.push(name);
        self.table.get(name).filter(|item| !item.is_none())
    }

    /// Returns the offset of a member.
    pub(super) fn offset(&self, name: &str) -> Option<usize> {
        offset_of(self.table, name).or(self.offset)
    }

    /// Notes a fault of a member.
    pub(super) fn expected(&mut self, name: &'static str, expected: &'static str) {
        let (offset, place) = (self.offset(name), self.place.then(name));
        self.collector.expected(offset, &place, expected);
    }

    /// Notes a fault of a member in the words of `why`.
    pub(super) fn refused(&mut self, name: &'static str, why: &'static str) {
        let (offset, place) = (self.offset(name), self.place.then(name));
        self.collector.push(offset, place.refused(why));
    }

    /// Reads an optional string.
    pub(super) fn string(&mut self, name: &'static str) -> Option<&'t str> {
        let item = self.take(name)?;
        let text = item.as_str();
        if text.is_none() {
            self.expected(name, "a string");
        }
        text
    }

    /// Reads a name for people: one line with a visible character. Direction marks and similar
    /// characters are shown by their number.
    pub(super) fn name(&mut self, name: &'static str) -> Option<String> {
        let text = self.string(name)?;
        if text.len() > LONGEST_TEXT || !visible::is_line(text) {
            let expected =
                "1 to 1024 bytes of visible text on one line, without control characters";
            self.expected(name, expected);
        }
        Some(text.to_owned())
    }

    /// Reads a text for people.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.string(name)?;
        if !is_text(text) {
            self.expected(name, "1 to 1024 bytes of text without control characters");
        }
        Some(text.to_owned())
    }

    /// Reads an id.
    pub(super) fn id(&mut self, name: &'static str) -> Option<String> {
        let text = self.string(name)?;
        if !is_id(text) {
            self.expected(name, ID);
            return None;
        }
        Some(text.to_owned())
    }

    /// Notes a fault if a required member is `None`.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        if self.table.get(name).is_none() {
            self.taken.push(name);
            let refusal = self.place.refused("");
            let refusal = Refusal {
                expected: format!("missing member `{name}`"),
                ..refusal
            };
            self.collector.push(self.offset, refusal);
            return None;
        }
        read(self, name)
    }

    /// Reads a member that has one of a few words.
    pub(super) fn word<T: Word>(&mut self, name: &'static str) -> Option<T> {
        let found = self.take(name)?.as_str().and_then(T::from_word);
        if found.is_none() {
            let refusal = Refusal {
                expected: format!("expected {}", T::WORDS),
                ..self.place.then(name).refused("")
            };
            self.collector.push(self.offset(name), refusal);
        }
        found
    }

    /// Reads a time: RFC 3339 with its zone, bare or as a string, or Unix seconds.
    pub(super) fn instant(&mut self, name: &'static str) -> Option<u64> {
        let item = self.take(name)?;
        let seconds = match item.as_value() {
            Some(Value::Datetime(datetime)) => instant::parse(&datetime.value().to_string()),
            Some(Value::Integer(seconds)) => instant::from_seconds(*seconds.value()),
            Some(Value::String(text)) => instant::parse(text.value()),
            Some(Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::InlineTable(_))
            | None => None,
        };
        if seconds.is_none() {
            self.expected(name, instant::EXPECTED);
        }
        seconds
    }

    /// Reads the strings of an array, each with its offset.
    pub(super) fn strings(&mut self, name: &'static str) -> Vec<(String, Option<usize>)> {
        let Some(item) = self.take(name) else {
            return Vec::new();
        };
        let Some(array) = item.as_array() else {
            self.expected(name, "an array of strings");
            return Vec::new();
        };
        self.elements(name, array)
    }

    fn elements(&mut self, name: &'static str, array: &Array) -> Vec<(String, Option<usize>)> {
        let place = self.place.then(name);
        let mut texts = Vec::with_capacity(array.len());
        for (index, value) in array.iter().enumerate() {
            let offset = value.span().map(|span| span.start);
            match value.as_str() {
                Some(text) => texts.push((text.to_owned(), offset)),
                None => self
                    .collector
                    .expected(offset, &place.at(index), "a string"),
            }
        }
        texts
    }

    /// Reads a table of names and texts.
    pub(super) fn labels(&mut self, name: &'static str) -> BTreeMap<String, String> {
        let Some(item) = self.take(name) else {
            return BTreeMap::new();
        };
        let Some(table) = item.as_table_like() else {
            self.expected(name, "a table of names and strings");
            return BTreeMap::new();
        };
        let mut labels = BTreeMap::new();
        for (label, item) in table.iter() {
            let place = self.place.then(name).then(shown(label));
            let offset = offset_of(table, label).or(self.offset);
            match item.as_str() {
                _ if !is_id(label) => self.collector.expected(offset, &place, ID),
                Some(text) if is_text(text) => {
                    labels.insert(label.to_owned(), text.to_owned());
                }
                _ => self.collector.expected(
                    offset,
                    &place,
                    "1 to 1024 bytes of text without control characters",
                ),
            }
        }
        labels
    }

    /// Notes each remaining member as unknown. `known` lists the members that exist.
    pub(super) fn finish(self) {
        for (name, _) in self.table.iter() {
            if self.taken.contains(&name) {
                continue;
            }
            let offset = offset_of(self.table, name).or(self.offset);
            let place = self.place.then(shown(name));
            let refusal = Refusal {
                expected: format!(
                    "unknown member, expected one of `{}`",
                    self.taken.join("`, `")
                ),
                ..place.refused("")
            };
            self.collector.push(offset, refusal);
        }
    }
}

/// Reads permissions with their levels from a table. It does not check that the permissions exist.
pub(super) fn granted(
    table: &dyn TableLike,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Granted {
    let mut granted = Granted::new();
    for (name, item) in table.iter() {
        let place = place.then(shown(name));
        let offset = offset_of(table, name);
        let level = item.as_str().and_then(AccessLevel::from_word);
        match level {
            Some(level) if is_id(name) => {
                granted.insert(name.to_owned(), level);
            }
            Some(_) => collector.expected(offset, &place, ID),
            None => collector.expected(
                offset,
                &place,
                "`read` or `write`; for no permission leave it out",
            ),
        }
    }
    granted
}

/// Returns the byte offset of a member.
pub(super) fn offset_of(table: &dyn TableLike, name: &str) -> Option<usize> {
    let (key, item) = table.get_key_value(name)?;
    key.span().or_else(|| item.span()).map(|span| span.start)
}

/// Returns a name for a place, or `*` if it is not spelled like a name: it could contain anything.
pub(super) fn shown(name: &str) -> Cow<'static, str> {
    if is_id(name) {
        Cow::Owned(name.to_owned())
    } else {
        Cow::Borrowed("*")
    }
}
