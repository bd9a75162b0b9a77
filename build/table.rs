//! Reads the data files of the catalogue: tab-separated lines and comments that begin with `#`.

use std::error::Error;
use std::fs;

/// A line of a data file: its number, and its columns.
pub(crate) type Line = (usize, Vec<String>);

/// Returns the lines of a data file, without comments, split at tabs.
pub(crate) fn read(path: &str) -> Result<Vec<Line>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={path}");
    let text = fs::read_to_string(path)?;
    let lines = text.lines().zip(1..);
    Ok(lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| (number, line.split('\t').map(str::to_owned).collect()))
        .collect())
}

/// Returns the elements of a list. `-` is an empty list.
pub(crate) fn list(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).filter(|element| *element != "-")
}

/// Returns the place of `name` among sorted names.
pub(crate) fn number_of(names: &[&str], name: &str) -> Option<u16> {
    let found = names.binary_search(&name).ok()?;
    u16::try_from(found).ok()
}
