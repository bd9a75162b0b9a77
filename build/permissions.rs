//! Compiles `catalogue/permissions.tsv` to Rust: the permissions, and their aliases in order.

use std::error::Error;
use std::fmt::Write;

use crate::table::{Line, list, number_of};

const FILE: &str = "catalogue/permissions.tsv";

/// A row of the file.
pub(crate) struct Permission<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    category: &'a str,
    read: bool,
    write: bool,
    aliases: Vec<&'a str>,
    /// Row numbers.
    implied: Vec<u16>,
    is_direct: bool,
}

/// Reads `name label category read write aliases provenance implies direct`.
pub(crate) fn read<'a>(lines: &'a [Line]) -> Result<Vec<Permission<'a>>, Box<dyn Error>> {
    let names: Vec<&str> = lines
        .iter()
        .filter_map(|(_, columns)| columns.first().map(String::as_str))
        .collect();
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(format!("{FILE}: expected names in order, each once").into());
    }
    let permission = |(number, columns): &'a Line| {
        let place = format!("{FILE}:{number}");
        let [
            name,
            label,
            category,
            read,
            write,
            aliases,
            _,
            implies,
            direct,
        ] = columns.as_slice()
        else {
            return Err(format!("{place}: expected 9 columns").into());
        };
        let implied = list(implies, ',').map(|implied| {
            number_of(&names, implied)
                .ok_or_else(|| format!("{place}: `{implied}` is implied and not in the file"))
        });
        Ok(Permission {
            name,
            label,
            category,
            read: read == "yes",
            write: write == "yes",
            aliases: list(aliases, ',').collect(),
            implied: implied.collect::<Result<_, _>>()?,
            is_direct: direct == "yes",
        })
    };
    lines.iter().map(permission).collect()
}

pub(crate) fn tables(permissions: &[Permission<'_>]) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    writeln!(code, "/// Built-in permissions, sorted by name.")?;
    writeln!(code, "pub static PERMISSIONS: &[BuiltinPermission] = &[")?;
    for permission in permissions {
        let Permission {
            name,
            label,
            category,
            read,
            write,
            aliases,
            implied,
            is_direct,
        } = permission;
        writeln!(
            code,
            "BuiltinPermission {{ name: {name:?}, label: {label:?}, category: {category:?}, read: {read}, write: {write}, aliases: &{aliases:?}, \
             implied: {}, is_direct: {is_direct} }},",
            list_of(implied)
        )?;
    }
    writeln!(code, "];")?;
    let mut aliases: Vec<(&str, usize)> = Vec::new();
    for (number, permission) in permissions.iter().enumerate() {
        aliases.extend(permission.aliases.iter().map(|alias| (*alias, number)));
    }
    aliases.sort_unstable();
    if let Some([(alias, _), _]) = aliases.array_windows().find(|[a, b]| a.0 == b.0) {
        return Err(format!("{FILE}: `{alias}` is an alias twice").into());
    }
    writeln!(code, "/// Other spellings, sorted.")?;
    writeln!(code, "static ALIASES: &[(&str, Permission)] = &[")?;
    for (alias, number) in aliases {
        writeln!(code, "({alias:?}, Permission::builtin({number})),")?;
    }
    writeln!(code, "];")?;
    Ok(code)
}

/// Returns code such as `&[Permission::builtin(3)]`.
pub(crate) fn list_of(numbers: &[u16]) -> String {
    let listed: Vec<String> = numbers
        .iter()
        .map(|number| format!("Permission::builtin({number})"))
        .collect();
    format!("&[{}]", listed.join(", "))
}
