//! Counts what happened to the lines of a log.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use crate::access_log::{Skip, printable};

/// How many lines were read, ignored and skipped.
#[derive(Clone, Debug)]
pub struct Tally {
    read: u64,
    outside: u64,
    skipped: BTreeMap<Skip, u64>,
    /// Files that could not be read to the end, each with the reason as a sentence.
    broken: Vec<(String, String)>,
    shown: fn(&str) -> String,
}

impl Tally {
    /// Creates an empty tally. `shown` makes a file's name, or an error that may contain it, safe
    /// to show.
    #[must_use]
    pub fn new(shown: fn(&str) -> String) -> Self {
        Self {
            read: 0,
            outside: 0,
            skipped: BTreeMap::new(),
            broken: Vec::new(),
            shown,
        }
    }

    pub(super) fn read(&mut self) {
        self.read += 1;
    }

    pub(super) fn outside(&mut self) {
        self.outside += 1;
    }

    pub(super) fn skip(&mut self, skip: Skip) {
        *self.skipped.entry(skip).or_default() += 1;
    }

    pub(super) fn broken(&mut self, file: &str, error: &io::Error) {
        let sentence = format!(
            "`{}` was read up to where it breaks off: {}",
            printable(file),
            printable(&error.to_string())
        );
        self.note(file, &sentence);
    }

    /// Notes a file that cannot be opened.
    pub(super) fn closed(&mut self, file: &str, error: &anyhow::Error) {
        self.note(file, &printable(&format!("{error:#}")));
    }

    fn note(&mut self, file: &str, sentence: &str) {
        let shown = self.shown;
        self.broken.push((shown(file), shown(sentence)));
    }

    /// Whether every file was read to its end.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// Returns the number of requests that were passed on.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.read
    }

    /// Returns the number of lines that were skipped for any reason.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Returns the tally as JSON, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let skipped: serde_json::Map<String, Value> = Skip::ALL
            .iter()
            .map(|skip| {
                let count = self.skipped.get(skip).copied().unwrap_or_default();
                (skip.name().to_owned(), json!(count))
            })
            .collect();
        let broken: Vec<&str> = self.broken.iter().map(|(file, _)| file.as_str()).collect();
        json!({"requests": self.read, "outside_the_time": self.outside, "skipped": skipped, "broken_files": broken})
    }

    /// Returns a sentence for each thing that was not read.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.skipped.is_empty() {
            let counts: Vec<String> = self
                .skipped
                .iter()
                .map(|(skip, count)| format!("{count} {}", skip.found()))
                .collect();
            let total = self.skipped();
            let lines = if total == 1 { "line was" } else { "lines were" };
            sentences.push(format!("{total} {lines} skipped: {}", counts.join(", ")));
        }
        sentences.extend(self.broken.iter().map(|(_, sentence)| sentence.clone()));
        sentences
    }

    /// Writes those sentences, for people.
    pub fn tell(&self, out: &mut impl Write) -> Result<()> {
        for sentence in self.sentences() {
            writeln!(out, "keyward: {sentence}")?;
        }
        Ok(())
    }
}
