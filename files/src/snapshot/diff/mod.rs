//! What changes from one snapshot to another, in words: which keys gain or lose what, which
//! accounts move, which endpoints require something else.

mod accounts;
mod keys;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Checked;
use keyward::permission::AccessLevel;
use keyward::snapshot::Document;
use keyward::snapshot::document::{Auth, Endpoint};

/// Whether a change allows more or less than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More requests are allowed.
    More,
    /// Fewer requests are allowed.
    Less,
    /// Neither, or it depends.
    Other,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `key`, `account`, `endpoint` or `setting`.
    pub subject: &'static str,
    /// The id, method and path, or name.
    pub id: String,
    /// The change in words, such as `gains write on charge`.
    pub what: String,
    /// Whether the change allows more.
    pub direction: Direction,
}

impl Difference {
    fn new(subject: &'static str, id: &str, direction: Direction, what: impl Into<String>) -> Self {
        Self {
            subject,
            id: id.to_owned(),
            what: what.into(),
            direction,
        }
    }
}

/// Returns all differences: settings (if both are complete configurations), accounts, endpoints,
/// keys.
#[must_use]
pub fn between(a: &Checked, b: &Checked) -> Vec<Difference> {
    let mut differences = Vec::new();
    if !a.place.is_whole() && !b.place.is_whole() {
        let (before, after) = (&a.written.settings, &b.written.settings);
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            setting(name, before.get(name), after.get(name), &mut differences);
        }
    }
    let (before, after) = (a.snapshot(), b.snapshot());
    let versions = |of: Option<&Document>| Some(json!(of?.api_versions.as_ref()?));
    let (was, is) = (versions(before), versions(after));
    setting("api_versions", was.as_ref(), is.as_ref(), &mut differences);
    let catalogue = |of: Option<&Document>| Some(json!(of?.catalogue?));
    let (was, is) = (catalogue(before), catalogue(after));
    setting("catalogue", was.as_ref(), is.as_ref(), &mut differences);
    accounts::compare(before, after, &mut differences);
    endpoints(before, after, &mut differences);
    keys::compare(a, b, &mut differences);
    differences
}

/// Returns the names of keys and accounts, by id.
#[must_use]
pub fn names<'a>(a: &'a Checked, b: &'a Checked) -> HashMap<&'a str, &'a str> {
    let mut names = a.names();
    names.extend(b.names());
    names
}

fn setting(
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    differences: &mut Vec<Difference>,
) {
    let what = match (before, after) {
        (before, after) if before == after => return,
        (None, Some(after)) => format!("is now {after}"),
        (Some(before), None) => format!("is no longer {before}"),
        (Some(before), Some(after)) => format!("is now {after}, was {before}"),
        (None, None) => return,
    };
    differences.push(Difference::new("setting", name, Direction::Other, what));
}

/// Returns the elements of a list, by what identifies them.
fn by<T>(list: &[T], identity: impl Fn(&T) -> String) -> BTreeMap<String, &T> {
    let elements = list.iter();
    elements
        .map(|element| (identity(element), element))
        .collect()
}

fn endpoints(
    before: Option<&Document>,
    after: Option<&Document>,
    differences: &mut Vec<Difference>,
) {
    let rows = |of: Option<&Document>| -> BTreeMap<String, String> {
        let rows = of.map_or(&[][..], Document::endpoints).iter();
        rows.map(|row| (format!("{} {}", row.method, row.path), asks(row)))
            .collect()
    };
    let (before, after) = (rows(before), rows(after));
    let mut differ = |id: &str, what: String| {
        differences.push(Difference::new("endpoint", id, Direction::Other, what));
    };
    for (id, asks) in &after {
        match before.get(id) {
            None => differ(id, format!("is new, and {asks}")),
            Some(old) if old != asks => differ(id, format!("now {asks}; before it {old}")),
            Some(_) => {}
        }
    }
    for (id, asks) in &before {
        if !after.contains_key(id) {
            differ(id, format!("is gone; it {}", past(asks)));
        }
    }
}

/// Describes what a row requires: `asks for write on widget`.
fn asks(row: &Endpoint) -> String {
    if row.auth == Some(Auth::None) {
        return "asks for no key".to_owned();
    }
    let any: Vec<&str> = row.named().map(String::as_str).collect();
    let access = row.access.unwrap_or(match row.method.as_str() {
        "GET" => AccessLevel::Read,
        _ => AccessLevel::Write,
    });
    let open = if row.publishable == Some(true) {
        ", or for a publishable key"
    } else {
        ""
    };
    format!("asks for {} on {}{open}", access.name(), any.join(" or "))
}

fn past(asks: &str) -> String {
    asks.replacen("asks", "asked", 1)
}
