//! Imports have no cycles: in every folder of the sources, the files and folders can be sorted so
//! that each imports only earlier ones. A file may use what the folder's own `mod.rs` defines.
//! Cargo limits what packages import from each other, and `src/clippy.toml` limits what the core
//! reads from the outside.
//!
//! `cargo modules dependencies --acyclic` (0.27) looks for cycles of items before it combines them
//! into modules, and does not look inside functions. `cargo cycles` (0.2) drops imports of
//! functions. So this test parses the files with `syn`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, UseTree};

use crate::support::find::root;

/// The packages, each by the folder of its sources.
const PACKAGES: [&str; 5] = ["src", "files/src", "cli/src", "server/src", "native/src"];

/// The only folder that names the host's SDK.
const HOST: &str = "filter/wasm";

/// A module, or a place in one: the names from the crate's root.
type Names = Vec<String>;

/// The paths that a module imports, and the names that it gives them.
#[derive(Default)]
struct Module {
    paths: Vec<Names>,
    imported: BTreeMap<String, Names>,
}

/// The modules of a package.
#[derive(Default)]
struct Package(BTreeMap<Names, Module>);

impl Package {
    /// Reads the sources below a folder, except tests.
    fn of(folder: &Path) -> Self {
        let mut package = Self::default();
        for (path, text) in sources(folder) {
            let path = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
            if !is_test {
                package.add(path, &text);
            }
        }
        package
    }

    /// Adds a file by its path below the crate's root.
    fn add(&mut self, path: &str, text: &str) {
        let names = path.trim_end_matches(".rs").split('/');
        let is_face = |name: &&str| matches!(*name, "mod" | "lib" | "main");
        let names: Names = names
            .filter(|name| !is_face(name))
            .map(str::to_owned)
            .collect();
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        self.add_items(names, file.items);
    }

    fn add_items(&mut self, names: Names, items: Vec<Item>) {
        let mut module = Module::default();
        for item in items {
            if is_of_tests(&item) {
                continue;
            }
            match item {
                Item::Mod(inner) if inner.content.is_some() => {
                    let mut names = names.clone();
                    names.push(inner.ident.to_string());
                    self.add_items(names, inner.content.unwrap().1);
                }
                item => {
                    if let Item::Use(import) = &item {
                        leaves(&import.tree, &mut Vec::new(), &mut module.imported);
                    }
                    paths(item.to_token_stream(), &mut module.paths);
                }
            }
        }
        self.0.insert(names, module);
    }

    /// Returns the module that defines what a path names.
    fn resolved(&self, from: &Names, path: &[String], depth: usize) -> Names {
        let mut at = from.clone();
        for (index, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop();
                }
                _ => {
                    at.push(name.clone());
                    if self.0.contains_key(&at) {
                        continue;
                    }
                    at.pop();
                    let imported = self.0.get(&at).and_then(|module| module.imported.get(name));
                    return match imported {
                        // A re-exported item is defined elsewhere.
                        Some(path_there) if depth < 8 => {
                            let whole = [path_there, &path[index + 1..]].concat();
                            self.resolved(&at, &whole, depth + 1)
                        }
                        _ => at,
                    };
                }
            }
        }
        at
    }

    /// Returns which file or folder imports which, for each folder.
    fn edges(&self) -> BTreeMap<Names, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<Names, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, module) in &self.0 {
            for path in &module.paths {
                let to = self.resolved(from, path, 0);
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
                    let folder = edges.entry(from[..shared].to_vec()).or_default();
                    folder.entry(one.clone()).or_default().insert(other.clone());
                }
            }
        }
        edges
    }

    /// Returns the cycles in each folder, such as `filter: gateway -> tenure -> gateway`.
    fn cycles(&self) -> Vec<String> {
        let mut cycles = Vec::new();
        for (folder, edges) in self.edges() {
            let mut seen = BTreeSet::new();
            for cycle in edges.keys().filter_map(|start| way(&edges, start, start)) {
                if seen.insert(cycle.iter().cloned().collect::<BTreeSet<String>>()) {
                    cycles.push(format!("{}: {}", folder.join("::"), cycle.join(" -> ")));
                }
            }
        }
        cycles
    }
}

/// Returns the shortest way along the edges from one to the other.
fn way(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in edges.get(way.last().unwrap()).into_iter().flatten() {
                let way = [way.clone(), vec![next.clone()]].concat();
                if next == to {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

/// Returns whether an item is compiled for tests only.
fn is_of_tests(item: &Item) -> bool {
    let tokens = item.to_token_stream().into_iter().take(2);
    let begun: String = tokens.map(|token| token.to_string()).collect();
    begun.replace(' ', "") == "#[cfg(test)]"
}

/// Collects the paths that a `use` names, and the names that it gives them.
fn leaves(tree: &UseTree, prefix: &mut Names, found: &mut BTreeMap<String, Names>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            leaves(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            found.insert(prefix.last().unwrap().clone(), prefix.clone());
        }
        UseTree::Name(name) => {
            let whole = [&prefix[..], &[name.ident.to_string()]].concat();
            found.insert(name.ident.to_string(), whole);
        }
        UseTree::Rename(name) => {
            let whole = [&prefix[..], &[name.ident.to_string()]].concat();
            found.insert(name.rename.to_string(), whole);
        }
        UseTree::Glob(_) => panic!("a glob hides what is imported: {}", prefix.join("::")),
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, prefix, found);
            }
        }
    }
}

/// Collects every path that begins with `crate`, `self` or `super`, including those in the
/// arguments of macros.
fn paths(tokens: TokenStream, found: &mut Vec<Names>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => paths(group.stream(), found),
            TokenTree::Ident(ident)
                if ["crate", "self", "super"].iter().any(|root| ident == root) =>
            {
                path(&tokens[index..], Vec::new(), found);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Collects the path at the beginning of these tokens: `a::b`, or several, as in `a::{b, c::d}`.
fn path(tokens: &[TokenTree], mut names: Names, found: &mut Vec<Names>) {
    let mut rest = tokens;
    loop {
        match rest {
            [TokenTree::Ident(name), after @ ..] => {
                names.push(name.to_string());
                rest = after;
            }
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| token.to_string() == ",";
                for tokens in inner.split(is_comma).filter(|tokens| !tokens.is_empty()) {
                    path(tokens, names.clone(), found);
                }
                return;
            }
            _ => break,
        }
        match rest {
            [TokenTree::Punct(one), TokenTree::Punct(other), after @ ..]
                if one.as_char() == ':' && other.as_char() == ':' =>
            {
                rest = after;
            }
            _ => break,
        }
    }
    found.push(names);
}

/// Returns every `.rs` file below a folder, in order, with its text.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.insert(path, text);
        }
    }
    found
}

#[test]
fn no_folder_has_an_import_cycle() {
    let mut cycles = Vec::new();
    for package in PACKAGES {
        let found = Package::of(&root().join(package)).cycles();
        cycles.extend(found.iter().map(|cycle| format!("{package}/{cycle}")));
    }
    assert!(cycles.is_empty(), "{}", cycles.join("\n"));
}

#[test]
fn one_folder_names_the_host_and_nothing_else_does() {
    let folder = root().join("src");
    for (path, text) in sources(&folder) {
        let names_host = text.parse::<TokenStream>().unwrap().to_string();
        let names_host = names_host.contains("proxy_wasm");
        let path = path.strip_prefix(&folder).unwrap();
        assert!(!names_host || path.starts_with(HOST), "{}", path.display());
    }
}

#[track_caller]
fn assert_cycles(files: &[(&str, &str)], expected: &[&str]) {
    let mut package = Package::default();
    for (path, text) in files {
        package.add(path, text);
    }
    assert_eq!(package.cycles(), expected);
}

#[test]
fn a_cycle_is_found() {
    let root = ("lib.rs", "mod a; mod b; mod c;");
    let cycle = &[": a -> b -> a"];
    let a = ("a.rs", "use crate::b::B;");
    assert_cycles(&[root, a, ("b.rs", "fn x() { super::a::x() }")], cycle);
    assert_cycles(&[root, a, ("b.rs", "fn x() { y!(1, crate::a::X) }")], cycle);
    assert_cycles(
        &[root, a, ("b.rs", "use super::{c::C, a::{self, A}};")],
        cycle,
    );
    assert_cycles(&[root, a, ("b.rs", "fn x(_: crate::a::X<u8>) {}")], cycle);
    assert_cycles(
        &[root, a, ("b.rs", "mod x { use super::super::a; }")],
        cycle,
    );
    let three = [
        root,
        a,
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "use crate::a::A;"),
    ];
    assert_cycles(&three, &[": a -> b -> c -> a"]);
    // A folder counts as a whole, whichever of its files imports or is imported.
    let folders = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; mod y;"),
        ("a/x.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a::y::Y;"),
        ("a/y.rs", ""),
    ];
    assert_cycles(&folders, cycle);
}

#[test]
fn what_a_folder_hands_on_counts_where_it_is_defined() {
    let files = [
        ("a/mod.rs", "mod x; mod y; pub use y::Y; use x::X as Z;"),
        ("a/x.rs", "use super::Y;"),
        ("a/y.rs", "use super::Z;"),
    ];
    assert_cycles(&files, &["a: x -> y -> x"]);
}

#[test]
fn what_is_no_cycle_is_left_alone() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; use x::X; struct A(X);"),
        (
            "a/x.rs",
            "use super::A; /// [`crate::b`]\nfn x() { \"crate::b::B\" }",
        ),
        (
            "b.rs",
            "use crate::a::A; #[cfg(test)] mod tests { use crate::b::B; }",
        ),
    ];
    assert_cycles(&files, &[]);
    let tests = [
        ("a.rs", "#[cfg(test)]\nmod tests { use crate::b::B; }"),
        ("b.rs", "use crate::a::A;"),
    ];
    assert_cycles(&tests, &[]);
}
