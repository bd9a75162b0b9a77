//! Compiles `catalogue/stripe.tsv` to Rust: the readable rows, what they require, and the tree in
//! which requests find them.

use std::error::Error;
use std::fmt::Write;

use crate::permissions::{Permission, list_of};
use crate::table::{Line, list, number_of};
use crate::tree::Tree;

const FILE: &str = "catalogue/stripe.tsv";

/// A row of the file.
pub(crate) struct Row<'a> {
    /// The name of a variant of `Method`.
    pub(crate) method: &'static str,
    /// The method as the file spells it.
    pub(crate) verb: &'a str,
    pub(crate) path: &'a str,
    /// Row numbers of the permissions file.
    permissions: Vec<u16>,
    /// The name of a variant of `AccessLevel`.
    access: &'static str,
    is_publishable: bool,
}

/// Reads `method path permission access publishable label category provenance host`.
pub(crate) fn read<'a>(
    lines: &'a [Line],
    permissions: &[Permission<'_>],
) -> Result<Vec<Row<'a>>, Box<dyn Error>> {
    let names: Vec<&str> = permissions
        .iter()
        .map(|permission| permission.name)
        .collect();
    let row = |(number, columns): &'a Line| {
        let fault = |what: String| format!("{FILE}:{number}: {what}");
        let [method, path, needed, access, publishable, label, ..] = columns.as_slice() else {
            return Err(fault("expected 9 columns".to_owned()).into());
        };
        if columns.len() != 9 {
            return Err(fault("expected 9 columns".to_owned()).into());
        }
        let verb = method.as_str();
        let (method, usual) = match verb {
            "GET" => ("Get", "Read"),
            "POST" => ("Post", "Write"),
            "DELETE" => ("Delete", "Write"),
            "PUT" => ("Put", "Write"),
            "PATCH" => ("Patch", "Write"),
            _ => return Err(fault("expected a method".to_owned()).into()),
        };
        let access = match access.as_str() {
            "-" => usual,
            "read" => "Read",
            "write" => "Write",
            _ => return Err(fault("expected read, write or -".to_owned()).into()),
        };
        let needed: Vec<u16> = list(needed, '|')
            .map(|name| {
                number_of(&names, name).ok_or_else(|| fault(format!("`{name}` is no permission")))
            })
            .collect::<Result<_, _>>()?;
        let first = needed
            .first()
            .and_then(|first| permissions.get(usize::from(*first)));
        // The tables store labels only once, with their permissions.
        if first.is_none_or(|first| first.label != label) {
            return Err(fault("expected the label of the first permission".to_owned()).into());
        }
        Ok(Row {
            method,
            verb,
            path,
            permissions: needed,
            access,
            is_publishable: publishable == "yes",
        })
    };
    lines.iter().map(row).collect()
}

pub(crate) fn tables(
    rows: &[Row<'_>],
    permissions: &[Permission<'_>],
) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    writeln!(code, "/// Built-in endpoints, in the order of the file.")?;
    writeln!(code, "pub static ROWS: &[BuiltinRow] = &[")?;
    for row in rows {
        let names: Vec<&str> = row
            .permissions
            .iter()
            .filter_map(|number| permissions.get(usize::from(*number)))
            .map(|permission| permission.name)
            .collect();
        writeln!(
            code,
            "BuiltinRow {{ method: Method::{}, path: {:?}, permissions: &{names:?}, access: AccessLevel::{}, publishable: {} }},",
            row.method, row.path, row.access, row.is_publishable
        )?;
    }
    writeln!(code, "];")?;
    asks(rows, &mut code)?;
    Tree::of(rows)?.write(&mut code)?;
    Ok(code)
}

/// Writes what rows require, without duplicates, and which of these each row requires.
fn asks(rows: &[Row<'_>], code: &mut String) -> Result<(), Box<dyn Error>> {
    let mut asks: Vec<String> = Vec::new();
    let mut by_row = Vec::new();
    for row in rows {
        let ask = format!(
            "Ask {{ permissions: {}, access: AccessLevel::{}, publishable: {} }},",
            list_of(&row.permissions),
            row.access,
            row.is_publishable
        );
        let number = asks.iter().position(|known| *known == ask);
        by_row.push(number.unwrap_or(asks.len()));
        if number.is_none() {
            asks.push(ask);
        }
    }
    writeln!(code, "static ASKS: &[Ask] = &[")?;
    for ask in asks {
        writeln!(code, "{ask}")?;
    }
    writeln!(code, "];\nstatic ASK_OF_ROW: &[u16] = &{by_row:?};")?;
    Ok(())
}
