//! A filter configuration, from its creation by Envoy to the last stream that uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keyward::configuration::{Configuration, Role};
use keyward::filter::exchange::{self, Flow};
use keyward::filter::plugin_id::PluginId;
use keyward::snapshot::Snapshot;

use crate::abi::{Buffer, Caller, Config, ERROR, Header, Stream, log};
use crate::boundary::caught;
use crate::counts::Counts;
use crate::fault::Fault;
use crate::feed;
use crate::loading::{self, Refused};
use crate::metrics::Metrics;
use crate::registry::{self, Place};
use crate::request::{Request, state_key};
use crate::serving::Serving;
use crate::timer::FEED;
#[cfg(feature = "trap-door")]
use crate::trap_door;

/// A filter configuration.
pub(crate) struct Plugin {
    serving: Arc<Serving>,
    /// The caller for its follower's calls.
    caller: Caller,
    /// The filter state's key.
    state: Box<str>,
    metrics: Metrics,
    counts: Counts,
    /// Whether it received a request since its last round.
    has_served: AtomicBool,
    threads: u64,
    place: Place,
    #[cfg(feature = "trap-door")]
    trap: Option<trap_door::Trap>,
}

impl Plugin {
    /// Creates a plugin from what Envoy was pushed. `None` rejects the push.
    pub(crate) fn new(
        config: &Config<'_>,
        caller: &Caller,
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
        // A filter has only one name in Envoy, and no direction.
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
        let state = state_key(&configuration.settings().filter_state).into();
        let serving = Arc::new(if configuration.settings().feed.is_some() {
            let first = feed::first(&label, &configuration);
            Serving::followed(&configuration, &first, workers)
        } else {
            Serving::pushed(configuration)
        });
        if !only_reports(&serving) {
            feed::pause(&label);
        }
        let Some(place) = registry::enter(&label, &serving, scheduler) else {
            return refuse(&label, None, "the process has no room for a thread");
        };
        Some(Self {
            state,
            serving,
            caller: caller.clone(),
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
        let worker = stream.worker();
        let serves = self.serving.at(worker);
        let mut request = Request::of(&self.counts, worker, &self.state, stream);
        let flow = exchange::run(&serves, &mut request, !end_of_stream);
        // Only the first request after a round writes. All others only read.
        if !self.has_served.load(Ordering::Relaxed) && !self.has_served.swap(true, Ordering::AcqRel)
        {
            self.place.ask();
        }
        flow
    }

    /// Denies a request that has no plugin.
    pub(crate) fn on_request_of_none(stream: Stream<'_>) -> Flow {
        exchange::refuse(&Configuration::closed(), &mut Request::of_none(stream))
    }

    /// Denies a request whose hook panicked, unless it was answered before.
    pub(crate) fn on_panic(plugin: Option<&Self>, stream: Stream<'_>) {
        let Some(plugin) = plugin.filter(|_| !stream.has_answered()) else {
            return;
        };
        let worker = stream.worker();
        let serves = plugin.serving.at(worker);
        let mut request = Request::of(&plugin.counts, worker, &plugin.state, stream);
        let _ = exchange::refuse(&serves, &mut request);
        plugin.place.call();
    }

    /// Runs what the module's thread scheduled. Called on the main thread.
    pub(crate) fn on_schedule(&self, config: &Config<'_>, event: u64) {
        if event != FEED {
            self.round(config);
        }
        if let Some(next) = feed::turn(&self.own(config)) {
            self.place.wake(next);
        }
    }

    fn round(&self, config: &Config<'_>) {
        #[cfg(feature = "trap-door")]
        trap_door::spring(self.trap, trap_door::Trap::Schedule);
        let has_served = self.has_served.swap(false, Ordering::AcqRel);
        let label = self.counts.label();
        let round = self.place.round(label, has_served, self.threads);
        if round.is_first {
            self.announce(config);
        }
        // `keyward wait` waits for everything that reports pushes, so a usage report does not
        // report them.
        if !only_reports(&self.serving) {
            self.metrics.tell(config, label, &round.census);
        }
        self.gather(config);
        self.metrics.count_gathered(config, label);
    }

    /// Passes the headers of an answer to the follower. Called on the main thread.
    pub(crate) fn on_call_headers(&self, call: u64, headers: Result<&[Header<'_>], Fault>) {
        feed::on_headers(self.place.number(), call, headers);
    }

    /// Passes a part of the answer's body to the follower.
    pub(crate) fn on_call_data(&self, call: u64, chunks: Result<&[Buffer<'_>], Fault>) {
        if feed::on_data(self.place.number(), call, chunks) {
            self.place.wake(0);
        }
    }

    /// Passes the end of the answer, or of the call, to the follower.
    pub(crate) fn on_call_end(&self, config: &Config<'_>, call: u64, is_whole: bool) {
        #[cfg(feature = "trap-door")]
        trap_door::spring(self.trap, trap_door::Trap::Answer);
        if let Some(next) = feed::on_end(&self.own(config), call, is_whole) {
            self.place.wake(next);
        }
    }

    /// Recovers from a panic of the follower at an answer. Its last snapshot stays in use, and a
    /// new follower begins in the next round.
    pub(crate) fn on_call_panic(&self) {
        feed::give_up(self.counts.label());
    }

    fn own<'a>(&'a self, config: &'a Config<'a>) -> feed::Own<'a> {
        feed::Own {
            number: self.place.number(),
            plugin: self.counts.label(),
            caller: &self.caller,
            config,
            metrics: &self.metrics,
            threads: self.threads,
        }
    }

    /// Called when the last stream has ended and no listener has the configuration, possibly on a
    /// worker.
    pub(crate) fn on_destroy(self, config: &Config<'_>) {
        // The configuration leaves the registry even if the counts fail.
        caught(|| {
            #[cfg(feature = "trap-door")]
            trap_door::spring(self.trap, trap_door::Trap::Destroy);
            self.gather(config);
        });
        let (number, label) = (self.place.number(), self.counts.label());
        let left = |is_last| feed::leave(number, label, is_last);
        self.place.leave(label, self.serving.parts(), left);
    }

    /// Reports what is served from now on.
    fn announce(&self, config: &Config<'_>) {
        if only_reports(&self.serving) {
            return;
        }
        let serves = self.serving.now();
        let snapshot = serves.snapshot();
        let max_age = serves.settings().max_snapshot_age;
        self.metrics.announce(config, snapshot, max_age);
        if let Some(revision) = snapshot.map(Snapshot::revision)
            && registry::is_rollback(self.counts.label(), revision)
        {
            self.metrics.count_rollback(config);
        }
    }

    /// Adds the workers' counts to Envoy's metrics and to the usage pages.
    fn gather(&self, config: &Config<'_>) {
        self.metrics.gather(config, self.counts.workers());
        self.counts.share_all();
    }
}

/// Returns whether these settings only report usage, and decide on no request.
fn only_reports(serving: &Serving) -> bool {
    match serving.as_pushed().settings().role {
        Role::UsageReport => true,
        Role::Gateway => false,
    }
}

fn refuse(plugin: &str, revision: Option<u64>, why: &str) -> Option<Plugin> {
    log(ERROR, &format!("keyward: configuration refused: {why}"));
    registry::refuse(plugin, revision);
    None
}
