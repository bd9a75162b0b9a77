//! The text of one file in pieces: one for each `[[accounts]]` and `[[keys]]`, and the rest between
//! them. A file of 10,000 keys is read and edited piece by piece, because a tree of the whole file
//! takes about thirty times the memory of the text.

use std::ops::Range;
use std::sync::Arc;

use toml_edit::DocumentMut;
use toml_parser::decoder::Encoding;
use toml_parser::lexer::{Token, TokenKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, parse_document};
use toml_parser::{ErrorSink, ParseError, Source, Span};

use keyward::invariant::Held;

/// The maximum nesting depth of values.
const DEEPEST: u32 = 80;

/// The kind of content in a piece.
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

    /// Returns the heading of a record's tables.
    pub(super) const fn heading(self) -> Option<&'static str> {
        match self {
            Self::Account => Some("accounts"),
            Self::Key => Some("keys"),
            Self::Rest => None,
        }
    }
}

/// A piece with its current text.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) role: Role,
    pub(super) text: Arc<str>,
}

impl Piece {
    /// Replaces the text with the result of `edit`, with the line ends that it had.
    pub(super) fn edit<T>(&mut self, edit: impl FnOnce(&mut DocumentMut) -> T) -> Option<T> {
        let mut document: DocumentMut = self.text.parse().ok()?;
        let outcome = edit(&mut document);
        self.text = with_line_ends_of(&self.text, &document.to_string());
        Some(outcome)
    }
}

/// Returns `text` with the line ends of `like`.
pub(super) fn with_line_ends_of(like: &str, text: &str) -> Arc<str> {
    match like.contains("\r\n") {
        true => text.replace("\r\n", "\n").replace('\n', "\r\n").into(),
        false => text.into(),
    }
}

/// The place of a piece in the text, including the comments above it.
pub(super) struct Found {
    pub(super) role: Role,
    pub(super) place: Range<usize>,
    /// The offset of its heading.
    pub(super) heading: usize,
}

/// Why a text cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotToml,
    /// A record's table is here instead of below its record.
    Apart(usize),
}

/// Splits a text. The first piece has the role `Rest` and may be empty.
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
    let mut guarded = RecursionGuard::new(&mut splitter, DEEPEST);
    each_table(text, |tokens| {
        parse_document(tokens, &mut guarded, &mut faults);
    });
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

/// Calls `parse` with the tokens of each table, and of the text before the first. All tokens of a
/// file at once take seven times its size.
///
/// A table begins at a bracket that begins a line and is inside no other bracket, so no array or
/// string is ever cut.
fn each_table(text: &str, mut parse: impl FnMut(&[Token])) {
    let mut tokens = Vec::new();
    let (mut depth, mut begins_line) = (0_usize, true);
    for token in Source::new(text).lex() {
        let kind = token.kind();
        if kind == TokenKind::LeftSquareBracket && begins_line && depth == 0 {
            parse(&tokens);
            tokens.clear();
        }
        if matches!(
            kind,
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket
        ) {
            depth = depth.saturating_add(1);
        }
        if matches!(
            kind,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket
        ) {
            depth = depth.saturating_sub(1);
        }
        begins_line = kind == TokenKind::Newline;
        tokens.push(token);
    }
    parse(&tokens);
}

/// Returns the text without its records. Their line ends stay, so each line keeps its number.
pub(super) fn rest_of(text: &str, found: &[Found]) -> String {
    let mut rest = String::new();
    for piece in found {
        let part = text
            .get(piece.place.clone())
            .held("a range was taken of this text");
        match piece.role {
            Role::Rest => rest.push_str(part),
            Role::Account | Role::Key => rest.extend(part.matches('\n')),
        }
    }
    rest
}

struct Heading<'a> {
    start: usize,
    is_of_array: bool,
    path: Vec<&'a str>,
}

struct Splitter<'a> {
    text: &'a str,
    found: Vec<Found>,
    /// The end of the last content that is neither blank nor a comment.
    end: usize,
    heading: Option<Heading<'a>>,
    apart: Option<usize>,
}

impl<'a> Splitter<'a> {
    fn role(&self) -> Role {
        self.found.last().map_or(Role::Rest, |piece| piece.role)
    }

    /// Returns the offset of the line after the last content. Lines above a heading belong to it.
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
            // `[keys]` belongs to the rest, and is rejected there.
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
    fn lines_stay_in_what_is_left_of_the_text() {
        let text = "a = 1\n[[keys]]\nid = 'é'\n[b]\nc = 2\n";
        let rest = rest_of(text, &of(text).unwrap());
        assert_eq!(rest, "a = 1\n\n\n[b]\nc = 2\n");
        let text = text.replace('\n', "\r\n");
        let rest = rest_of(&text, &of(&text).unwrap());
        assert_eq!(rest, "a = 1\r\n\n\n[b]\r\nc = 2\r\n");
    }

    #[test]
    fn a_bracket_in_a_value_begins_no_table() {
        let text = "a = [\n[1],\n[\n2]]\nb = \"\"\"\n[[keys]]\n\"\"\"\nc = {d = [\n[3]]}\n[[keys]]\ne = '''\n[x]\n'''\n[f]\n";
        let mut tables = Vec::new();
        each_table(text, |tokens| {
            let first = tokens.first().map_or(0, |token| token.span().start());
            tables.push(text.get(first..).unwrap().lines().next().unwrap());
        });
        assert_eq!(tables, ["a = [", "[[keys]]", "[f]"]);
        let roles: Vec<_> = pieces(text).into_iter().map(|(role, _)| role).collect();
        assert_eq!(roles, [Role::Rest, Role::Key, Role::Rest]);
    }

    /// The tables are valid TOML only if the whole text is.
    #[test]
    fn brackets_that_do_not_match_are_refused() {
        for text in [
            "a = [\n[[keys]]\n",
            "a = ]\n[[keys]]\n",
            "a = [1}\n[[keys]]\n",
            "[[keys]\n[b]\n",
            "[a\n]\n[[keys]]\n",
            "a = \"\n[[keys]]\n\"\n",
        ] {
            assert_eq!(of(text).err(), Some(Unreadable::NotToml), "{text:?}");
            assert!(text.parse::<DocumentMut>().is_err(), "{text:?}");
        }
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
