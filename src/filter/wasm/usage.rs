//! How often keys are used, counted in this VM and told to all others from a timer. Counting is a look at a short list: no host call, no clock.

use std::cell::{Cell, RefCell};

use super::abi;
use super::tenure::{BACK_PERIOD, PluginId};
use crate::reply::Activity;
use crate::usage::{self, Event, Pending, Plugin, Store};

/// What one tenure has counted.
#[derive(Default)]
pub(super) struct Usage {
    pending: RefCell<Pending>,
    /// Whether the timer runs.
    is_awake: Cell<bool>,
    /// Its root is gone, and so is its timer.
    has_ended: Cell<bool>,
}

impl Usage {
    /// Counts one request of `key`.
    pub(super) fn count(&self, plugin: &PluginId, key: &str, event: Event) {
        let is_counted = self.pending.borrow_mut().count(key, event);
        if !is_counted || self.has_ended.get() {
            self.share(plugin);
            if !is_counted {
                let mut pending = self.pending.borrow_mut();
                if !pending.count(key, event) {
                    pending.give_up();
                }
            }
        }
        self.wake();
    }

    /// What a verification does whose key is not known: all that [`Self::count`] does but count. How long an answer takes must not say that a key is known.
    pub(super) fn count_nothing(&self) {
        let nobody = self.pending.borrow().of("");
        std::hint::black_box(nobody);
        self.wake();
    }

    /// Sees to it that what was counted is told. A timer that runs already is left alone: one that is set again and again never fires.
    fn wake(&self) {
        if !self.has_ended.get() && !self.is_awake.replace(true) {
            abi::set_tick_period(BACK_PERIOD);
        }
    }

    /// The timer has fired: tells all VMs what was counted. True where it is to fire again, for what is left or for `others`.
    pub(super) fn tick(&self, plugin: &PluginId, others: bool) -> bool {
        let again = self.share(plugin) || others;
        self.is_awake.set(again);
        again
    }

    /// Tells all VMs what was counted. True where some is left for the next time.
    fn share(&self, plugin: &PluginId) -> bool {
        let mut pending = self.pending.borrow_mut();
        if pending.is_empty() {
            return false;
        }
        let Some(now) = abi::now() else {
            return true;
        };
        let (id, label) = (plugin.bytes(), plugin.label());
        let plugin = Plugin {
            id: &id,
            label: &label,
        };
        usage::share(&mut pending, &mut SharedData, &plugin, now)
    }

    /// What is known of `key` in all VMs, as of the last time each of them told.
    pub(super) fn activity(&self, plugin: &PluginId, key: &str) -> Activity {
        let own = self.pending.borrow().of(key).accepted();
        let shared = usage::shared(&mut SharedData, &plugin.bytes(), key).unwrap_or_default();
        let last = if own > 0 {
            abi::now()
        } else {
            Some(shared.last_accepted).filter(|last| *last > 0)
        };
        Activity {
            count: shared.counts.accepted().saturating_add(own),
            last,
        }
    }

    /// Its root ends.
    pub(super) fn end(&self, plugin: &PluginId) {
        self.has_ended.set(true);
        // What does not fit into one time needs some more; where the host takes nothing, it is lost.
        for _ in 0..usage::MOST_TIMES {
            if !self.share(plugin) {
                return;
            }
        }
    }
}

/// The usage report from that part on.
pub(super) fn report(from: usize) -> String {
    usage::report(&mut SharedData, from)
}

/// Envoy's data that all VMs of one name share.
struct SharedData;

impl Store for SharedData {
    fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
        abi::shared_data(name).ok().flatten()
    }

    fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool {
        abi::set_shared_data(name, text, version).is_ok()
    }
}
