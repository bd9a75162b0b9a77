//! The decision itself, as measured natively by `benches/decision`.

use std::fs;
use std::path::Path;

/// A line of `costs.tsv`.
pub struct Decision {
    pub keys: u32,
    pub kind: String,
    pub outcome: String,
    pub nanoseconds: f64,
    /// The number of instructions, if Valgrind is installed.
    pub instructions: Option<u64>,
}

/// Reads the file. Returns an empty list if that part has not run.
pub fn read(file: &Path) -> Vec<Decision> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rows = text
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    rows.map(|row| Decision {
        keys: row[0].parse().unwrap(),
        kind: row[1].to_owned(),
        outcome: row[2].to_owned(),
        nanoseconds: row[3].parse().unwrap(),
        instructions: row.get(4).and_then(|count| count.parse().ok()),
    })
    .collect()
}
