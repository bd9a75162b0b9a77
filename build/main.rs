//! Compiles the catalogue's data files into static tables, and records the commit that is built.
//!
//! `KEYWARD_WITHOUT_CATALOGUE=1` compiles empty tables: a build to measure against, which knows no endpoint and refuses whatever needs one.
#![allow(
    clippy::print_stdout,
    reason = "Cargo reads a build script's standard output"
)]

mod endpoints;
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
    let (permission_lines, endpoint_lines) = lines()?;
    let permissions = permissions::read(&permission_lines)?;
    let rows = endpoints::read(&endpoint_lines, &permissions)?;
    put("permissions.rs", permissions::tables(&permissions)?)?;
    put("endpoints.rs", endpoints::tables(&rows, &permissions)?)?;
    println!("cargo::rustc-env=KEYWARD_COMMIT={}", commit());
    println!("cargo::rerun-if-changed=build");
    // Every commit and checkout appends to this file; a folder without it is no checkout.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    Ok(())
}

/// The lines of both files, or none at all.
fn lines() -> Result<(Vec<table::Line>, Vec<table::Line>), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=KEYWARD_WITHOUT_CATALOGUE");
    if env::var_os("KEYWARD_WITHOUT_CATALOGUE").is_some() {
        return Ok((Vec::new(), Vec::new()));
    }
    Ok((
        table::read("catalogue/permissions.tsv")?,
        table::read("catalogue/stripe.tsv")?,
    ))
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
