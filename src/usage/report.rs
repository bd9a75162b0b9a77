//! The usage report, in parts: a million keys do not fit into one reply.

use std::fmt::Write;

use super::PAGES;
use super::page::{Page, Record};
use super::store::{Listed, Store, index, page_name};
use crate::invariant::Held;

/// A reply ends with the page that brings it over this many bytes of records.
const ENOUGH: usize = 256 << 10;

/// Returns what all VMs have shared, from part `from` on (0 for the first), as JSON that ends in a
/// newline: `plugins`, and `next`, which is the start of the next part or null. A plugin that spans
/// several parts appears in each of them.
pub fn report<S: Store>(store: &mut S, from: usize) -> String {
    let index = index(store).unwrap_or_default();
    let mut text = String::from("{\n  \"plugins\": [");
    let mut separator = "";
    let mut next = None;
    let mut bytes = 0;
    for (number, listed) in index.0.iter().enumerate() {
        let first = number * PAGES;
        if first + PAGES <= from {
            continue;
        }
        if bytes > ENOUGH {
            next = Some(first);
            break;
        }
        let mut plugin = PluginText::default();
        for place in from.saturating_sub(first)..PAGES {
            if bytes > ENOUGH {
                next = Some(first + place);
                break;
            }
            let Some((page, _)) = store.get(&page_name(number, place)) else {
                continue;
            };
            bytes += page.len();
            plugin.add(Page::read(&page).unwrap_or_default());
        }
        text.push_str(separator);
        plugin.end(listed, &mut text);
        separator = ",";
        if next.is_some() {
            break;
        }
    }
    let next = next.map_or_else(|| "null".to_owned(), |next| next.to_string());
    text.push_str("\n  ],\n  \"next\": ");
    text.push_str(&next);
    text.push_str("\n}\n");
    text
}

/// The text for one plugin, built page by page.
#[derive(Default)]
struct PluginText {
    keys: String,
    lost: u64,
}

impl PluginText {
    fn add(&mut self, page: Page<'_>) {
        self.lost = self.lost.saturating_add(page.lost);
        for record in &page.records {
            if !self.keys.is_empty() {
                self.keys.push(',');
            }
            push_key(&mut self.keys, record);
        }
    }

    fn end(&self, listed: &Listed, text: &mut String) {
        let (label, since) = (quoted(&listed.label), listed.since);
        let Self { keys, lost } = self;
        // Writing to a `String` never fails.
        let _ = write!(
            text,
            "\n    {{\"plugin\": {label}, \"since\": {since}, \"lost\": {lost}, \"keys\": [{keys}\n    ]}}"
        );
    }
}

fn push_key(text: &mut String, record: &Record<'_>) {
    let (key, usage) = (quoted(record.key), &record.usage);
    let counts = usage.counts;
    let _ = write!(text, "\n      {{\"key\": {key}");
    for (name, number) in [
        ("allowed", counts.allowed),
        ("would_deny", counts.would_deny),
        ("denied", counts.denied),
        ("verified", counts.verified),
        ("last_accepted", usage.last_accepted),
        ("last_seen", usage.last_seen),
    ] {
        let _ = match number {
            0 if name.starts_with("last_") => write!(text, ", \"{name}\": null"),
            _ => write!(text, ", \"{name}\": {number}"),
        };
    }
    text.push('}');
}

/// Quotes text from shared pages, which anyone may have written.
fn quoted(text: &str) -> String {
    serde_json::to_string(text)
        .ok()
        .held("a text has a form in JSON")
}
