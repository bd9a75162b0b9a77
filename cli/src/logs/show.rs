//! Formats a request of the log as a row and as JSON. Everything that a client chose is shown in
//! printable ASCII.

use std::io::Write;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::output::{Tone, toned};
use keyward::mask::KnownPrefixes;
use keyward_files::access_log::{Record, Text, Verdict};
use keyward_files::key_file::instant;

const HEADINGS: [&str; COLUMNS] = [
    "TIME",
    "STATUS",
    "DECISION",
    "KEY",
    "METHOD",
    "PATH",
    "ACCOUNT",
    "PERMISSION",
    "REASON",
    "CLIENT",
    "REQUEST ID",
];
const COLUMNS: usize = 11;
const PATH: usize = 5;

/// The number of rows that determine the widths of the columns, because the log may have millions.
const FIRST: usize = 1000;

/// The maximum width of columns other than the last.
const WIDEST: usize = 64;

/// The minimum widths of columns, for a stream that starts with few rows.
const USUAL: [usize; COLUMNS] = [24, 6, 8, 8, 6, 24, 0, 0, 0, 0, 0];

/// The columns, ordered by importance.
const IMPORTANCE: [usize; COLUMNS] = [0, 1, 2, 3, 4, 5, 8, 6, 7, 9, 10];

/// The cells of one row.
pub(super) type Cells = [(Tone, String); COLUMNS];

/// Rows in columns, in constant memory: the first rows determine the widths, and later ones keep to
/// them if they can.
pub(super) struct Table {
    rows: Vec<Cells>,
    /// The widths of the columns that are shown.
    widths: Option<[Option<usize>; COLUMNS]>,
    terminal: Option<usize>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            widths: None,
            terminal: comfy_table::Table::new().width().map(usize::from),
        }
    }

    pub(super) fn push(&mut self, row: Cells) {
        self.rows.push(row);
    }

    /// Whether it is time to print.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= FIRST
    }

    /// Prints the rows that were added, the first time with headings.
    pub(super) fn print(&mut self, out: &mut impl Write) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let widths = match self.widths {
            Some(widths) => widths,
            None => {
                let widths = self.widths();
                self.widths = Some(widths);
                let headings = HEADINGS.map(|heading| (Tone::Plain, heading.to_owned()));
                print_row(&headings, widths, out)?;
                widths
            }
        };
        for row in self.rows.drain(..) {
            print_row(&row, widths, out)?;
        }
        Ok(())
    }

    /// Returns the widths of the first rows. On a terminal, only the most important columns that
    /// fit are kept, because a row is one line and no id is broken.
    fn widths(&self) -> [Option<usize>; COLUMNS] {
        let mut widths = HEADINGS.map(str::len);
        for (width, usual) in widths.iter_mut().zip(USUAL) {
            *width = (*width).max(usual);
        }
        for row in &self.rows {
            for (width, (_, text)) in widths.iter_mut().zip(row) {
                *width = (*width).max(text.len().min(WIDEST));
            }
        }
        let mut room = self.terminal.unwrap_or(usize::MAX);
        let mut kept = [None; COLUMNS];
        for column in IMPORTANCE {
            let (Some(width), Some(kept)) = (widths.get(column), kept.get_mut(column)) else {
                continue;
            };
            match room.checked_sub(*width) {
                Some(left) => {
                    *kept = Some(*width);
                    room = left.saturating_sub(2);
                }
                // The path may be longer than a line. After the first column that does not fit, all
                // less important ones are left out.
                None => {
                    if column == PATH {
                        *kept = Some(room);
                    }
                    break;
                }
            }
        }
        kept
    }
}

fn print_row(row: &Cells, widths: [Option<usize>; COLUMNS], out: &mut impl Write) -> Result<()> {
    let mut line = String::new();
    for ((tone, text), width) in row.iter().zip(widths) {
        let Some(width) = width else {
            continue;
        };
        line.push_str(&toned_unless_plain(*tone, text));
        // Every text is ASCII, so its length is its width.
        let blanks = width.saturating_sub(text.len()) + 2;
        line.extend(std::iter::repeat_n(' ', blanks));
    }
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

fn toned_unless_plain(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Plain => text.to_owned(),
        Tone::Good | Tone::Warning | Tone::Bad | Tone::Dim => toned(tone, text),
    }
}

/// Formats a request as a row.
pub(super) fn cells(record: &Record<'_>, prefixes: &KnownPrefixes) -> Cells {
    let state = record.state.as_ref();
    let verdict = state.map(|state| state.verdict);
    let tone = match verdict {
        Some(Verdict::Public | Verdict::Preflight | Verdict::Key | Verdict::Verify) => Tone::Good,
        Some(Verdict::Shadow(_)) => Tone::Warning,
        Some(Verdict::Deny(_)) | None => Tone::Bad,
    };
    let own = |text: Option<&str>| (Tone::Plain, text.unwrap_or("-").to_owned());
    let client = |text: Option<&Text<'_>>| {
        let shown = text.map(|text| text.shown(prefixes)).unwrap_or_default();
        (Tone::Plain, cell(shown))
    };
    let permission = state
        .and_then(|state| state.permission)
        .map(|(permission, access)| match record.missing() {
            true => format!("{permission}={} missing", access.name()),
            false => format!("{permission}={}", access.name()),
        });
    let why = match verdict {
        Some(Verdict::Public) => Some("public"),
        Some(Verdict::Preflight) => Some("preflight"),
        Some(verdict) => verdict.reason().map(keyward::reason::DenyReason::name),
        None => None,
    };
    // Prefer the id that the client received.
    let id = record.response_request_id.or(record.request_id);
    [
        (Tone::Dim, time(record.at)),
        (Tone::Plain, record.status.to_string()),
        (tone, verdict.map_or("none", Verdict::name).to_owned()),
        own(state.and_then(|state| state.key).map(|key| key.id)),
        client(Some(record.method)),
        client(Some(&record.path)),
        own(state.and_then(|state| state.account)),
        own(permission.as_deref()),
        own(why),
        (
            Tone::Plain,
            record
                .client
                .map_or_else(|| "-".to_owned(), |client| client.to_string()),
        ),
        client(id),
    ]
}

/// Returns a client's text as a cell. People paste tables into spreadsheets, so a cell that begins
/// like a formula gets an apostrophe.
fn cell(shown: String) -> String {
    match shown.as_bytes() {
        [] => "-".to_owned(),
        [b'=' | b'+' | b'-' | b'@', _, ..] => format!("'{shown}"),
        _ => shown,
    }
}

/// Returns a request as JSON, for programs. Members that do not apply are left out.
pub(super) fn json(record: &Record<'_>, prefixes: &KnownPrefixes) -> Value {
    let state = record.state.as_ref();
    let verdict = state.map(|state| state.verdict);
    let key = state.and_then(|state| state.key);
    let text = |text: Option<&Text<'_>>| text.map(|text| json!(text.shown(prefixes)));
    let permission = state.and_then(|state| state.permission);
    let (needed, missing) = if record.missing() {
        (None, permission)
    } else {
        (permission, None)
    };
    let members = [
        ("time", Some(json!(time(record.at)))),
        (
            "decision",
            Some(json!(verdict.map_or("none", Verdict::name))),
        ),
        (
            "reason",
            verdict
                .and_then(Verdict::reason)
                .map(|reason| json!(reason.name())),
        ),
        ("key", key.map(|key| json!(key.id))),
        ("kind", key.map(|key| json!(key.kind.name()))),
        ("livemode", key.map(|key| json!(key.livemode))),
        ("org", state.and_then(|state| state.org).map(|id| json!(id))),
        (
            "account",
            state.and_then(|state| state.account).map(|id| json!(id)),
        ),
        (
            "account_path",
            state.and_then(|state| state.path).map(|path| json!(path)),
        ),
        ("permission", needed.map(|(name, _)| json!(name))),
        ("missing_permission", missing.map(|(name, _)| json!(name))),
        ("access", permission.map(|(_, level)| json!(level.name()))),
        (
            "revision",
            state
                .and_then(|state| state.revision)
                .map(|revision| json!(revision)),
        ),
        ("method", text(Some(record.method))),
        ("path", text(Some(&record.path))),
        ("status", Some(json!(record.status))),
        ("response_code_details", text(record.details)),
        ("response_flags", text(record.flags)),
        ("duration_ms", record.duration.map(|ms| json!(ms))),
        ("client_address", record.client.map(|ip| json!(ip))),
        ("upstream_host", text(record.upstream)),
        ("request_id", text(record.request_id)),
        ("response_request_id", text(record.response_request_id)),
    ];
    let members = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.collect::<Map<_, _>>())
}

/// Formats a time as `2026-11-20T10:00:00.123Z`.
fn time(milliseconds: u64) -> String {
    let whole = instant::show(milliseconds / 1000);
    match whole.strip_suffix('Z') {
        Some(whole) => format!("{whole}.{:03}Z", milliseconds % 1000),
        None => whole,
    }
}
