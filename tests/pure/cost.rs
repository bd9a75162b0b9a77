//! Keeps cheap tests cheap: tests without an Envoy name nothing that starts one, and no test file
//! grows too long to read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::find::root;

/// The maximum length of a file.
const LINES: usize = 400;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn texts(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in folders {
        sources(&root().join(folder), &mut found);
    }
    let texts = found.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    });
    texts.collect()
}

#[test]
fn what_needs_no_envoy_names_no_harness() {
    let texts = texts(&["tests/pure", "tests/support", "tests/reference"]);
    assert!(texts.len() > 80, "{}", texts.len());
    let (crate_name, program) = (["keyward", "harness"].join("_"), ["ENVOY", "BIN"].join("_"));
    for (path, text) in texts {
        for name in [&crate_name, &program] {
            assert!(!text.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn no_test_file_is_longer_than_a_reader_likes() {
    for (path, text) in texts(&["tests"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES, "{}: {lines} lines", path.display());
    }
}
