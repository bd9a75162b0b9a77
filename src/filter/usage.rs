//! How often keys are used, counted by one worker and told to all others from a timer. Counting is a look at a short list: no host call, no clock.

use super::plugin_id::PluginId;
use crate::reply::Activity;
use crate::usage::{self, Event, Pending, Plugin, Store};

/// What counting asks of its host besides the pages that all workers share.
pub trait Timed: Store {
    /// Unix seconds, if there is a clock.
    fn now(&mut self) -> Option<u64>;

    /// Has [`Usage::tick`] called once, some time from now.
    fn wake(&mut self);
}

/// What one worker has counted for one plugin.
#[derive(Default)]
pub struct Usage {
    pending: Pending,
    /// Whether the timer runs.
    is_awake: bool,
    /// Its timer is gone.
    has_ended: bool,
}

impl Usage {
    /// Counts one request of `key`.
    pub fn count<T: Timed>(&mut self, plugin: &PluginId, key: &str, event: Event, host: &mut T) {
        let is_counted = self.pending.count(key, event);
        if !is_counted || self.has_ended {
            self.share(plugin, host);
            if !is_counted && !self.pending.count(key, event) {
                self.pending.give_up();
            }
        }
        self.wake(host);
    }

    /// What a verification does whose key is not known: all that [`Self::count`] does but count. How long an answer takes must not say that a key is known.
    pub fn count_nothing<T: Timed>(&mut self, host: &mut T) {
        let nobody = self.pending.of("");
        std::hint::black_box(nobody);
        self.wake(host);
    }

    /// Sees to it that what was counted is told. A timer that runs already is left alone: one that is set again and again never fires.
    fn wake<T: Timed>(&mut self, host: &mut T) {
        if !self.has_ended && !std::mem::replace(&mut self.is_awake, true) {
            host.wake();
        }
    }

    /// The timer has fired: tells all workers what was counted. True where it is to fire again, for what is left or for `others`.
    pub fn tick<T: Timed>(&mut self, plugin: &PluginId, others: bool, host: &mut T) -> bool {
        let again = self.share(plugin, host) || others;
        self.is_awake = again;
        again
    }

    /// Tells all workers what was counted. True where some is left for the next time.
    fn share<T: Timed>(&mut self, plugin: &PluginId, host: &mut T) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let Some(now) = host.now() else {
            return true;
        };
        let (id, label) = (plugin.bytes(), plugin.label());
        let plugin = Plugin {
            id: &id,
            label: &label,
        };
        usage::share(&mut self.pending, host, &plugin, now)
    }

    /// What is known of `key` among all workers, as of the last time each of them told.
    pub fn activity<T: Timed>(&self, plugin: &PluginId, key: &str, host: &mut T) -> Activity {
        let own = self.pending.of(key).accepted();
        let shared = usage::shared(host, &plugin.bytes(), key).unwrap_or_default();
        let last = if own > 0 {
            host.now()
        } else {
            Some(shared.last_accepted).filter(|last| *last > 0)
        };
        Activity {
            count: shared.counts.accepted().saturating_add(own),
            last,
        }
    }

    /// Its timer ends. What does not fit into one time needs some more; where the host takes nothing, it is lost.
    pub fn end<T: Timed>(&mut self, plugin: &PluginId, host: &mut T) {
        self.has_ended = true;
        for _ in 0..usage::MOST_TIMES {
            if !self.share(plugin, host) {
                return;
            }
        }
    }
}
