//! Compiles the catalogue's data files into static tables, and records the commit that is built.
#![allow(
    clippy::print_stdout,
    reason = "Cargo reads a build script's standard output"
)]

mod catalogue;
mod table;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    fs::write(
        Path::new(&out).join("catalogue.rs"),
        catalogue::tables(
            &table::read("catalogue/permissions.tsv")?,
            &table::read("catalogue/stripe.tsv")?,
        )?,
    )?;
    println!("cargo::rustc-env=KEYWARD_COMMIT={}", commit());
    println!("cargo::rerun-if-changed=build");
    // Every commit and checkout appends to this file; a folder without it is no checkout.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    Ok(())
}

/// The commit's short name, `unknown` outside a checkout.
fn commit() -> String {
    Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}
