//! Envoy's counters and gauges. A VM asks for each id once, on first use.

use std::cell::RefCell;

use super::abi::{self, MetricKind};
use crate::filter::counter::Counter;
use crate::filter::monitor::{BUILD, Gauge, Monitor};
use crate::filter::plugin_id::PluginId;
use crate::word::Word;

thread_local! {
    /// Each counter at its place.
    static COUNTERS: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
    static GAUGES: RefCell<Vec<Defined>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy, Default)]
enum Id {
    #[default]
    Undefined,
    Known(u32),
    /// The host did not define it.
    Refused,
}

/// A gauge, its plugin if it has one, and its id if the host defined it.
struct Defined(Gauge, Option<PluginId>, Option<u32>);

/// The metrics of this VM.
pub(super) struct Metrics;

impl Monitor for Metrics {
    fn count(&mut self, counter: Counter, times: u32) {
        COUNTERS.with_borrow_mut(|ids| {
            let place = counter.place();
            if place >= ids.len() {
                ids.resize(place + 1, Id::Undefined);
            }
            let Some(id) = ids.get_mut(place) else {
                return;
            };
            if let Id::Undefined = id {
                *id = abi::define_metric(MetricKind::Counter, &name(counter))
                    .map_or(Id::Refused, Id::Known);
            }
            if let Id::Known(id) = id {
                abi::increment_metric(*id, i64::from(times));
            }
        });
    }

    fn add(&mut self, gauge: Gauge, plugin: Option<&PluginId>, change: i64) {
        if let Some(id) = id(gauge, plugin) {
            abi::increment_metric(id, change);
        }
    }

    fn set(&mut self, gauge: Gauge, plugin: Option<&PluginId>, value: u64) {
        if let Some(id) = id(gauge, plugin) {
            abi::record_metric(id, value);
        }
    }
}

/// Returns a counter's name, after its tags in the form that Istio's `extraStatTags` match:
/// `tag=.=value;.;`.
fn name(counter: Counter) -> String {
    let name = counter.name();
    match counter {
        Counter::Requests(slot) => {
            let (decision, reason) = slot.labels();
            format!("decision=.={decision};.;reason=.={reason};.;{name}")
        }
        Counter::FeedTroubles(trouble) => format!("reason=.={};.;{name}", trouble.word()),
        Counter::SecretKeysInQuery
        | Counter::Rollbacks
        | Counter::FeedBases
        | Counter::FeedBytes
        | Counter::FeedLoads
        | Counter::FeedLoadTime => name.to_owned(),
    }
}

fn id(gauge: Gauge, plugin: Option<&PluginId>) -> Option<u32> {
    GAUGES.with_borrow_mut(|ids| {
        let mut known = ids.iter();
        let is_it = |Defined(other, of, _): &&Defined| *other == gauge && of.as_ref() == plugin;
        if let Some(Defined(_, _, id)) = known.find(is_it) {
            return *id;
        }
        let name = gauge.name();
        let name = match (gauge, plugin) {
            (_, Some(plugin)) => format!("plugin=.={};.;{name}", plugin.label()),
            (Gauge::BuildInfo, None) => {
                let [version, commit] = BUILD;
                format!("version=.={version};.;commit=.={commit};.;{name}")
            }
            (_, None) => name.to_owned(),
        };
        let id = abi::define_metric(MetricKind::Gauge, &name).ok();
        ids.push(Defined(gauge, plugin.cloned(), id));
        id
    })
}
