//! What `push --watch` says to Prometheus: a file for the textfile collector of the node exporter, replaced as a whole whenever something changes.
//!
//! Source: <https://github.com/prometheus/node_exporter#textfile-collector>, and the format in <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use keyward_files::replace::{Access, replace};

/// A file's name of an argument. The collector reads no others.
pub(crate) fn path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if path.extension().is_none_or(|ending| ending != "prom") {
        bail!("expected a name that ends in `.prom`: the textfile collector reads no other");
    }
    Ok(path)
}

/// How the watcher is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Metrics {
    pub(super) is_held_back: bool,
    pub(super) missing_keys: usize,
    pub(super) missing_accounts: usize,
    /// Of what was pushed last, ends of a push that is held back included.
    pub(super) revision: u64,
    /// Unix seconds.
    pub(super) pushed_at: u64,
}

impl Metrics {
    /// The page, for one target.
    fn text(&self, target: &str) -> String {
        let target = target
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let rows = [
            (
                "keyward_push_held_back",
                "1 while a push is held back because working keys or accounts are missing from its source.",
                u64::from(self.is_held_back),
            ),
            (
                "keyward_push_missing_keys",
                "Working keys of the target that the source of the push held back does not have.",
                count(self.missing_keys),
            ),
            (
                "keyward_push_missing_accounts",
                "Accounts in use of the target that the source of the push held back does not have.",
                count(self.missing_accounts),
            ),
            (
                "keyward_push_revision",
                "The revision that this watcher pushed last; 0 before the first.",
                self.revision,
            ),
            (
                "keyward_push_timestamp_seconds",
                "When this watcher pushed last, Unix seconds; 0 before the first.",
                self.pushed_at,
            ),
        ];
        rows.iter()
            .map(|(name, help, value)| {
                format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{target=\"{target}\"}} {value}\n")
            })
            .collect()
    }

    /// Writes them.
    pub(super) fn write(&self, path: &Path, target: &str) -> Result<()> {
        replace(path, Access::Shared, self.text(target).as_bytes())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_kind_stays_one_label() {
        let text = Metrics::default().text("a\\b\"c\nd");
        let row = "keyward_push_held_back{target=\"a\\\\b\\\"c\\nd\"} 0\n";
        assert!(text.contains(row), "{text}");
        assert_eq!(text.lines().count(), 15);
    }

    #[test]
    fn only_names_that_the_collector_reads_are_accepted() {
        assert!(path("/var/lib/node_exporter/keyward.prom").is_ok());
        for text in ["", "keyward", "keyward.txt", ".prom"] {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
