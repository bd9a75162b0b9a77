//! What commands print: tables and colours for people, JSON for programs. Colours appear only on a
//! terminal, and not if `NO_COLOR` is set. JSON is always plain.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde_json::Value;

use keyward_files::visible;

/// `--json`, the same for every command: flatten it into the arguments, once for a group of commands.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct OutputArguments {
    /// Print JSON, for programs
    #[arg(long, global = true, display_order = 900, help_heading = None)]
    pub(super) json: bool,
}

/// The meaning of a word's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// No special meaning.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Broken, refused or deleted.
    Bad,
    /// Less important.
    Dim,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Dim => AnsiColor::BrightBlack.on_default(),
        }
    }

    fn color(self) -> Option<Color> {
        match self {
            Self::Plain => None,
            Self::Good => Some(Color::Green),
            Self::Warning => Some(Color::Yellow),
            Self::Bad => Some(Color::Red),
            Self::Dim => Some(Color::DarkGrey),
        }
    }
}

/// Colours `text` for [`stdout`] and [`stderr`], which drop colours if they are not a terminal.
pub(super) fn toned(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// Returns standard output, without colours outside a terminal, with invisible characters shown.
pub(super) fn stdout() -> impl Write {
    Visible(anstream::stdout().lock())
}

/// Returns standard error, with the same properties.
pub(super) fn stderr() -> impl Write {
    Visible(anstream::stderr().lock())
}

/// Shows direction marks and similar characters in text that passes through. The layout stays.
struct Visible<W>(W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let text = visible::escaped_in_layout(text);
                self.0.write_all(text.as_bytes())?;
            }
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Prints a value as indented JSON.
pub(super) fn print_json(value: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(json(value)?.as_bytes())?;
    Ok(())
}

/// Formats a value as indented JSON with a line end, and escapes invisible characters.
pub(super) fn json(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let mut shown = escaped_json(&text, |c| c != '\n' && visible::is_hidden(c));
    shown.push('\n');
    Ok(shown)
}

/// Formats a value as JSON on one line, with a line end.
pub(super) fn json_line(value: &Value) -> Result<String> {
    let mut shown = escaped_json(&serde_json::to_string(value)?, visible::is_hidden);
    shown.push('\n');
    Ok(shown)
}

/// Writes some characters in JSON, which are never syntax, as `\u202e`.
pub(super) fn escaped_json(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// A table for people: a row of headings, and no lines between rows. On a terminal no word is
/// broken; columns that do not fit are left out.
pub(super) struct Rows {
    headings: Vec<String>,
    rows: Vec<Vec<(Tone, String)>>,
    is_broken: bool,
}

/// Columns that a narrow terminal omits, the first ones first; after them the rightmost ones.
const LEAST: [&str; 12] = [
    "CLIENTS",
    "ACCOUNTS",
    "IP LIMITS",
    "PERMISSIONS",
    "REFUSED",
    "ACCEPTED",
    "MODE",
    "KIND",
    "EXPIRES",
    "LAST USED",
    "OWNER",
    "NAME",
];

const GAP: usize = 2;

impl Rows {
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut rows = Self::without_headings();
        rows.headings = headings
            .iter()
            .map(|heading| heading.to_uppercase())
            .collect();
        rows
    }

    pub(super) fn without_headings() -> Self {
        Self {
            headings: Vec::new(),
            rows: Vec::new(),
            is_broken: true,
        }
    }

    /// Makes the table as wide as its cells, because a value to copy must not be broken.
    pub(super) fn unbroken(mut self) -> Self {
        self.is_broken = false;
        self
    }

    /// Adds a row. A cell is one line.
    pub(super) fn push<'a>(&mut self, cells: impl IntoIterator<Item = (Tone, &'a str)>) {
        let cells = cells.into_iter();
        self.rows.push(
            cells
                .map(|(tone, text)| (tone, visible::escaped(text).into_owned()))
                .collect(),
        );
    }

    /// Prints the table to standard output.
    pub(super) fn print(&self) -> Result<()> {
        self.write(&mut stdout())
    }

    /// Writes the table with the width of the terminal on standard output.
    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let width = Table::new().width().filter(|_| self.is_broken);
        self.write_within(width, out)
    }

    fn write_within(&self, width: Option<u16>, out: &mut impl Write) -> Result<()> {
        let columns = self
            .rows
            .iter()
            .map(Vec::len)
            .chain([self.headings.len()])
            .max();
        let longest: Vec<usize> = (0..columns.unwrap_or(0))
            .map(|column| self.longest_word(column))
            .collect();
        let kept = self.kept(&longest, width.map(usize::from));
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(match width {
            Some(_) => ContentArrangement::Dynamic,
            None => ContentArrangement::Disabled,
        });
        if let Some(width) = width {
            table.set_width(width);
        }
        let heading = |column: &usize| self.headings.get(*column).map(Cell::new);
        if !self.headings.is_empty() {
            table.set_header(kept.iter().filter_map(heading));
        }
        for row in &self.rows {
            let cells = kept.iter().filter_map(|column| row.get(*column));
            table.add_row(cells.map(|(tone, text)| match tone.color() {
                Some(color) => Cell::new(text).fg(color),
                None => Cell::new(text),
            }));
        }
        for (column, kept) in table.column_iter_mut().zip(&kept) {
            column.set_padding((0, 2));
            let least = longest.get(*kept).map_or(0, |word| word + GAP);
            let least = u16::try_from(least).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        let is_left_out = |(column, _): &(usize, &String)| !kept.contains(column);
        let left_out: Vec<&str> = self
            .headings
            .iter()
            .enumerate()
            .filter(is_left_out)
            .map(|(_, name)| name.as_str())
            .collect();
        if !left_out.is_empty() {
            let note = format!("(no room for {})", left_out.join(", "));
            writeln!(out, "{}", toned(Tone::Dim, &note))?;
        }
        Ok(())
    }

    /// Returns the columns that fit without broken words: at least the first, or all if there are
    /// no headings.
    fn kept(&self, longest: &[usize], width: Option<usize>) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..longest.len()).collect();
        let Some(width) = width.filter(|_| !self.headings.is_empty()) else {
            return kept;
        };
        let needs = |kept: &[usize]| -> usize {
            kept.iter()
                .filter_map(|column| longest.get(*column))
                .map(|word| word + GAP)
                .sum()
        };
        while kept.len() > 1 && needs(&kept) > width + GAP {
            let rank = |column: &usize| {
                let heading = self.headings.get(*column);
                LEAST
                    .iter()
                    .position(|least| heading.is_some_and(|heading| heading == least))
            };
            let others = kept.iter().skip(1);
            let least = others
                .clone()
                .filter(|column| rank(column).is_some())
                .min_by_key(|column| rank(column));
            let Some(dropped) = least.or(others.last()).copied() else {
                break;
            };
            kept.retain(|column| *column != dropped);
        }
        kept
    }

    /// Returns the width of the longest word in a column. Non-ASCII characters count as two.
    fn longest_word(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let texts = cells.map(|(_, text)| text.as_str());
        let words = texts
            .chain(self.headings.get(column).map(String::as_str))
            .flat_map(str::split_whitespace);
        let wide = |word: &str| word.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        words.map(wide).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_headings_and_rows_in_columns() {
        let mut rows = Rows::new(&["id", "name"]);
        rows.push([(Tone::Plain, "mk_1"), (Tone::Bad, "Billing")]);
        let mut out = Vec::new();
        rows.write(&mut out).unwrap();
        assert_eq!(out, b"ID    NAME\nmk_1  Billing\n");
    }

    #[test]
    fn no_word_is_broken_and_what_matters_least_is_left_out() {
        let mut rows = Rows::new(&["id", "name", "owner", "kind", "status"]);
        let id = "mk_0123456789012345678901234567";
        rows.push(
            [
                id,
                "The key of the billing service",
                "acct_0123456789012345",
                "restricted",
                "active",
            ]
            .map(|text| (Tone::Plain, text)),
        );
        for width in 20..120 {
            let mut out = Vec::new();
            rows.write_within(Some(width), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains(id), "{width}: {text}");
            for word in ["acct_0123456789012345", "restricted", "active"] {
                assert!(
                    !word.get(..5).is_some_and(|start| text.contains(start)) || text.contains(word),
                    "{width}: {text}"
                );
            }
            let widest = text
                .lines()
                .filter(|line| !line.contains("(no room"))
                .map(str::len)
                .max();
            assert!(
                widest <= Some(usize::from(width).max(id.len() + 2)),
                "{width}: {text}"
            );
            let left_out = |name: &str| {
                text.contains("(no room") && text.lines().last().unwrap().contains(name)
            };
            assert!(!left_out("OWNER") || left_out("KIND"), "{width}: {text}");
        }
        let mut out = Vec::new();
        rows.write_within(Some(60), &mut out).unwrap();
        assert!(
            String::from_utf8(out)
                .unwrap()
                .ends_with("(no room for OWNER, KIND)\u{1b}[0m\n")
        );
    }

    #[test]
    fn without_headings_there_are_rows_alone() {
        let mut rows = Rows::without_headings();
        rows.push([(Tone::Dim, "kind"), (Tone::Plain, "secret")]);
        rows.push([(Tone::Dim, "id"), (Tone::Plain, "mk_1")]);
        let mut out = Vec::new();
        rows.write(&mut out).unwrap();
        assert_eq!(out, b"kind  secret\nid    mk_1\n");
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        let mut rows = Rows::without_headings();
        rows.push([(Tone::Plain, "a\u{202e}b\nc"), (Tone::Plain, "d")]);
        let mut out = Vec::new();
        rows.write(&mut out).unwrap();
        assert_eq!(out, b"a\\u{202e}b\\nc  d\n");
        let mut out = Visible(Vec::new());
        writeln!(out, "{}", toned(Tone::Bad, "a\u{202e}b")).unwrap();
        assert_eq!(out.0, b"\x1b[31ma\\u{202e}b\x1b[0m\n");
    }

    #[test]
    fn json_shows_what_nobody_sees_and_reads_back() {
        let value = serde_json::json!({"name": "a\u{202e}b\u{e0041}é"});
        let text = json(&value).unwrap();
        assert_eq!(text, "{\n  \"name\": \"a\\u202eb\\udb40\\udc41é\"\n}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_tone_ends_with_its_word() {
        assert_eq!(toned(Tone::Plain, "x"), "x");
        assert_eq!(toned(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
