//! The metrics of `push --watch` for Prometheus, in a file for the textfile collector of the node
//! exporter. The file is replaced as a whole whenever something changes.
//!
//! Source: <https://github.com/prometheus/node_exporter#textfile-collector>, and the format in
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use keyward_files::replace::{Access, replace};

/// Parses the file name in an argument. The collector only reads files with such a name.
pub(crate) fn path(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if path.extension().is_none_or(|ending| ending != "prom") {
        bail!("expected a name that ends in `.prom`: the textfile collector reads no other");
    }
    Ok(path)
}

/// The upcoming expiries of live keys that work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expiring {
    /// The number of keys that expire within two weeks.
    pub(super) soon: usize,
    /// When the next key expires, in Unix seconds, or 0 if none does.
    pub(super) next: u64,
}

impl Expiring {
    /// Finds the upcoming ones in `expiries`, which are sorted.
    pub(super) fn of(expiries: &[u64], now: u64) -> Self {
        let ahead = expiries.iter().skip_while(|at| **at <= now);
        let end = now.saturating_add(SOON);
        Self {
            soon: ahead.clone().take_while(|at| **at <= end).count(),
            next: ahead.copied().next().unwrap_or(0),
        }
    }
}

/// Two weeks, as in `keyward snapshot check`.
const SOON: u64 = 14 * 86_400;

/// The state of the watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Metrics {
    pub(super) is_held_back: bool,
    pub(super) missing_keys: usize,
    pub(super) missing_accounts: usize,
    /// The revision that was last pushed, including ends of a push that is held back.
    pub(super) revision: u64,
    /// When it was pushed, in Unix seconds.
    pub(super) pushed_at: u64,
    pub(super) expiring: Expiring,
}

impl Metrics {
    /// Returns the page for one target.
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
            (
                "keyward_push_keys_expiring",
                "Live keys that expire within 14 days.",
                count(self.expiring.soon),
            ),
            (
                "keyward_push_next_expiry_timestamp_seconds",
                "When the next live key expires, Unix seconds; 0 where none does.",
                self.expiring.next,
            ),
        ];
        rows.iter()
            .map(|(name, help, value)| {
                format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{target=\"{target}\"}} {value}\n")
            })
            .collect()
    }

    /// Writes the metrics.
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
        assert_eq!(text.lines().count(), 21);
    }

    #[test]
    fn what_expired_is_no_longer_ahead() {
        let day = 86_400;
        let expiries = [5, 10, 10 + 14 * day, 11 + 14 * day];
        let soon =
            |now, soon, next| assert_eq!(Expiring::of(&expiries, now), Expiring { soon, next });
        soon(0, 2, 5);
        soon(5, 1, 10);
        soon(10, 1, 10 + 14 * day);
        soon(11 + 14 * day, 0, 0);
    }

    #[test]
    fn only_names_that_the_collector_reads_are_accepted() {
        assert!(path("/var/lib/node_exporter/keyward.prom").is_ok());
        for text in ["", "keyward", "keyward.txt", ".prom"] {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
