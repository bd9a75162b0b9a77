//! Counters and gauges. Every id is asked for once per VM, on first use; no value that a client chose is ever part of a name.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::host::{self, MetricKind};
use super::tenure::PluginId;
use crate::decision::PermitKind;
use crate::judge::Outcome;
use crate::reason::DenyReason;
use crate::snapshot::Snapshot;

thread_local! {
    /// Counters of verdicts, each at its slot's place.
    static VERDICTS: RefCell<Vec<Counter>> = const { RefCell::new(Vec::new()) };
    static GAUGES: RefCell<HashMap<&'static str, Option<u32>>> = RefCell::new(HashMap::new());
    /// Gauges of one plugin each.
    static OF_PLUGINS: RefCell<HashMap<(PluginId, &'static str), Option<u32>>> = RefCell::new(HashMap::new());
    static BUILD_INFO: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Copy, Default)]
enum Counter {
    #[default]
    Undefined,
    Id(u32),
    /// The host did not define it.
    Refused,
}

#[derive(Clone, Copy)]
enum Slot {
    Allow(Passed),
    WouldDeny(DenyReason),
    Deny(DenyReason),
    /// A verification that the filter answered, and the key was good.
    Verify,
}

#[derive(Clone, Copy)]
enum Passed {
    Key,
    Public,
    Preflight,
}

impl Slot {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allowed(PermitKind::Key) => Self::Allow(Passed::Key),
            Outcome::Allowed(PermitKind::Public) => Self::Allow(Passed::Public),
            Outcome::Allowed(PermitKind::Preflight) => Self::Allow(Passed::Preflight),
            Outcome::Allowed(PermitKind::Shadow(reason)) => Self::WouldDeny(reason),
            Outcome::Denied(reason) | Outcome::NotVerified(reason) => Self::Deny(reason),
            Outcome::Verified => Self::Verify,
        }
    }

    /// Every slot has another place. What passes with a key, and is counted most, is found at once.
    fn place(self) -> usize {
        match self {
            Self::Allow(Passed::Key) => 0,
            Self::Allow(Passed::Public) => 1,
            Self::Allow(Passed::Preflight) => 2,
            Self::Verify => 3,
            Self::Deny(reason) => 4 + 2 * reason.index(),
            Self::WouldDeny(reason) => 5 + 2 * reason.index(),
        }
    }

    /// Tags stand before the name in the form that Istio's `extraStatTags` match: `tag=.=value;.;`.
    fn metric_name(self) -> String {
        let (decision, reason) = match self {
            Self::Allow(Passed::Key) => ("allow", "key"),
            Self::Allow(Passed::Public) => ("allow", "public"),
            Self::Allow(Passed::Preflight) => ("allow", "preflight"),
            Self::WouldDeny(reason) => ("would_deny", reason.name()),
            Self::Deny(reason) => ("deny", reason.name()),
            Self::Verify => ("verify", "key"),
        };
        format!("decision=.={decision};.;reason=.={reason};.;keyward_requests_total")
    }
}

/// Counts a request by what became of it.
pub(super) fn count(outcome: Outcome) {
    let slot = Slot::of(outcome);
    VERDICTS.with_borrow_mut(|counters| {
        let place = slot.place();
        if place >= counters.len() {
            counters.resize(place + 1, Counter::Undefined);
        }
        let Some(counter) = counters.get_mut(place) else {
            return;
        };
        if let Counter::Undefined = counter {
            *counter = host::define_metric(MetricKind::Counter, &slot.metric_name())
                .map_or(Counter::Refused, Counter::Id);
        }
        if let Counter::Id(id) = counter {
            host::increment_metric(*id, 1);
        }
    });
}

fn metric(kind: MetricKind, name: &'static str) -> Option<u32> {
    GAUGES.with_borrow_mut(|ids| {
        *ids.entry(name)
            .or_insert_with(|| host::define_metric(kind, name).ok())
    })
}

fn set(name: &'static str, value: u64) {
    if let Some(id) = metric(MetricKind::Gauge, name) {
        host::record_metric(id, value);
    }
}

/// Tells what a worker serves from now on, at the first request: Envoy's gauges are one per process, and the VMs of the main thread serve nobody.
pub(super) fn announce(snapshot: &Snapshot) {
    set("keyward_snapshot_revision", snapshot.revision().number());
    set("keyward_snapshot_issued_at", snapshot.issued_at());
    set(
        "keyward_snapshot_keys",
        u64::try_from(snapshot.key_count()).unwrap_or(u64::MAX),
    );
    if !BUILD_INFO.replace(true) {
        // Those that should stay at zero are there from the start: a counter that begins at one is no rise to Prometheus.
        add_behind(0);
        add_to_counter("keyward_snapshot_rollbacks", 0);
        add_to_counter("keyward_secret_keys_in_query_total", 0);
        let name = concat!(
            "version=.=",
            env!("CARGO_PKG_VERSION"),
            ";.;commit=.=",
            env!("KEYWARD_COMMIT"),
            ";.;keyward_build_info"
        );
        set(name, 1);
    }
}

fn of_plugin(plugin: &PluginId, name: &'static str) -> Option<u32> {
    OF_PLUGINS.with_borrow_mut(|ids| {
        *ids.entry((plugin.clone(), name)).or_insert_with(|| {
            let name = format!("plugin=.={};.;{name}", plugin.label());
            host::define_metric(MetricKind::Gauge, &name).ok()
        })
    })
}

/// Adds to a gauge of one plugin.
pub(super) fn add_of_plugin(plugin: &PluginId, name: &'static str, difference: i64) {
    if let Some(id) = of_plugin(plugin, name) {
        host::increment_metric(id, difference);
    }
}

/// Sets a gauge of one plugin.
pub(super) fn set_of_plugin(plugin: &PluginId, name: &'static str, value: u64) {
    if let Some(id) = of_plugin(plugin, name) {
        host::record_metric(id, value);
    }
}

/// Counts a request with a key in its query that is not public, whatever becomes of it: that key has leaked.
pub(super) fn count_secret_key_in_query() {
    add_to_counter("keyward_secret_keys_in_query_total", 1);
}

fn add_to_counter(name: &'static str, count: i64) {
    if let Some(id) = metric(MetricKind::Counter, name) {
        host::increment_metric(id, count);
    }
}

/// Counts a snapshot of a lower revision than the one served before it.
pub(super) fn count_rollback() {
    add_to_counter("keyward_snapshot_rollbacks", 1);
}

/// One more worker, or one less, that takes requests with an older snapshot than the one it was given, or with none.
pub(super) fn add_behind(change: i64) {
    if let Some(id) = metric(MetricKind::Gauge, "keyward_snapshot_workers_behind") {
        host::increment_metric(id, change);
    }
}
