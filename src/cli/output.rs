//! What commands print: tables and colours for people, JSON for programs. Colours appear on a terminal alone, and not where `NO_COLOR` is set; JSON is always plain.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde_json::Value;

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

/// Standard output, without colours where it is no terminal.
pub(super) fn stdout() -> impl Write {
    anstream::stdout().lock()
}

/// Standard error, without colours where it is no terminal.
pub(super) fn stderr() -> impl Write {
    anstream::stderr().lock()
}

/// Prints a value as indented JSON.
pub(super) fn print_json(value: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
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

    fn pad(&mut self) {
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }

    /// Adds a row.
    pub(super) fn push<'a>(&mut self, cells: impl IntoIterator<Item = (Tone, &'a str)>) {
        self.0.add_row(cells.into_iter().map(|(tone, text)| {
            let cell = Cell::new(text);
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
    fn a_tone_ends_with_its_word() {
        assert_eq!(toned(Tone::Plain, "x"), "x");
        assert_eq!(toned(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
