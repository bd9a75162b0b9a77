//! Endpoints of a snapshot: rows that are close to each other and to the built-in ones.

use std::collections::BTreeSet;

use keyward::endpoint::ROWS;
use keyward::permission::{PERMISSIONS, PermissionRegistry};
use serde_json::{Map, Value, json};

use super::dice::Dice;

type Row = Map<String, Value>;

pub(super) struct Rows {
    /// The rows of the snapshot itself.
    pub(super) listed: Vec<Value>,
    /// The permissions that grants are drawn from.
    pub(super) permissions: Vec<String>,
    /// Methods and templates that requests aim at.
    pub(super) targets: Vec<(String, String)>,
}

impl Rows {
    pub(super) fn roll(dice: &mut Dice, only_own: bool) -> Self {
        let mut permissions = Vec::new();
        let mut targets = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        for _ in 0..1 + dice.below(7) {
            rows.push(endpoint(dice));
        }
        let publishable: Vec<_> = ROWS.iter().filter(|row| row.publishable).collect();
        for _ in 0..3 {
            let row = if dice.one_in(3) {
                publishable[dice.below(publishable.len())]
            } else {
                &ROWS[dice.below(ROWS.len())]
            };
            let method = format!("{:?}", row.method).to_uppercase();
            let mut add = |dice: &mut Dice, path: String| {
                let mut own = asks(dice);
                own.insert("method".to_owned(), json!(method));
                own.insert("path".to_owned(), json!(path));
                rows.push(own);
            };
            if only_own || dice.one_in(4) {
                // Like the built-in row, or in its place.
                add(dice, row.path.replace("{id}", "{own}"));
                continue;
            }
            if dice.one_in(2) {
                let path = beside(dice, row.path);
                add(dice, path);
            }
            targets.push((method, row.path.to_owned()));
            permissions.extend(row.permissions.iter().map(|name| (*name).to_owned()));
            // What is expanded in its reply is most often one of these.
            let expanded = [
                "customer",
                "charge",
                "payment_method",
                "invoice",
                "connected_account",
            ];
            permissions.push(dice.pick(&expanded).to_owned());
        }
        let mut taken = BTreeSet::new();
        rows.retain(|row| taken.insert((text(row, "method"), shape(&text(row, "path")))));
        for row in &rows {
            targets.push((text(row, "method"), text(row, "path")));
            let any = row.get("any_of").and_then(Value::as_array);
            let names = any.into_iter().flatten().chain(row.get("permission"));
            permissions.extend(names.filter_map(Value::as_str).map(str::to_owned));
        }
        for name in permissions.clone() {
            let implying = implying(&name);
            if !implying.is_empty() && dice.one_in(2) {
                permissions.push(dice.pick(&implying).to_owned());
            }
        }
        Self {
            listed: rows.into_iter().map(Value::Object).collect(),
            permissions,
            targets,
        }
    }
}

/// Returns the permissions that allow reading `name` under another name.
fn implying(name: &str) -> Vec<&'static str> {
    let registry = PermissionRegistry::stripe();
    let Some(implied) = registry.find(name) else {
        return Vec::new();
    };
    let implying = PERMISSIONS
        .iter()
        .filter(|known| known.implied.contains(&implied));
    implying.map(|known| known.name).collect()
}

/// Returns a template that differs from a built-in one in a segment: the two trees part there, or
/// stay together under different names.
fn beside(dice: &mut Dice, path: &str) -> String {
    let mut segments: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
    let at = dice.below(segments.len());
    let segment = &mut segments[at];
    match dice.below(7) {
        0 => *segment = segment.to_uppercase().replace("{ID}", "{id}"),
        1 => "{own}".clone_into(segment),
        2 => dice
            .pick(&["search", "x_1", "Search", "charges"])
            .clone_into(segment),
        3 => {
            segments.truncate(at);
            segments.push("{*rest}".to_owned());
        }
        4 => segments.push("own".to_owned()),
        5 => segments.push("{own}".to_owned()),
        _ => segments.truncate(at + 1),
    }
    let is_template = |segment: &String| !segment.starts_with('{') || segment.ends_with('}');
    assert!(segments.iter().all(is_template), "{segments:?}");
    // A wildcard must be last.
    if let Some(end) = segments
        .iter()
        .position(|segment| segment.starts_with("{*"))
    {
        segments.truncate(end + 1);
    }
    let segments =
        segments
            .iter()
            .enumerate()
            .map(|(place, segment)| match segment.strip_prefix('{') {
                Some(name) if !name.starts_with('*') => format!("{{p{place}}}"),
                Some(_) => "{*rest}".to_owned(),
                None => segment.clone(),
            });
    format!("/{}", segments.collect::<Vec<_>>().join("/"))
}

/// Returns a row that is close to others: few words, several spellings.
fn endpoint(dice: &mut Dice) -> Map<String, Value> {
    let words = [
        "v1", "charges", "{id}", "{x}", "search", "Search", "a:b", "A:B", "V1", "...", "x_1",
    ];
    let mut segments: Vec<&str> = Vec::new();
    for _ in 0..dice.below(4) {
        segments.push(dice.pick(&words));
    }
    if segments.is_empty() {
        segments.push("");
    }
    if dice.one_in(6) {
        segments.pop();
        segments.push("{*rest}");
    }
    let mut row = if dice.one_in(6) {
        let mut public = Map::from_iter([("auth".to_owned(), json!("none"))]);
        if dice.one_in(2) {
            public.insert("label".to_owned(), json!("Health"));
        }
        public
    } else {
        asks(dice)
    };
    let methods = ["GET", "POST", "DELETE", "PUT", "PATCH"];
    row.insert("method".to_owned(), json!(dice.pick(&methods)));
    row.insert("path".to_owned(), json!(format!("/{}", segments.join("/"))));
    row
}

/// Returns what a row requires of a key.
fn asks(dice: &mut Dice) -> Map<String, Value> {
    let mut row = Map::new();
    let names = [
        "charge", "customer", "widget", "W.i-d", "topup", "top_up", "balance",
    ];
    if dice.one_in(3) {
        let count = 1 + dice.below(3);
        let any: Vec<_> = (0..count).map(|_| dice.pick(&names)).collect();
        row.insert("any_of".to_owned(), json!(any));
    } else {
        row.insert("permission".to_owned(), json!(dice.pick(&names)));
    }
    if dice.one_in(4) {
        row.insert("access".to_owned(), json!(dice.pick(&["read", "write"])));
    }
    if dice.one_in(3) {
        row.insert("publishable".to_owned(), json!(!dice.one_in(4)));
    }
    if dice.one_in(4) {
        row.insert("label".to_owned(), json!("A label, \"quoted\""));
    }
    row
}

fn shape(path: &str) -> String {
    path.split('/')
        .map(|segment| match segment {
            "{*rest}" => "{*}",
            other if other.starts_with('{') => "{}",
            other => other,
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn text(row: &Map<String, Value>, name: &str) -> String {
    row[name].as_str().unwrap().to_owned()
}
