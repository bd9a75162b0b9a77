//! One filter configuration, from Envoy's making it to the last stream that holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::configuration::{Configuration, Role};
use keyward::filter::exchange::{self, Flow};
use keyward::filter::plugin_id::PluginId;
use keyward::snapshot::Snapshot;

use crate::abi::{Config, ERROR, Stream, log};
use crate::boundary::caught;
use crate::counts::Counts;
use crate::fault::Fault;
use crate::loading::{self, Refused};
use crate::metrics::Metrics;
use crate::registry::{self, Place};
use crate::request::{Request, state_key};
#[cfg(feature = "trap-door")]
use crate::trap_door;

/// One filter configuration.
pub(crate) struct Plugin {
    configuration: Arc<Configuration>,
    /// The filter state's key.
    state: Box<str>,
    metrics: Metrics,
    counts: Counts,
    /// Whether it took a request since its last round.
    has_served: AtomicBool,
    threads: u64,
    place: Place,
    #[cfg(feature = "trap-door")]
    trap: Option<trap_door::Trap>,
}

impl Plugin {
    /// Makes one of what Envoy was pushed. `None` refuses the push.
    pub(crate) fn new(
        config: &Config<'_>,
        name: Result<&[u8], Fault>,
        bytes: Result<&[u8], Fault>,
    ) -> Option<Self> {
        let (name, bytes) = match (name, bytes) {
            (Ok(name), Ok(bytes)) => (name, bytes),
            (Err(fault), _) | (_, Err(fault)) => return refuse("", None, fault.0),
        };
        #[cfg(feature = "trap-door")]
        let trap = trap_door::of(bytes);
        #[cfg(feature = "trap-door")]
        trap_door::spring(trap, trap_door::Trap::New);
        // Envoy gives a filter one name, and no direction.
        let id = PluginId::new([name.into(), Box::default(), Box::default()]);
        let label = id.label();
        let configuration = match loading::load(bytes) {
            Ok(configuration) => configuration,
            Err(Refused { why, revision }) => return refuse(&label, revision, &why),
        };
        let metrics = match Metrics::define(config, &label) {
            Ok(metrics) => metrics,
            Err(fault) => return refuse(&label, None, fault.0),
        };
        let Some(scheduler) = config.scheduler() else {
            return refuse(&label, None, "Envoy gave no scheduler");
        };
        let workers = config.concurrency();
        let Some(place) = registry::enter(&label, &configuration, scheduler) else {
            return refuse(&label, None, "the process has no room for a thread");
        };
        Some(Self {
            state: state_key(&configuration.settings().filter_state).into(),
            configuration,
            metrics,
            counts: Counts::new(&id, workers),
            has_served: AtomicBool::new(false),
            threads: u64::from(workers) + 1,
            place,
            #[cfg(feature = "trap-door")]
            trap,
        })
    }

    /// Decides on a request.
    pub(crate) fn on_request(&self, stream: Stream<'_>, end_of_stream: bool) -> Flow {
        #[cfg(feature = "trap-door")]
        trap_door::on_request(&stream);
        let mut request = Request::of(&self.counts, &self.state, stream);
        let flow = exchange::run(&self.configuration, &mut request, !end_of_stream);
        // All but the first request after a round only read it.
        if !self.has_served.load(Ordering::Relaxed) && !self.has_served.swap(true, Ordering::AcqRel)
        {
            self.place.ask();
        }
        flow
    }

    /// Denies a request that no plugin is there for.
    pub(crate) fn on_request_of_none(stream: Stream<'_>) -> Flow {
        exchange::refuse(&Configuration::closed(), &mut Request::of_none(stream))
    }

    /// Denies a request whose hook panicked, unless it was answered before that.
    pub(crate) fn on_panic(plugin: Option<&Self>, stream: Stream<'_>) {
        let Some(plugin) = plugin.filter(|_| !stream.has_answered()) else {
            return;
        };
        let mut request = Request::of(&plugin.counts, &plugin.state, stream);
        let _ = exchange::refuse(&plugin.configuration, &mut request);
        plugin.place.call();
    }

    /// A round of the timer, on the main thread.
    pub(crate) fn on_schedule(&self, config: &Config<'_>) {
        #[cfg(feature = "trap-door")]
        trap_door::spring(self.trap, trap_door::Trap::Schedule);
        let has_served = self.has_served.swap(false, Ordering::AcqRel);
        let label = self.counts.label();
        let round = self.place.round(label, has_served, self.threads);
        if round.is_first {
            self.announce(config);
        }
        // `keyward wait` waits for whatever says anything of pushes, so a report says nothing.
        if !self.only_reports() {
            self.metrics.tell(config, label, &round.census);
        }
        self.gather(config);
        self.metrics.count_gathered(config, label);
    }

    /// The last of its streams has ended, and no listener has it any more. Perhaps on a worker.
    pub(crate) fn on_destroy(self, config: &Config<'_>) {
        // Whatever becomes of the counts, the place is left.
        caught(|| {
            #[cfg(feature = "trap-door")]
            trap_door::spring(self.trap, trap_door::Trap::Destroy);
            self.gather(config);
        });
        self.place.leave(self.counts.label(), self.configuration);
    }

    fn only_reports(&self) -> bool {
        match self.configuration.settings().role {
            Role::UsageReport => true,
            Role::Gateway => false,
        }
    }

    /// Says what is served from now on.
    fn announce(&self, config: &Config<'_>) {
        if self.only_reports() {
            return;
        }
        let snapshot = self.configuration.snapshot();
        let max_age = self.configuration.settings().max_snapshot_age;
        self.metrics.announce(config, snapshot, max_age);
        if let Some(revision) = snapshot.map(Snapshot::revision)
            && registry::is_rollback(self.counts.label(), revision)
        {
            self.metrics.count_rollback(config);
        }
    }

    /// Tells Envoy, and the usage pages, what the workers have counted.
    fn gather(&self, config: &Config<'_>) {
        self.metrics.gather(config, self.counts.workers());
        self.counts.share_all();
    }
}

fn refuse(plugin: &str, revision: Option<u64>, why: &str) -> Option<Plugin> {
    log(ERROR, &format!("keyward: configuration refused: {why}"));
    registry::refuse(plugin, revision);
    None
}
