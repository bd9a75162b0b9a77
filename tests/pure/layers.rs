//! The order of the modules under `src/`: imports point one way, the host and the operating system are named in their places alone, and no file is too long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::find::root;

/// A module may import those of the rows above its own.
const LAYERS: [&[&str]; 13] = [
    &[
        "ascii", "id", "order", "percent", "rows", "spelling", "word",
    ],
    &[
        "account",
        "address",
        "digest",
        "header_map",
        "key",
        "mask",
        "parameter",
        "permission",
        "reason",
        "refusal",
        "version",
    ],
    &[
        "endpoint",
        "expansion",
        "json_place",
        "query",
        "usage",
        "wire",
    ],
    &["json", "profile"],
    &["request"],
    &["credential", "snapshot"],
    &["principal"],
    &["state"],
    &["configuration"],
    &["decision"],
    &["judge", "reply", "upstream"],
    &["filter"],
    // The crate's root: it names modules, it is imported by none.
    &["lib"],
];

/// Imports against the order, each with its reason.
const AGAINST: [(&str, &str); 0] = [];

/// The folder that meets the world, and names `proxy_wasm`.
const OUTER: &str = "filter/wasm/";

/// What the core reads no clock, file or environment with.
const WORLD: [&str; 5] = ["env", "fs", "io", "process", "thread"];

const LONGEST_FILE: usize = 500;

/// A source file under `src/`.
struct Source {
    path: String,
    /// Without comments, literals and tests.
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = without_comments_and_literals(text);
        // Tests stand last, and may import what they like.
        let tests = code
            .match_indices("#[cfg(test)]\nmod ")
            .find(|(at, _)| code[*at..].lines().nth(1).unwrap().ends_with('{'));
        let end = tests.map_or(code.len(), |(at, _)| at);
        Self {
            path: path.to_owned(),
            code: code[..end].to_owned(),
        }
    }

    /// The module directly below the crate's root.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// How many `super::` lead from this file to the crate's root.
    fn depth(&self) -> usize {
        let folders = self.path.matches('/').count();
        folders + usize::from(!self.path.ends_with("/mod.rs"))
    }

    fn faults(&self) -> Vec<String> {
        let module = self.module();
        let mut faults = Vec::new();
        let mut fault = |what: String| faults.push(format!("src/{}: {what}", self.path));
        let Some(layer) = layer(module) else {
            fault(format!("`{module}` is in no layer"));
            return faults;
        };
        for imported in heads(&self.code, "crate") {
            let is_above = self::layer(imported).is_some_and(|above| above < layer);
            if imported != module && !is_above && !AGAINST.contains(&(module, imported)) {
                fault(format!(
                    "`{module}` imports `{imported}`, which is not above it"
                ));
            }
        }
        if self.code.contains(&"super::".repeat(self.depth())) {
            fault("reaches the crate's root through `super`, not `crate`".to_owned());
        }
        let is_outer = self.path.starts_with(OUTER);
        if !is_outer && words(&self.code).any(|word| word == "proxy_wasm") {
            fault(format!("names `proxy_wasm`, which only src/{OUTER} does"));
        }
        if !is_outer {
            let world = heads(&self.code, "std");
            for named in world.iter().filter(|named| WORLD.contains(named)) {
                fault(format!("uses `std::{named}`"));
            }
            for clock in ["SystemTime", "Instant"] {
                if words(&self.code).any(|word| word == clock) {
                    fault(format!("names the clock `{clock}`"));
                }
            }
        }
        faults
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// What is named directly below `root`: `a` and `b` of `root::a::x` and of `root::{a::x, b}`.
fn heads<'a>(code: &'a str, root: &str) -> BTreeSet<&'a str> {
    let path = format!("{root}::");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&path) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.extend(words(rest).next());
            continue;
        };
        let mut depth = 0;
        let mut start = Some(0);
        for (at, c) in list.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => start = Some(at),
                _ => {}
            }
            if start == Some(at) {
                found.extend(words(&list[at..]).next().filter(|_| start.take().is_some()));
            }
        }
    }
    found
}

/// The text with a blank for every comment, string and character, its lines kept.
fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = literal(rest, code.chars().next_back());
        let (skipped, after) = rest.split_at(if length == 0 {
            first.len_utf8()
        } else {
            length
        });
        if length == 0 {
            code.push(first);
        } else {
            code.push(' ');
            code.extend(skipped.chars().filter(|c| *c == '\n'));
        }
        rest = after;
    }
    code
}

/// The length of the comment or literal that `text` begins with; 0 for none.
fn literal(text: &str, before: Option<char>) -> usize {
    let to = |end: &str, from: usize| {
        text[from..]
            .find(end)
            .map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return to("*/", 2);
    }
    let in_a_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let (Some(raw), false) = (text.strip_prefix('r'), in_a_word && before != Some('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return to(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return 1 + end_of_quoted(quoted, '"');
    }
    // A lifetime has no second quote behind its first character.
    let mut quoted = text.strip_prefix('\'').unwrap_or("").chars();
    match (quoted.next(), quoted.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => 1 + end_of_quoted(&text[1..], '\''),
        _ => 0,
    }
}

/// The place behind the first `quote` that no backslash escapes.
fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Every `.rs` file below `folder`, with its text, in order.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let is_test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    files(&src)
        .iter()
        .map(|(path, text)| (path.strip_prefix(&src).unwrap(), text))
        .map(|(path, text)| (path.to_str().unwrap().replace('\\', "/"), text))
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| Source::new(&path, text))
        .collect()
}

#[test]
fn imports_point_one_way_and_the_core_reads_nothing() {
    let faults: Vec<String> = sources().iter().flat_map(Source::faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_names_what_there_is() {
    let sources = sources();
    for module in LAYERS.concat() {
        let is_there = sources.iter().any(|source| source.module() == module);
        assert!(is_there, "`{module}` is in the table alone");
    }
    for (module, imported) in AGAINST {
        let mut of_module = sources.iter().filter(|source| source.module() == module);
        let is_needed = of_module.any(|source| heads(&source.code, "crate").contains(imported));
        assert!(is_needed, "`{module}` no longer imports `{imported}`");
    }
}

#[test]
fn no_file_is_longer_than_500_lines() {
    for folder in [
        "src", "native", "files", "cli", "tests", "examples", "benches", "fuzz",
    ] {
        for (path, text) in files(&root().join(folder)) {
            let lines = text.lines().count();
            assert!(lines <= LONGEST_FILE, "{}: {lines} lines", path.display());
        }
    }
}

#[track_caller]
fn assert_fault(path: &str, text: &str, expected: Option<&str>) {
    let faults = Source::new(path, text).faults();
    match expected {
        None => assert_eq!(faults, Vec::<String>::new(), "{text}"),
        Some(expected) => {
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert!(faults[0].contains(expected), "{text}: {faults:?}");
        }
    }
}

#[test]
fn a_violation_is_found() {
    let not_above = Some("not above it");
    assert_fault("key.rs", "use crate::snapshot::Snapshot;", not_above);
    assert_fault("key.rs", "use crate::mask::Masked;", not_above);
    assert_fault("key.rs", "fn x() -> crate::reply::Reply {}", not_above);
    assert_fault(
        "request.rs",
        "use crate::{mask, snapshot::{self, Key}};",
        not_above,
    );
    assert_fault(
        "snapshot/wire.rs",
        "use super::super::decision;",
        Some("`super`"),
    );
    assert_fault("snapshot/mod.rs", "use super::decision;", Some("`super`"));
    assert_fault(
        "upstream.rs",
        "use proxy_wasm::types::Action;",
        Some("proxy_wasm"),
    );
    assert_fault(
        "filter/exchange.rs",
        "use proxy_wasm::types::Action;",
        Some("proxy_wasm"),
    );
    assert_fault("filter/exchange.rs", "use std::fs::File;", Some("std::fs"));
    assert_fault(
        "reply/mod.rs",
        "std::time::SystemTime::now();",
        Some("SystemTime"),
    );
    assert_fault(
        "reply/mod.rs",
        "use std::time::{Duration, Instant};",
        Some("Instant"),
    );
    assert_fault("reply/mod.rs", "use std::{fmt, fs::File};", Some("std::fs"));
    assert_fault(
        "reply/mod.rs",
        "fn x() { std::env::var(\"X\") }",
        Some("std::env"),
    );
    assert_fault("stranger.rs", "", Some("in no layer"));
}

#[test]
fn what_is_no_violation_is_left_alone() {
    assert_fault(
        "request.rs",
        "use crate::profile::{HeaderName, Profile};",
        None,
    );
    assert_fault("snapshot/mod.rs", "use crate::snapshot::key;", None);
    assert_fault(
        "snapshot/key.rs",
        "use super::wire; // crate::decision",
        None,
    );
    assert_fault(
        "key.rs",
        "/// [`crate::decision`] uses std::fs\nfn x() { \"crate::reply\" }",
        None,
    );
    assert_fault(
        "key.rs",
        "const X: &[u8] = br#\"a \" crate::reply\"#;",
        None,
    );
    assert_fault(
        "key.rs",
        "fn x<'a>(c: char) -> bool { c == '\"' } // \" crate::reply",
        None,
    );
    assert_fault(
        "key.rs",
        "#[cfg(test)]\nmod tests {\n    use crate::reply::Reply;\n}",
        None,
    );
    assert_fault("filter/wasm/abi.rs", "use proxy_wasm::hostcalls;", None);
    assert_fault(
        "reply/mod.rs",
        "use std::{collections::HashMap, time::Duration};",
        None,
    );
}
