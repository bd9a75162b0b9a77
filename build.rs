//! Compiles the catalogue's two data files into static tables, and records the commit that is built.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let mut code = String::new();
    permissions(&read("catalogue/permissions.tsv")?, &mut code)?;
    rows(&read("catalogue/stripe.tsv")?, &mut code)?;
    fs::write(Path::new(&out).join("catalogue.rs"), code)?;
    println!("cargo::rustc-env=KEYWARD_COMMIT={}", commit());
    println!("cargo::rerun-if-changed=build.rs");
    // Every commit and checkout appends to this file; a folder without it is no checkout.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    Ok(())
}

/// A line of a data file: its number, and its columns.
type Line = (usize, Vec<String>);

/// The lines of a data file, without comments, split at tabs.
fn read(path: &str) -> Result<Vec<Line>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={path}");
    let text = fs::read_to_string(path)?;
    let lines = text.lines().zip(1..);
    Ok(lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| (number, line.split('\t').map(str::to_owned).collect()))
        .collect())
}

/// `name label category read write aliases provenance`
fn permissions(lines: &[Line], code: &mut String) -> Result<(), Box<dyn Error>> {
    let names = lines.iter().map(|(_, columns)| columns.first());
    if !names.is_sorted_by(|a, b| a < b) {
        return Err("catalogue/permissions.tsv: expected names in order, each once".into());
    }
    writeln!(code, "/// Built-in permissions, sorted by name.")?;
    writeln!(code, "pub static PERMISSIONS: &[BuiltinPermission] = &[")?;
    for (number, columns) in lines {
        let [name, label, _, _, _, aliases, _] = columns.as_slice() else {
            return Err(format!("catalogue/permissions.tsv:{number}: expected 7 columns").into());
        };
        let aliases: Vec<&str> = aliases.split(',').filter(|alias| *alias != "-").collect();
        writeln!(
            code,
            "BuiltinPermission {{ name: {name:?}, label: {label:?}, aliases: &{aliases:?} }},"
        )?;
    }
    writeln!(code, "];")?;
    Ok(())
}

/// `method path permission access publishable label category provenance`
fn rows(lines: &[Line], code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "/// Built-in endpoints.")?;
    writeln!(code, "pub static ROWS: &[BuiltinRow] = &[")?;
    for (number, columns) in lines {
        let [method, path, permissions, access, publishable, label, _, _] = columns.as_slice()
        else {
            return Err(format!("catalogue/stripe.tsv:{number}: expected 8 columns").into());
        };
        let method = match method.as_str() {
            "GET" => "Get",
            "POST" => "Post",
            "DELETE" => "Delete",
            "PUT" => "Put",
            "PATCH" => "Patch",
            _ => return Err(format!("catalogue/stripe.tsv:{number}: expected a method").into()),
        };
        let access = match access.as_str() {
            "-" => "None",
            "read" => "Some(AccessLevel::Read)",
            "write" => "Some(AccessLevel::Write)",
            _ => {
                return Err(
                    format!("catalogue/stripe.tsv:{number}: expected read, write or -").into(),
                );
            }
        };
        let permissions: Vec<&str> = permissions.split('|').collect();
        let publishable = publishable == "yes";
        writeln!(
            code,
            "BuiltinRow {{ method: Method::{method}, path: {path:?}, permissions: &{permissions:?}, \
             access: {access}, publishable: {publishable}, label: {label:?} }},"
        )?;
    }
    writeln!(code, "];")?;
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
