//! The built-in catalogue, as a reader of its two data files expects it: every row requires what
//! the file says, and nothing else passes. Separate code reads the files again here.

pub mod graph;

use std::fs;
use std::path::Path;

/// A row of `catalogue/stripe.tsv`.
pub struct Row {
    pub method: String,
    pub path: String,
    /// The permissions. Any one is enough.
    pub permissions: Vec<String>,
    /// `read` or `write`. If the file does not say, the method decides.
    pub access: String,
    pub is_publishable: bool,
    pub label: String,
    pub category: String,
}

/// A row of `catalogue/permissions.tsv`.
pub struct Permission {
    pub name: String,
    pub label: String,
    pub category: String,
    /// The levels: `read`, `write`, or both.
    pub levels: Vec<String>,
    pub aliases: Vec<String>,
    pub implied: Vec<String>,
    /// Whether it applies to no call on a connected account.
    pub is_direct: bool,
}

impl Row {
    /// Returns a path that the row's template matches.
    pub fn sample(&self) -> String {
        let segments = self.path.split('/').map(|segment| match segment {
            "{*rest}" => "x/y",
            parameter if parameter.starts_with('{') => "x_1",
            literal => literal,
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

pub fn rows() -> Vec<Row> {
    let rows = table("stripe.tsv").into_iter().map(|columns| {
        let [
            method,
            path,
            permissions,
            access,
            publishable,
            label,
            category,
            _,
            _,
        ] = columns.try_into().unwrap();
        let access = match (access.as_str(), method.as_str()) {
            ("-", "GET") => "read".to_owned(),
            ("-", _) => "write".to_owned(),
            _ => access,
        };
        Row {
            method,
            path,
            permissions: names(&permissions, '|'),
            access,
            is_publishable: publishable == "yes",
            label,
            category,
        }
    });
    rows.collect()
}

pub fn permissions() -> Vec<Permission> {
    let permissions = table("permissions.tsv").into_iter().map(|columns| {
        let [
            name,
            label,
            category,
            read,
            write,
            aliases,
            _,
            implied,
            direct,
        ] = columns.try_into().unwrap();
        let levels = [("read", read), ("write", write)].into_iter();
        Permission {
            name,
            label,
            category,
            levels: levels
                .filter(|(_, is_there)| is_there == "yes")
                .map(|(level, _)| level.to_owned())
                .collect(),
            implied: names(&implied, ','),
            aliases: names(&aliases, ','),
            is_direct: direct == "yes",
        }
    });
    permissions.collect()
}

/// Returns the columns of a data file, without its comments.
pub fn table(file: &str) -> Vec<Vec<String>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalogue"));
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Returns the names of a list. `-` is the empty list.
pub fn names(list: &str, separator: char) -> Vec<String> {
    let names = list.split(separator).filter(|name| *name != "-");
    names.map(str::to_owned).collect()
}
