//! The text of one file in pieces: one for each `[[accounts]]` and `[[keys]]`, and the rest between them. A file of 10,000 keys is read and edited piece by piece. A tree
//! of all of it takes some thirty times the memory of the text.

use std::ops::Range;
use std::sync::Arc;

use toml_edit::DocumentMut;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{EventReceiver, RecursionGuard, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span};

use crate::invariant::Held;

/// How deep values may be nested.
const DEEPEST: u32 = 80;

/// What a piece is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Account,
    Key,
    /// Settings, grant sets, endpoints, and comments at the end.
    Rest,
}

impl Role {
    fn of(name: &str) -> Self {
        match name.trim_matches(['"', '\'']) {
            "accounts" => Self::Account,
            "keys" => Self::Key,
            _ => Self::Rest,
        }
    }

    /// The heading of its tables, if it is a record's.
    pub(super) const fn heading(self) -> Option<&'static str> {
        match self {
            Self::Account => Some("accounts"),
            Self::Key => Some("keys"),
            Self::Rest => None,
        }
    }
}

/// A piece as it is now.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) role: Role,
    pub(super) text: Arc<str>,
}

impl Piece {
    /// Replaces the text by what `edit` makes of it, with the line ends that it had.
    pub(super) fn edit<T>(&mut self, edit: impl FnOnce(&mut DocumentMut) -> T) -> Option<T> {
        let mut document: DocumentMut = self.text.parse().ok()?;
        let outcome = edit(&mut document);
        self.text = with_line_ends_of(&self.text, &document.to_string());
        Some(outcome)
    }
}

/// `text` with the line ends that `like` has.
pub(super) fn with_line_ends_of(like: &str, text: &str) -> Arc<str> {
    match like.contains("\r\n") {
        true => text.replace("\r\n", "\n").replace('\n', "\r\n").into(),
        false => text.into(),
    }
}

/// Where a piece is in the text, with the comments above it.
pub(super) struct Found {
    pub(super) role: Role,
    pub(super) place: Range<usize>,
    /// Where its heading begins.
    pub(super) heading: usize,
}

/// Why a text cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotToml,
    /// A table of a record is here, and not below its record.
    Apart(usize),
}

/// Takes a text apart. The first piece is of the rest, and may be empty.
pub(super) fn of(text: &str) -> Result<Vec<Found>, Unreadable> {
    let mut splitter = Splitter {
        text,
        found: vec![Found {
            role: Role::Rest,
            place: 0..0,
            heading: 0,
        }],
        end: 0,
        heading: None,
        apart: None,
    };
    let mut faults = Counted(0);
    let tokens = Source::new(text).lex().into_vec();
    let mut guarded = RecursionGuard::new(&mut splitter, DEEPEST);
    parse_document(&tokens, &mut guarded, &mut faults);
    if faults.0 > 0 {
        return Err(Unreadable::NotToml);
    }
    if let Some(offset) = splitter.apart {
        return Err(Unreadable::Apart(offset));
    }
    let trailing = splitter.next_line();
    let is_record = splitter.role() != Role::Rest;
    if is_record && trailing < text.len() {
        splitter.begin(Role::Rest, trailing);
    }
    let mut found = splitter.found;
    if let Some(last) = found.last_mut() {
        last.place.end = text.len();
    }
    Ok(found)
}

/// The text without its records: blanks are in their place, so that offsets and lines stay.
pub(super) fn rest_of(text: &str, found: &[Found]) -> String {
    let mut rest = Vec::with_capacity(text.len());
    for piece in found {
        let part = text
            .get(piece.place.clone())
            .held("a range was taken of this text");
        match piece.role {
            Role::Rest => rest.extend_from_slice(part.as_bytes()),
            Role::Account | Role::Key => {
                for line in part.split_inclusive('\n') {
                    let blank = line.strip_suffix('\n').unwrap_or(line).len();
                    rest.resize(rest.len().saturating_add(blank), b' ');
                    rest.extend(line.ends_with('\n').then_some(b'\n'));
                }
            }
        }
    }
    String::from_utf8(rest)
        .ok()
        .held("it is made of whole texts and blanks")
}

struct Heading<'a> {
    start: usize,
    is_of_array: bool,
    path: Vec<&'a str>,
}

struct Splitter<'a> {
    text: &'a str,
    found: Vec<Found>,
    /// Where what is not a blank and no comment ended last.
    end: usize,
    heading: Option<Heading<'a>>,
    apart: Option<usize>,
}

impl<'a> Splitter<'a> {
    fn role(&self) -> Role {
        self.found.last().map_or(Role::Rest, |piece| piece.role)
    }

    /// The line after the last content. Lines above a heading belong to it.
    fn next_line(&self) -> usize {
        if self.end == 0 {
            return 0;
        }
        let rest = self
            .text
            .get(self.end..)
            .held("a range was taken of this text");
        let line = rest
            .find('\n')
            .map_or(rest.len(), |at| at.saturating_add(1));
        self.end.saturating_add(line)
    }

    fn begin(&mut self, role: Role, heading: usize) {
        let start = self.next_line().min(heading);
        if let Some(last) = self.found.last_mut() {
            last.place.end = start;
        }
        self.found.push(Found {
            role,
            place: start..start,
            heading,
        });
    }

    fn content(&mut self, span: Span) {
        self.end = self.end.max(span.end());
    }

    fn open(&mut self, span: Span, is_of_array: bool) {
        self.heading = Some(Heading {
            start: span.start(),
            is_of_array,
            path: Vec::new(),
        });
    }

    fn close(&mut self, span: Span) {
        if let Some(heading) = self.heading.take() {
            self.place(&heading);
        }
        self.content(span);
    }

    fn place(&mut self, heading: &Heading<'a>) {
        let role = Role::of(heading.path.first().copied().unwrap_or_default());
        let is_of_record = role != Role::Rest;
        match (is_of_record, heading.path.len(), heading.is_of_array) {
            (true, 1, true) => self.begin(role, heading.start),
            (true, 2.., _) if self.role() == role => {}
            (true, 2.., _) => self.apart = self.apart.or(Some(heading.start)),
            // `[keys]` is of the rest, and refused there.
            (true, _, _) | (false, _, _) => {
                if self.role() != Role::Rest {
                    self.begin(Role::Rest, heading.start);
                }
            }
        }
    }
}

impl EventReceiver for Splitter<'_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open(span, false);
    }
    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }
    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open(span, true);
    }
    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }
    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.content(span);
    }
    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.content(span);
    }
    fn simple_key(&mut self, span: Span, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        match &mut self.heading {
            Some(heading) => {
                let name = self.text.get(span.start()..span.end());
                heading
                    .path
                    .push(name.held("the parser's spans are of this text"));
            }
            None => self.content(span),
        }
    }
    fn scalar(&mut self, span: Span, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        self.content(span);
    }
}

struct Counted(usize);

impl ErrorSink for Counted {
    fn report_error(&mut self, _: ParseError) {
        self.0 = self.0.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(Role, &str)> {
        let found = of(text).unwrap();
        found
            .iter()
            .map(|piece| (piece.role, text.get(piece.place.clone()).unwrap()))
            .collect()
    }

    #[test]
    fn each_record_is_a_piece_with_the_comments_above_it() {
        let text = "# top\nformat = 'x' # f\n\n# one\n[[keys]] # h\nid = \"\"\"\n# x \"\"\" # c\n[keys.grants]\na = [1, # z\n  2]\n\n[[ \"accounts\" ]]\n\n# s\n[s]\n[[t]]\n[[keys]]\n# end\n";
        assert_eq!(
            pieces(text),
            [
                (Role::Rest, "# top\nformat = 'x' # f\n"),
                (
                    Role::Key,
                    "\n# one\n[[keys]] # h\nid = \"\"\"\n# x \"\"\" # c\n[keys.grants]\na = [1, # z\n  2]\n"
                ),
                (Role::Account, "\n[[ \"accounts\" ]]\n"),
                (Role::Rest, "\n# s\n[s]\n[[t]]\n"),
                (Role::Key, "[[keys]]\n"),
                (Role::Rest, "# end\n"),
            ]
        );
        assert_eq!(
            pieces("[[keys]]"),
            [(Role::Rest, ""), (Role::Key, "[[keys]]")]
        );
        assert_eq!(pieces("# c\n\n[[keys]]\n").len(), 2);
        assert_eq!(pieces(""), [(Role::Rest, "")]);
    }

    #[test]
    fn offsets_stay_in_what_is_left_of_the_text() {
        let text = "a = 1\n[[keys]]\nid = 'é'\n[b]\nc = 2\n";
        let found = of(text).unwrap();
        let rest = rest_of(text, &found);
        assert_eq!(
            (rest.len(), rest.find("[b]")),
            (text.len(), text.find("[b]"))
        );
        assert!(!rest.contains("keys") && rest.lines().count() == text.lines().count());
    }

    #[test]
    fn what_cannot_be_taken_apart_is_told() {
        assert_eq!(of("[[keys\n").err(), Some(Unreadable::NotToml));
        let apart = "[[keys]]\n[s]\n[keys.grants]\n";
        assert_eq!(of(apart).err(), Some(Unreadable::Apart(13)));
        let deep = format!("a = {}{}\n", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert!(of(&deep).is_err() || deep.parse::<DocumentMut>().is_err());
    }
}
