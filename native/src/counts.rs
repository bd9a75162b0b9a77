//! What a plugin counts: its workers' shares, and the usage pages that they are added to.

use keyward::filter::plugin_id::PluginId;
use keyward::reply::Activity;
use keyward::usage::{self, Event, Pending};

use crate::clock::now;
use crate::store::Pages;
use crate::workers::{Worker, Workers};

/// The counts of a filter configuration.
pub(crate) struct Counts {
    /// Envoy's name for the filter. The usage report groups keys by it.
    id: Box<[u8]>,
    /// The same name, as metrics show it.
    label: Box<str>,
    workers: Workers,
}

impl Counts {
    pub(crate) fn new(plugin: &PluginId, workers: u32) -> Self {
        Self {
            id: plugin.bytes().into(),
            label: plugin.label().into(),
            workers: Workers::new(workers),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Counts a request for its key, in that worker's share.
    pub(crate) fn count_key(&self, worker: &Worker, key: &str, event: Event) {
        if worker.usage().count(key, event) {
            return;
        }
        // No other thread counts here, so if sharing fails, everything can be put back.
        let mut full = std::mem::take(&mut *worker.usage());
        self.share(&mut full);
        let mut pending = worker.usage();
        std::mem::swap(&mut *pending, &mut full);
        if !pending.count(key, event) {
            pending.give_up();
        }
    }

    /// Returns how active a key is, from the pages and from what the workers have not shared yet.
    pub(crate) fn activity(&self, key: &str) -> Activity {
        let own = self.workers.all().fold(0_u64, |sum, worker| {
            let [taken, counted] = [worker.taken(), worker.usage()];
            let both = taken
                .of(key)
                .accepted()
                .saturating_add(counted.of(key).accepted());
            sum.saturating_add(both)
        });
        let shared = usage::shared(&mut Pages, &self.id, key).unwrap_or_default();
        let last = if own > 0 {
            now()
        } else {
            Some(shared.last_accepted).filter(|last| *last > 0)
        };
        Activity {
            count: shared.counts.accepted().saturating_add(own),
            last,
        }
    }

    /// Adds to the pages what all workers have counted for keys.
    pub(crate) fn share_all(&self) {
        for worker in self.workers.all() {
            self.share(&mut worker.take_usage());
        }
    }

    fn share(&self, pending: &mut Pending) {
        let (Some(now), false) = (now(), pending.is_empty()) else {
            return;
        };
        let plugin = usage::Plugin {
            id: &self.id,
            label: &self.label,
        };
        // One call may not share everything.
        for _ in 0..usage::MOST_TIMES {
            if !usage::share(pending, &mut Pages, &plugin, now) {
                return;
            }
        }
    }
}
