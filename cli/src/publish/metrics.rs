//! The metrics of `publish --watch` for Prometheus, in a file for the textfile collector of the
//! node exporter. The file is always replaced as a whole.
//!
//! Source: <https://github.com/prometheus/node_exporter#textfile-collector>

use std::path::Path;

use anyhow::Result;

pub(super) use crate::push::metrics_path as path;
use keyward_files::replace::{Access, replace};

/// The state of the watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Metrics {
    pub(super) is_held_back: bool,
    pub(super) is_failing: bool,
    pub(super) revision: u64,
    /// When the head was signed, in Unix seconds.
    pub(super) signed_at: u64,
    /// When gateways will deny, in Unix seconds.
    pub(super) deadline: u64,
    /// The number of mirrors that do not have the content of the feed.
    pub(super) mirrors_behind: u64,
}

impl Metrics {
    /// Returns the page for one feed.
    fn text(&self, feed: &str) -> String {
        let rows = [
            (
                "keyward_publish_held_back",
                "1 while a publication is held back because working keys or accounts are missing from its source.",
                u64::from(self.is_held_back),
            ),
            (
                "keyward_publish_failing",
                "1 while the last attempt to publish or to sign again failed.",
                u64::from(self.is_failing),
            ),
            (
                "keyward_publish_revision",
                "The revision that the feed led to when this watcher wrote last; 0 before.",
                self.revision,
            ),
            (
                "keyward_publish_signed_timestamp_seconds",
                "When the head was signed last, Unix seconds; 0 before.",
                self.signed_at,
            ),
            (
                "keyward_publish_deadline_timestamp_seconds",
                "When gateways start to deny if nothing is published, Unix seconds; 0 before.",
                self.deadline,
            ),
            (
                "keyward_publish_mirrors_behind",
                "How many mirrors do not hold yet what was written last.",
                self.mirrors_behind,
            ),
        ];
        // A feed's name contains no character that must be escaped in a label.
        rows.iter()
            .map(|(name, help, value)| {
                format!(
                    "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{feed=\"{feed}\"}} {value}\n"
                )
            })
            .collect()
    }

    /// Writes the metrics.
    pub(super) fn write(&self, path: &Path, feed: &str) -> Result<()> {
        replace(path, Access::Shared, self.text(feed).as_bytes())
    }
}
