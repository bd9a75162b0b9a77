//! Finds a page of the keys with a label, or of those that match a text: along an index that is in
//! the order of pages, and no further than the page. A million keys may share one word, and ten
//! thousand one label.

use super::{KeyFilter, Page};
use crate::store::scope::Where;

/// One index that leads to keys.
pub(super) struct Way {
    /// The tables, including `k`.
    tables: &'static str,
    /// The key's number in the table that leads to it. With `+`, SQLite does not use it to look up
    /// the keys.
    number: &'static str,
    condition: String,
}

impl Way {
    /// Returns the numbers of all keys that it leads to.
    pub(super) fn all(&self) -> String {
        let Self {
            tables,
            number,
            condition,
        } = self;
        format!("SELECT {number} FROM {tables} WHERE {condition}")
    }

    /// Selects the page's keys, and one more. `others` contains the other conditions.
    pub(super) fn first(&self, bound: Option<&str>, others: &str, page: &Page) -> String {
        let number = self.number;
        let bound = bound.map(|bound| format!(" AND {number} {bound}"));
        let all = self.all();
        let tail = page.tail(number);
        // A part of a UNION cannot have an order, so it goes into a subquery.
        format!(
            "SELECT * FROM ({all}{}{others} {tail})",
            bound.unwrap_or_default()
        )
    }
}

/// Returns the indexes for the keys of a filter, or none if indexes for its other conditions are
/// enough.
pub(super) fn of(limits: &mut Where, filter: &KeyFilter) -> Vec<Way> {
    match (&filter.query, &filter.label) {
        (Some(text), label) => {
            if let Some((name, value)) = label {
                let condition = label_is(limits, name, value.as_deref());
                limits.and(&format!(
                    "EXISTS (SELECT 1 FROM key_labels AS l WHERE l.seq = k.seq AND {condition})"
                ));
            }
            of_text(limits, text, filter.query_is_of_names)
        }
        (None, Some((name, Some(value)))) => {
            let condition = label_is(limits, name, Some(value));
            vec![Way {
                tables: "key_labels AS l CROSS JOIN keys AS k ON k.seq = l.seq",
                number: "l.seq",
                condition,
            }]
        }
        (None, Some(label)) => {
            has_label(limits, label);
            Vec::new()
        }
        (None, None) => Vec::new(),
    }
}

/// The same as conditions on each key of a tenant, which are found by the tenant.
pub(super) fn of_own(limits: &mut Where, filter: &KeyFilter) {
    if let Some((name, value)) = &filter.label {
        let condition = label_is(limits, name, value.as_deref());
        limits.and(&format!(
            "EXISTS (SELECT 1 FROM key_labels AS l WHERE l.seq = k.seq AND +{condition})"
        ));
    }
    let Some(text) = &filter.query else {
        return;
    };
    let begin = limits.value(text.clone());
    let beyond = limits.value(format!("{text}\u{7f}"));
    let mut any = format!("+k.id >= {begin} AND +k.id < {beyond} OR +k.ends_with = {begin}");
    // Word by word: the index searches for the second of two words only if some name has the first.
    let each: Vec<String> = quoted(text)
        .iter()
        .map(|word| {
            let word = limits.value(of_names(word, filter.query_is_of_names));
            format!("EXISTS (SELECT 1 FROM key_words AS w WHERE w.rowid = k.seq AND w.key_words MATCH {word})")
        })
        .collect();
    if !each.is_empty() {
        any.push_str(&format!(" OR {}", each.join(" AND ")));
    }
    limits.and(&format!("({any})"));
}

/// A label that keys have, and what it says.
pub(super) fn has_label(limits: &mut Where, (name, value): &(String, Option<String>)) {
    let condition = label_is(limits, name, value.as_deref());
    limits.and(&format!(
        "k.seq IN (SELECT l.seq FROM key_labels AS l WHERE {condition})"
    ));
}

/// Returns the condition on labels, whose alias is `l`.
fn label_is(limits: &mut Where, name: &str, value: Option<&str>) -> String {
    let name = limits.value(name.to_owned());
    let value = value.map(|value| limits.value(value.to_owned()));
    let value = value.map(|value| format!(" AND l.value = {value}"));
    format!("l.name = {name}{}", value.unwrap_or_default())
}

/// Returns the indexes for the keys that match a text: their ids begin with it, it is their last
/// characters, or its words are in their names and labels, or only in their names.
pub(super) fn of_text(limits: &mut Where, text: &str, is_of_names: bool) -> Vec<Way> {
    let begin = limits.value(text.to_owned());
    // Greater than every id with this beginning, because ids are ASCII.
    let beyond = limits.value(format!("{text}\u{7f}"));
    let mut ways = vec![
        Way {
            tables: "keys AS k",
            number: "+k.seq",
            condition: format!("k.id >= {begin} AND k.id < {beyond}"),
        },
        Way {
            tables: "keys AS k",
            number: "k.seq",
            condition: format!("k.ends_with = {begin}"),
        },
    ];
    if let Some(words) = match_of(text, is_of_names) {
        let words = limits.value(words);
        ways.push(Way {
            tables: "key_words AS w CROSS JOIN keys AS k ON k.seq = w.rowid",
            number: "w.rowid",
            condition: format!("w.key_words MATCH {words}"),
        });
    }
    ways
}

/// What the index of words is asked.
fn match_of(text: &str, is_of_names: bool) -> Option<String> {
    let words = quoted(text);
    (!words.is_empty()).then(|| of_names(&words.join(" "), is_of_names))
}

fn of_names(words: &str, is_of_names: bool) -> String {
    if is_of_names {
        format!("{{name}} : ({words})")
    } else {
        words.to_owned()
    }
}

/// Each word of `text`, the last one as the beginning of a word. In quotes a word has no meaning to
/// the language of that index.
fn quoted(text: &str) -> Vec<String> {
    let words = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut quoted: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    if let Some(last) = quoted.last_mut() {
        last.push_str(" *");
    }
    quoted
}
