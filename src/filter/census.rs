//! How many VMs serve which revision, reported so that it cannot mislead. Envoy's gauges are one per process, and what one VM sets another overwrites:
//! so every VM adds its own share to sums, and takes it back when it changes. Where the count is that of all threads, and both sums are those of one
//! revision, every thread serves that revision; a thread that has not loaded it yet, or could not, is missing from them.
//!
//! A timer reports a share, never while a configuration is loaded: the trial load ends before its timer could fire, so it is in no sum.

use super::monitor::{Gauge, Monitor};
use super::plugin_id::PluginId;
use crate::snapshot::Revision;

/// What this VM has added for one plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    vms: i64,
    revision: i64,
    fingerprint: i64,
}

impl Share {
    /// A VM without a snapshot counts, and adds nothing to the sums.
    pub(super) fn of(revision: Option<Revision>) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(0);
        Self {
            vms: 1,
            revision: revision.map_or(0, |revision| signed(revision.number())),
            fingerprint: revision.map_or(0, |revision| signed(revision.fingerprint())),
        }
    }

    /// Tells how it has changed.
    pub(super) fn change<M: Monitor>(&mut self, after: Self, plugin: &PluginId, monitor: &mut M) {
        let before = std::mem::replace(self, after);
        for (gauge, change) in [
            (Gauge::Vms, after.vms - before.vms),
            (Gauge::VmsRevisionSum, after.revision - before.revision),
            (
                Gauge::VmsFingerprintSum,
                after.fingerprint - before.fingerprint,
            ),
        ] {
            if change != 0 {
                monitor.add(gauge, Some(plugin), change);
            }
        }
    }
}
