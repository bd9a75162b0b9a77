//! What changes from one snapshot to another, in words: which keys gain or lose what, which accounts move, which endpoints ask for something else.

mod accounts;
mod keys;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::Checked;

/// Whether somebody may do more or less than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More passes.
    More,
    /// Less passes.
    Less,
    /// Neither, or it depends.
    Other,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `key`, `account`, `endpoint` or `setting`.
    pub subject: &'static str,
    /// Its id, method and path, or name.
    pub id: String,
    /// In words, such as `gains write on charge`.
    pub what: String,
    /// Whether more passes.
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

/// Everything that differs: settings (where both are whole configurations), accounts, endpoints, keys.
#[must_use]
pub fn between(a: &Checked, b: &Checked) -> Vec<Difference> {
    let mut differences = Vec::new();
    let is_whole = |source: &Checked| source.place != keyward::refusal::Place::default();
    if is_whole(a) && is_whole(b) {
        settings(&a.written, &b.written, "snapshot", &mut differences);
    }
    let empty = json!({});
    let (before, after) = (
        a.snapshot().unwrap_or(&empty),
        b.snapshot().unwrap_or(&empty),
    );
    for name in ["api_versions", "catalogue"] {
        setting(name, before.get(name), after.get(name), &mut differences);
    }
    accounts::compare(before, after, &mut differences);
    endpoints(before, after, &mut differences);
    keys::compare(a, b, &mut differences);
    differences
}

/// The names of keys and accounts, by id.
#[must_use]
pub fn names<'a>(a: &'a Checked, b: &'a Checked) -> HashMap<&'a str, &'a str> {
    let mut names = a.names();
    names.extend(b.names());
    names
}

fn settings(a: &Value, b: &Value, but: &str, differences: &mut Vec<Difference>) {
    let names = |value: &Value| -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    };
    let mut all = names(a);
    all.extend(names(b));
    all.sort_unstable();
    all.dedup();
    for name in all.iter().filter(|name| *name != but) {
        setting(name, a.get(name), b.get(name), differences);
    }
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

/// The elements of a list, by what identifies them.
fn by<'a>(
    snapshot: &'a Value,
    list: &str,
    identity: impl Fn(&Value) -> Option<String>,
) -> BTreeMap<String, &'a Value> {
    let elements = snapshot.get(list).and_then(Value::as_array);
    elements
        .into_iter()
        .flatten()
        .filter_map(|element| Some((identity(element)?, element)))
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn endpoints(a: &Value, b: &Value, differences: &mut Vec<Difference>) {
    let identity = |row: &Value| Some(format!("{} {}", text(row, "method")?, text(row, "path")?));
    let before = by(a, "endpoints", identity);
    let after = by(b, "endpoints", identity);
    let mut differ = |id: &str, what: String| {
        differences.push(Difference::new("endpoint", id, Direction::Other, what));
    };
    for (id, row) in &after {
        match before.get(id) {
            None => differ(id, format!("is new, and {}", asks(row))),
            Some(old) if asks(old) != asks(row) => {
                differ(id, format!("now {}; before it {}", asks(row), asks(old)));
            }
            Some(_) => {}
        }
    }
    for (id, row) in &before {
        if !after.contains_key(id) {
            differ(id, format!("is gone; it {}", past(&asks(row))));
        }
    }
}

/// What a row asks of a caller: `asks for write on widget`.
fn asks(row: &Value) -> String {
    if text(row, "auth") == Some("none") {
        return "asks for no key".to_owned();
    }
    let any = row.get("any_of").and_then(Value::as_array);
    let any: Vec<&str> = any
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(text(row, "permission"))
        .collect();
    let access = match text(row, "access") {
        Some(access) => access,
        None if text(row, "method") == Some("GET") => "read",
        None => "write",
    };
    let open = if row.get("publishable").is_some_and(|open| open == true) {
        ", or for a publishable key"
    } else {
        ""
    };
    format!("asks for {access} on {}{open}", any.join(" or "))
}

fn past(asks: &str) -> String {
    asks.replacen("asks", "asked", 1)
}
