//! What commands print: tables and colours for people, JSON for programs. Colours appear on a terminal alone, and not where `NO_COLOR` is set; JSON is always plain.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde_json::Value;

use keyward_files::visible;

/// `--json`, the same for every command: flatten it into the arguments, once for a group of commands.
#[derive(clap::Args, Clone, Copy)]
pub(super) struct OutputArguments {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// What a word means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing special.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Broken, refused, deleted.
    Bad,
    /// Of less interest.
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

/// `text` in a tone, for [`stdout`] and [`stderr`], which drop the colour where there is no terminal.
pub(super) fn toned(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// Standard output, without colours where it is no terminal, and with what nobody sees shown.
pub(super) fn stdout() -> impl Write {
    Visible(anstream::stdout().lock())
}

/// Standard error, likewise.
pub(super) fn stderr() -> impl Write {
    Visible(anstream::stderr().lock())
}

/// Shows direction marks and kin in the texts that pass through it; the layout stays.
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

/// A value as indented JSON and a line end. What nobody sees is escaped: it reads back as it was.
pub(super) fn json(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let mut shown = escaped_json(&text, |c| c != '\n' && visible::is_hidden(c));
    shown.push('\n');
    Ok(shown)
}

/// JSON with some characters, none of which is syntax, as `\u202e`.
pub(super) fn escaped_json(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_escaped(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // A `String` takes everything.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// A table for people: a row of headings, no lines between rows, as wide as the terminal.
pub(super) struct Rows(Table);

impl Rows {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut rows = Self::without_headings();
        let headings = headings.iter().map(|heading| heading.to_uppercase());
        rows.0.set_header(headings.map(Cell::new));
        rows.pad();
        rows
    }

    /// Rows alone.
    pub(super) fn without_headings() -> Self {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        Self(table)
    }

    /// The same as wide as its cells are: a value that is copied must not be broken.
    pub(super) fn unbroken(mut self) -> Self {
        self.0.set_content_arrangement(ContentArrangement::Disabled);
        self
    }

    fn pad(&mut self) {
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }

    /// Adds a row. A cell is one line.
    pub(super) fn push<'a>(&mut self, cells: impl IntoIterator<Item = (Tone, &'a str)>) {
        self.0.add_row(cells.into_iter().map(|(tone, text)| {
            let cell = Cell::new(visible::escaped(text));
            match tone.color() {
                Some(color) => cell.fg(color),
                None => cell,
            }
        }));
        self.pad();
    }

    /// Prints the table to standard output.
    pub(super) fn print(&self) -> Result<()> {
        self.write(&mut stdout())
    }

    /// Prints the table.
    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        for line in self.0.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_headings_and_rows_in_columns() {
        let mut rows = Rows::new(&["id", "name"]);
        rows.push([(Tone::Plain, "mk_1"), (Tone::Bad, "Billing")]);
        let lines: Vec<String> = rows.0.lines().collect();
        let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        assert_eq!(trimmed, ["ID    NAME", "mk_1  Billing"]);
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
