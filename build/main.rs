//! Compiles the catalogue's data files to static tables, and records the commit of the build.
//!
//! `KEYWARD_WITHOUT_CATALOGUE=1` compiles empty tables. Such a build is only for measuring: it
//! knows no endpoint and rejects anything that needs one.
#![allow(
    clippy::print_stdout,
    reason = "Cargo reads a build script's standard output"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a build script reads the world"
)]

mod endpoints;
mod expansions;
mod permissions;
mod table;
mod tree;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let put = |name: &str, code: String| fs::write(Path::new(&out).join(name), code);
    let lines = Lines::read()?;
    let permissions = permissions::read(&lines.permissions)?;
    let rows = endpoints::read(&lines.endpoints, &permissions)?;
    put("permissions.rs", permissions::tables(&permissions)?)?;
    put("endpoints.rs", endpoints::tables(&rows, &permissions)?)?;
    let names: Vec<&str> = permissions
        .iter()
        .map(|permission| permission.name)
        .collect();
    let paths: Vec<(&str, &str)> = rows.iter().map(|row| (row.verb, row.path)).collect();
    put(
        "expansions.rs",
        expansions::tables(&lines.graph, &paths, &names)?,
    )?;
    println!("cargo::rustc-env=KEYWARD_COMMIT={}", commit());
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=scripts/wasm-ld.sh");
    // Every commit and checkout appends to this file. A folder without it is not a checkout.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    Ok(())
}

/// The lines of all data files.
#[derive(Default)]
struct Lines {
    permissions: Vec<table::Line>,
    endpoints: Vec<table::Line>,
    graph: expansions::Files,
}

impl Lines {
    /// Reads all files, or none of them.
    fn read() -> Result<Self, Box<dyn Error>> {
        println!("cargo::rerun-if-env-changed=KEYWARD_WITHOUT_CATALOGUE");
        if env::var_os("KEYWARD_WITHOUT_CATALOGUE").is_some() {
            return Ok(Self::default());
        }
        Ok(Self {
            permissions: table::read("catalogue/permissions.tsv")?,
            endpoints: table::read("catalogue/stripe.tsv")?,
            graph: expansions::Files {
                expansions: table::read("catalogue/expansions.tsv")?,
                own_expansions: table::read("catalogue/expansions-own.tsv")?,
                objects: table::read("catalogue/objects.tsv")?,
                operations: table::read("catalogue/operations.tsv")?,
                own_operations: table::read("catalogue/operations-own.tsv")?,
            },
        })
    }
}

/// Returns the commit's short name, or `unknown` outside a checkout.
fn commit() -> String {
    Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}
