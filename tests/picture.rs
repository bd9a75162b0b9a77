//! The picture in the README: a part of what `make demo` shows on a terminal, compared with the
//! current demo. `KEYWARD_BLESS=1 cargo test -p keyward-demo` draws it again.
#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly"
)]

use std::fmt::Write;
use std::fs;
use std::process::Command;

use keyward_support::find::root;
use keyward_support::pty::run_in_colours;

/// The beginnings of the parts that the picture shows: a heading, or a topic with its request and
/// answer.
const SHOWN: [&str; 8] = [
    "Who passes",
    "  A secret key has every permission",
    "Who does not, and why",
    "  A key that no one issued",
    "  What it may read, and not write",
    "A push: a key is revoked",
    "  Revision 2 deletes the key",
    "    ✓ ",
];
const COLUMNS: u16 = 100;
/// The height of a line, and the width of a character in tenths of a pixel. `textLength` makes
/// every font fit.
const LINE: usize = 19;
const CHARACTER: usize = 82;
const MARGIN: usize = 20;

/// A line on a terminal: runs of one colour each.
type Line = Vec<(&'static str, String)>;

/// Parses the demo's four escapes.
fn lines(shown: &str) -> Vec<Line> {
    shown.lines().map(line).collect()
}

fn line(line: &str) -> Line {
    let mut runs = Line::new();
    let mut parts = line.split("\u{1b}[");
    let plain = parts.next().unwrap();
    runs.push(("", plain.to_owned()));
    for part in parts {
        let (code, text) = part.split_once('m').unwrap();
        let class = match code {
            "0" => "",
            "1" => "bold",
            "2" => "dim",
            "32" => "good",
            other => panic!("a line in colour {other}: {line:?}"),
        };
        runs.push((class, text.to_owned()));
    }
    runs.retain(|(_, text)| !text.is_empty());
    runs
}

fn text(line: &Line) -> String {
    line.iter().map(|(_, text)| text.as_str()).collect()
}

/// Returns the parts that the picture shows, in the order of the demo, with an ellipsis for omitted
/// parts.
fn excerpt(all: &[Line]) -> Vec<Line> {
    let mut shown = Vec::new();
    let mut at = 0;
    for (index, wanted) in SHOWN.iter().enumerate() {
        let is_last = index + 1 == SHOWN.len();
        let found = match is_last {
            // The sum is the last line that begins this way.
            true => all.iter().rposition(|line| text(line).starts_with(wanted)),
            false => (at..all.len()).find(|line| text(&all[*line]).starts_with(wanted)),
        };
        let begin = found.unwrap_or_else(|| panic!("the demo does not show `{wanted}`"));
        // Below a heading, its first topic follows after a blank line, whatever was omitted.
        let is_under = index > 0 && !SHOWN[index - 1].starts_with(' ');
        let is_cut = all[at..begin].iter().any(|line| !line.is_empty());
        match (index, is_cut && !is_under) {
            (0, _) => {}
            (_, true) => shown.push(vec![("dim", "  …".to_owned())]),
            (_, false) => shown.push(Line::new()),
        }
        let end = (begin + 1..all.len()).find(|line| all[*line].is_empty());
        at = end.unwrap_or(all.len());
        if is_last {
            at = begin + 1;
        }
        shown.extend_from_slice(&all[begin..at]);
    }
    shown
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

fn tenths(number: usize) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn draw(lines: &[Line]) -> String {
    let (width, height) = (
        2 * MARGIN + usize::from(COLUMNS) * CHARACTER / 10,
        3 * MARGIN + LINE * lines.len(),
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>A part of what make demo prints</title>\n\
         <style>text {{ font: 13.6px ui-monospace, SFMono-Regular, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; fill: #d0d7de; white-space: pre }} \
         .bold {{ font-weight: 600; fill: #ffffff }} .dim {{ fill: #8b949e }} .good {{ fill: #3fb950 }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g fill=\"#484f58\"><circle cx=\"20\" cy=\"18\" r=\"5\"/><circle cx=\"38\" cy=\"18\" r=\"5\"/><circle cx=\"56\" cy=\"18\" r=\"5\"/></g>\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let y = 2 * MARGIN + LINE * index + LINE / 2 + 4;
        let mut column = 0;
        for (class, text) in line {
            let count = text.chars().count();
            let x = tenths(10 * MARGIN + column * CHARACTER);
            let length = tenths(count * CHARACTER);
            let class = match *class {
                "" => String::new(),
                class => format!(" class=\"{class}\""),
            };
            writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" xml:space=\"preserve\"{class}>{}</text>",
                escaped(text)
            )
            .unwrap();
            column += count;
        }
    }
    svg + "</svg>\n"
}

/// Returns the words of a picture without those that differ between runs: the ends of masked keys,
/// times and counts. Lines may break elsewhere.
fn words(svg: &str) -> String {
    let mut words = String::new();
    let texts = svg
        .lines()
        .filter_map(|line| line.strip_prefix("<text ")?.split_once('>'));
    for (_, text) in texts {
        words += text.strip_suffix("</text>").unwrap();
        words.push(' ');
    }
    let mut same = String::new();
    for (index, part) in words.split("****").enumerate() {
        if index == 0 {
            same += part;
            continue;
        }
        let end: String = part.chars().skip(4).collect();
        same += "****";
        same += &end;
    }
    let same = same.split_whitespace().map(|word| {
        let is_number = word.chars().all(|c| c.is_ascii_digit());
        if is_number { "0" } else { word }
    });
    same.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_picture_in_the_readme_is_what_the_demo_shows() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    let shown = run_in_colours(&mut demo, COLUMNS);
    let drawn = draw(&excerpt(&lines(&shown)));
    assert!(drawn.contains("class=\"good\"") && drawn.contains("class=\"bold\""));
    let path = root().join("docs/images/demo.svg");
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        fs::write(&path, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        words(&kept),
        words(&drawn),
        "the demo shows something else: KEYWARD_BLESS=1 cargo test -p keyward-demo draws it again"
    );
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("(docs/images/demo.svg)"));
    assert!(
        readme.lines().count() <= 120,
        "the README has at most 120 lines"
    );
}
