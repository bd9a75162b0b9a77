//! The built-in endpoints and permissions, as Rust.

use std::error::Error;
use std::fmt::Write;

use crate::table::Line;

/// The tables of both data files.
pub(crate) fn tables(permissions: &[Line], rows: &[Line]) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    self::permissions(permissions, &mut code)?;
    self::rows(rows, &mut code)?;
    Ok(code)
}

/// `name label category read write aliases provenance implies`
fn permissions(lines: &[Line], code: &mut String) -> Result<(), Box<dyn Error>> {
    let names = lines.iter().map(|(_, columns)| columns.first());
    if !names.is_sorted_by(|a, b| a < b) {
        return Err("catalogue/permissions.tsv: expected names in order, each once".into());
    }
    writeln!(code, "/// Built-in permissions, sorted by name.")?;
    writeln!(code, "pub static PERMISSIONS: &[BuiltinPermission] = &[")?;
    for (number, columns) in lines {
        let [name, label, _, _, _, aliases, _, _] = columns.as_slice() else {
            return Err(format!("catalogue/permissions.tsv:{number}: expected 8 columns").into());
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

/// `method path permission access publishable label category provenance host`
fn rows(lines: &[Line], code: &mut String) -> Result<(), Box<dyn Error>> {
    writeln!(code, "/// Built-in endpoints.")?;
    writeln!(code, "pub static ROWS: &[BuiltinRow] = &[")?;
    for (number, columns) in lines {
        let [
            method,
            path,
            permissions,
            access,
            publishable,
            label,
            _,
            _,
            _,
        ] = columns.as_slice()
        else {
            return Err(format!("catalogue/stripe.tsv:{number}: expected 9 columns").into());
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
