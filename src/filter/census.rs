//! Counts how many VMs serve which revision, so that the result cannot mislead. Envoy has one gauge
//! per process, and what one VM sets, another overwrites. So every VM adds its own share to sums,
//! and corrects it when it changes. If the count is that of all threads, and both sums fit one
//! revision, every thread serves that revision. A thread that has not loaded it yet, or could not,
//! is missing from the sums.
//!
//! A timer reports a share, never the load of a configuration. The trial load ends before its timer
//! could fire, so it is in no sum.

use super::monitor::{Gauge, Monitor};
use super::plugin_id::PluginId;
use crate::snapshot::Revision;

/// What this VM has added for a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    vms: i64,
    revision: i64,
    fingerprint: i64,
}

impl Share {
    /// Returns a share. A VM without a snapshot is counted, but adds nothing to the sums.
    pub(super) fn of(revision: Option<Revision>) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(0);
        Self {
            vms: 1,
            revision: revision.map_or(0, |revision| signed(revision.number())),
            fingerprint: revision.map_or(0, |revision| signed(revision.fingerprint())),
        }
    }

    /// Reports how the share has changed.
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
