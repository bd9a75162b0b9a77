//! The output on the terminal: at most 100 columns, with colours only if they are wanted.

use std::io::IsTerminal;

const WIDTH: usize = 100;

/// A space that does not end a line.
pub(crate) const NO_BREAK: &str = "\u{a0}";

#[derive(Clone, Copy)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Green,
    Red,
}

pub(crate) struct Screen {
    colours: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        // https://no-color.org
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colours: std::io::stdout().is_terminal() && !unwanted,
        }
    }

    pub(crate) fn heading(&self, title: &str) {
        println!();
        println!("{}", self.paint(Style::Bold, title));
        println!(
            "{}",
            self.paint(Style::Dim, &"─".repeat(title.chars().count()))
        );
    }

    /// Prints text without a mark before it.
    pub(crate) fn prose(&self, text: &str) {
        self.lines("", Style::Plain, Style::Plain, text);
    }

    /// Prints the topic of what follows.
    pub(crate) fn topic(&self, text: &str) {
        println!();
        self.lines("  ", Style::Plain, Style::Bold, text);
    }

    pub(crate) fn sent(&self, text: &str) {
        self.lines("    > ", Style::Dim, Style::Dim, text);
    }

    pub(crate) fn more(&self, text: &str) {
        self.lines("          ", Style::Plain, Style::Plain, text);
    }

    pub(crate) fn as_expected(&self, text: &str) {
        self.lines("    ✓ ", Style::Green, Style::Plain, text);
    }

    pub(crate) fn surprise(&self, expected: &str, got: &str) {
        self.lines("    ✗ expected ", Style::Red, Style::Red, expected);
        self.lines("      got      ", Style::Red, Style::Red, got);
    }

    /// Prints `text` after `mark`, with further lines aligned to its beginning.
    pub(crate) fn lines(&self, mark: &str, mark_style: Style, style: Style, text: &str) {
        let indent = mark.chars().count();
        let mut start = self.paint(mark_style, mark);
        for line in wrapped(text, WIDTH - indent) {
            println!("{start}{}", self.paint(style, &line.replace(NO_BREAK, " ")));
            start = " ".repeat(indent);
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "32",
            Style::Red => "31",
        };
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Breaks text at spaces. A word longer than a line gets its own line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let longer = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && longer > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    lines.push(line);
    lines
}
