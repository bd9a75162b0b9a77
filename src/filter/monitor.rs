//! What the filter reports next to its counters.

use super::counter::Counter;
use super::plugin_id::PluginId;
use crate::snapshot::Snapshot;

/// A value that is set, or to which every VM adds its own share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gauge {
    /// The revision of the snapshot that was last begun to be served.
    Revision,
    /// When it was issued, Unix seconds.
    IssuedAt,
    /// How many keys it has.
    Keys,
    /// How old it may become, seconds; 0 where nothing is said.
    MaxAge,
    /// Workers that take requests with an older snapshot than the one they were given, or with none.
    WorkersBehind,
    /// One, with the labels `version` and `commit`.
    BuildInfo,
    /// Of a plugin: VMs that serve it.
    Vms,
    /// Of a plugin: the sum of the revisions that these serve.
    VmsRevisionSum,
    /// Of a plugin: the sum of these revisions' fingerprints.
    VmsFingerprintSum,
    /// Of a plugin: one where its last push was refused.
    PushRefused,
    /// Of a plugin: the revision of that push, if it could be read.
    RefusedRevision,
}

impl Gauge {
    /// The metric's name, without labels.
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

/// Version and commit of this build: the labels of [`Gauge::BuildInfo`].
pub const BUILD: [&str; 2] = [env!("CARGO_PKG_VERSION"), env!("KEYWARD_COMMIT")];

/// Where it is reported. `plugin` is there for the gauges of a plugin, and becomes the label `plugin`.
pub trait Monitor {
    /// Adds to a counter; 0 makes it appear.
    fn count(&mut self, counter: Counter, times: u32);

    /// Adds to a gauge; 0 makes it appear.
    fn add(&mut self, gauge: Gauge, plugin: Option<&PluginId>, change: i64);

    /// Sets a gauge.
    fn set(&mut self, gauge: Gauge, plugin: Option<&PluginId>, value: u64);
}

/// Tells what is served from now on.
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

/// Reports once which build this is. Counters that should stay at zero exist from the start: a counter that begins at one is not a rise to Prometheus.
pub fn introduce<M: Monitor>(monitor: &mut M) {
    monitor.add(Gauge::WorkersBehind, None, 0);
    monitor.count(Counter::Rollbacks, 0);
    monitor.count(Counter::SecretKeysInQuery, 0);
    monitor.set(Gauge::BuildInfo, None, 1);
}

/// Says that the push of `revision`, if it could be read, is refused.
pub fn refuses<M: Monitor>(monitor: &mut M, plugin: &PluginId, revision: Option<u64>) {
    let plugin = Some(plugin);
    monitor.set(Gauge::RefusedRevision, plugin, revision.unwrap_or(0));
    monitor.set(Gauge::PushRefused, plugin, 1);
}

/// Says that a push is not refused.
pub fn accepts<M: Monitor>(monitor: &mut M, plugin: &PluginId) {
    monitor.set(Gauge::PushRefused, Some(plugin), 0);
    monitor.set(Gauge::RefusedRevision, Some(plugin), 0);
}
