//! Counters and gauges. Every id is asked for once per VM, on first use; no value that a client chose is ever part of a name.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::abi::{self, MetricKind};
use super::tenure::PluginId;
use crate::filter::counter::{Counter, Slot};
use crate::snapshot::Snapshot;

thread_local! {
    /// Counters of verdicts, each at its slot's place.
    static VERDICTS: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
    static GAUGES: RefCell<HashMap<&'static str, Option<u32>>> = RefCell::new(HashMap::new());
    /// Gauges of one plugin each.
    static OF_PLUGINS: RefCell<HashMap<(PluginId, &'static str), Option<u32>>> = RefCell::new(HashMap::new());
    static BUILD_INFO: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Copy, Default)]
enum Id {
    #[default]
    Undefined,
    Known(u32),
    /// The host did not define it.
    Refused,
}

/// Adds one to a counter.
pub(super) fn count(counter: Counter) {
    match counter {
        Counter::Requests(slot) => count_request(slot, counter.name()),
        Counter::SecretKeysInQuery | Counter::Rollbacks => add_to_counter(counter, 1),
    }
}

fn count_request(slot: Slot, name: &str) {
    VERDICTS.with_borrow_mut(|counters| {
        let place = slot.place();
        if place >= counters.len() {
            counters.resize(place + 1, Id::Undefined);
        }
        let Some(id) = counters.get_mut(place) else {
            return;
        };
        if let Id::Undefined = id {
            // Tags stand before the name in the form that Istio's `extraStatTags` match: `tag=.=value;.;`.
            let (decision, reason) = slot.labels();
            let name = format!("decision=.={decision};.;reason=.={reason};.;{name}");
            *id = abi::define_metric(MetricKind::Counter, &name).map_or(Id::Refused, Id::Known);
        }
        if let Id::Known(id) = id {
            abi::increment_metric(*id, 1);
        }
    });
}

fn metric(kind: MetricKind, name: &'static str) -> Option<u32> {
    GAUGES.with_borrow_mut(|ids| {
        *ids.entry(name)
            .or_insert_with(|| abi::define_metric(kind, name).ok())
    })
}

fn set(name: &'static str, value: u64) {
    if let Some(id) = metric(MetricKind::Gauge, name) {
        abi::record_metric(id, value);
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
        add_to_counter(Counter::Rollbacks, 0);
        add_to_counter(Counter::SecretKeysInQuery, 0);
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
            abi::define_metric(MetricKind::Gauge, &name).ok()
        })
    })
}

/// Adds to a gauge of one plugin.
pub(super) fn add_of_plugin(plugin: &PluginId, name: &'static str, difference: i64) {
    if let Some(id) = of_plugin(plugin, name) {
        abi::increment_metric(id, difference);
    }
}

/// Sets a gauge of one plugin.
pub(super) fn set_of_plugin(plugin: &PluginId, name: &'static str, value: u64) {
    if let Some(id) = of_plugin(plugin, name) {
        abi::record_metric(id, value);
    }
}

fn add_to_counter(counter: Counter, count: i64) {
    if let Some(id) = metric(MetricKind::Counter, counter.name()) {
        abi::increment_metric(id, count);
    }
}

/// One more worker, or one less, that takes requests with an older snapshot than the one it was given, or with none.
pub(super) fn add_behind(change: i64) {
    if let Some(id) = metric(MetricKind::Gauge, "keyward_snapshot_workers_behind") {
        abi::increment_metric(id, change);
    }
}
