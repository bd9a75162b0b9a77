//! What the filter reports in addition to its counters.

use super::counter::Counter;
use super::plugin_id::PluginId;
use crate::snapshot::Snapshot;

/// A value that is set, or to which every VM adds its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gauge {
    /// The revision of the snapshot that a VM most recently started to serve.
    Revision,
    /// When that snapshot was issued, in Unix seconds.
    IssuedAt,
    /// The number of its keys.
    Keys,
    /// The maximum age of a snapshot in seconds, or 0 without a maximum.
    MaxAge,
    /// The number of workers that serve requests with an older snapshot than the pushed one, or
    /// with none.
    WorkersBehind,
    /// Always one, with the labels `version` and `commit`.
    BuildInfo,
    /// For each plugin, the number of VMs that serve it.
    Vms,
    /// For each plugin, the sum of the revisions that these VMs serve.
    VmsRevisionSum,
    /// For each plugin, the sum of these revisions' fingerprints.
    VmsFingerprintSum,
    /// For each plugin, one if its last push was rejected.
    PushRefused,
    /// For each plugin, the revision of that push, if it was readable.
    RefusedRevision,
}

impl Gauge {
    /// Returns the metric's name, without labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Revision => "keyward_snapshot_revision",
            Self::IssuedAt => "keyward_snapshot_issued_at",
            Self::Keys => "keyward_snapshot_keys",
            Self::MaxAge => "keyward_snapshot_max_age_seconds",
            Self::WorkersBehind => "keyward_snapshot_workers_behind",
            Self::BuildInfo => "keyward_build_info",
            Self::Vms => "keyward_snapshot_vms",
            Self::VmsRevisionSum => "keyward_snapshot_vms_revision_sum",
            Self::VmsFingerprintSum => "keyward_snapshot_vms_fingerprint_sum",
            Self::PushRefused => "keyward_snapshot_push_refused",
            Self::RefusedRevision => "keyward_snapshot_refused_revision",
        }
    }
}

/// The version and commit of this build: the labels of [`Gauge::BuildInfo`].
pub const BUILD: [&str; 2] = [env!("CARGO_PKG_VERSION"), env!("KEYWARD_COMMIT")];

/// Receives what the filter reports. `plugin` is given for the gauges of a plugin, and becomes the
/// label `plugin`.
pub trait Monitor {
    /// Adds to a counter; 0 makes it appear.
    fn count(&mut self, counter: Counter, times: u32);

    /// Adds to a gauge; 0 makes it appear.
    fn add(&mut self, gauge: Gauge, plugin: Option<&PluginId>, change: i64);

    /// Sets a gauge.
    fn set(&mut self, gauge: Gauge, plugin: Option<&PluginId>, value: u64);
}

/// Reports what is served from now on.
pub fn announce<M: Monitor>(monitor: &mut M, snapshot: &Snapshot, max_age: Option<u64>) {
    let keys = u64::try_from(snapshot.key_count()).unwrap_or(u64::MAX);
    for (gauge, value) in [
        (Gauge::Revision, snapshot.revision().number()),
        (Gauge::IssuedAt, snapshot.issued_at()),
        (Gauge::Keys, keys),
        (Gauge::MaxAge, max_age.unwrap_or(0)),
    ] {
        monitor.set(gauge, None, value);
    }
}

/// Reports once which build this is. Counters that should stay at zero exist from the start,
/// because Prometheus does not see a rise in a counter that begins at one.
pub fn introduce<M: Monitor>(monitor: &mut M) {
    monitor.add(Gauge::WorkersBehind, None, 0);
    monitor.count(Counter::Rollbacks, 0);
    monitor.count(Counter::SecretKeysInQuery, 0);
    monitor.set(Gauge::BuildInfo, None, 1);
}

/// Reports that the push of `revision` is rejected. The revision is `None` if it was unreadable.
pub fn refuses<M: Monitor>(monitor: &mut M, plugin: &PluginId, revision: Option<u64>) {
    let plugin = Some(plugin);
    monitor.set(Gauge::RefusedRevision, plugin, revision.unwrap_or(0));
    monitor.set(Gauge::PushRefused, plugin, 1);
}

/// Reports that a push is accepted.
pub fn accepts<M: Monitor>(monitor: &mut M, plugin: &PluginId) {
    monitor.set(Gauge::PushRefused, Some(plugin), 0);
    monitor.set(Gauge::RefusedRevision, Some(plugin), 0);
}
