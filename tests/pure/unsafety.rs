//! Every `unsafe` is counted here and explained at its place: the calls to each host, and the
//! allocator that meters memory. The core has none.

use crate::support::find::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The number of blocks, implementations and foreign declarations in each file. A new one must be
/// added here as well.
const COUNTED: [(&str, usize); 3] = [
    ("native/src/abi.rs", 29),
    ("src/filter/wasm/abi.rs", 21),
    ("src/filter/wasm/memory.rs", 4),
];

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

/// Returns the numbers of lines with unsafe code, without the methods of an unsafe trait: their
/// bodies use blocks.
fn unsafe_lines(text: &str) -> Vec<usize> {
    let does = |line: &str| {
        let code = line.split("//").next().unwrap();
        ["unsafe {", "unsafe impl", "unsafe extern"]
            .iter()
            .any(|form| code.contains(form))
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| does(line))
        .map(|(number, _)| number)
        .collect()
}

/// Returns whether a comment above this line, or above its statement, explains it.
fn is_explained(text: &str, number: usize) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    lines[number.saturating_sub(4)..number]
        .iter()
        .any(|line| line.trim_start().starts_with("// SAFETY: "))
}

#[test]
fn every_unsafe_is_counted_and_explained() {
    let root = root();
    let mut files = Vec::new();
    for folder in ["src", "files/src", "cli/src", "native/src"] {
        sources(&root.join(folder), &mut files);
    }
    let mut counted = BTreeMap::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let lines = unsafe_lines(&text);
        for number in &lines {
            let line = number + 1;
            assert!(
                is_explained(&text, *number),
                "{name}:{line}: no `// SAFETY: `"
            );
        }
        if !lines.is_empty() {
            assert!(text.contains("#![expect(\n    unsafe_code,"), "{name}");
            counted.insert(name, lines.len());
        }
    }
    let expected = COUNTED.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counted, BTreeMap::from(expected));
}

#[test]
fn an_unexplained_one_is_found() {
    let bad = "fn a() {\n    unsafe { b() }\n}\n";
    let good = "fn a() {\n    // SAFETY: b is.\n    unsafe { b() }\n}\n";
    assert_eq!(unsafe_lines(bad), [1]);
    assert_eq!(unsafe_lines(good), [2]);
    assert!(!is_explained(bad, 1));
    assert!(is_explained(good, 2));
    assert_eq!(
        unsafe_lines("// unsafe { b() }\nunsafe fn c() {}"),
        [0_usize; 0]
    );
}
