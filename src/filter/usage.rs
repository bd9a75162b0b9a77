//! Counts how often keys are used, in one worker. A timer reports the counts to all other workers.
//! Counting only reads a short list: it needs no host call and no clock.

use super::plugin_id::PluginId;
use crate::reply::Activity;
use crate::usage::{self, Event, Pending, Plugin, Store};

/// What counting needs from its host, in addition to the pages that all workers share.
pub trait Timed: Store {
    /// Returns the time in Unix seconds, if there is a clock.
    fn now(&mut self) -> Option<u64>;

    /// Schedules one call of [`Usage::tick`].
    fn wake(&mut self);
}

/// What one worker has counted for a plugin.
#[derive(Default)]
pub struct Usage {
    pending: Pending,
    /// Whether the timer runs.
    is_awake: bool,
    /// Whether the timer has ended.
    has_ended: bool,
}

impl Usage {
    /// Counts a request with `key`.
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

    /// Does everything that [`Self::count`] does except counting, for a verification with an
    /// unknown key. The response time must not reveal whether a key is known.
    pub fn count_nothing<T: Timed>(&mut self, host: &mut T) {
        let nobody = self.pending.of("");
        std::hint::black_box(nobody);
        self.wake(host);
    }

    /// Makes sure that the counts will be reported. It does not change a running timer, because a
    /// timer that is set again and again never fires.
    fn wake<T: Timed>(&mut self, host: &mut T) {
        if !self.has_ended && !std::mem::replace(&mut self.is_awake, true) {
            host.wake();
        }
    }

    /// Reports the counts to all workers when the timer has fired. Returns true if the timer must
    /// fire again, for remaining counts or for `others`.
    pub fn tick<T: Timed>(&mut self, plugin: &PluginId, others: bool, host: &mut T) -> bool {
        let again = self.share(plugin, host) || others;
        self.is_awake = again;
        again
    }

    /// Reports the counts to all workers. Returns true if some are left for the next call.
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

    /// Returns what is known about `key` in all workers, as of each worker's last report.
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

    /// Reports the counts when the timer ends, in several calls if needed. If the host accepts
    /// none, they are lost.
    pub fn end<T: Timed>(&mut self, plugin: &PluginId, host: &mut T) {
        self.has_ended = true;
        for _ in 0..usage::MOST_TIMES {
            if !self.share(plugin, host) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const KEY: &str = "mk_1";

    /// Shared pages, a clock, and how often a timer was requested.
    #[derive(Default)]
    struct Shared {
        pages: BTreeMap<String, (Vec<u8>, u32)>,
        now: Option<u64>,
        wakes: usize,
        is_full: bool,
    }

    impl Shared {
        fn at(now: u64) -> Self {
            Self {
                now: Some(now),
                ..Self::default()
            }
        }

        /// Returns how often a key was accepted, according to the pages.
        fn told(&mut self, key: &str) -> u64 {
            let told = usage::shared(self, &plugin().bytes(), key);
            told.map_or(0, |told| told.counts.accepted())
        }
    }

    impl Store for Shared {
        fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
            let (text, version) = self.pages.get(name)?;
            Some((text.clone().into(), *version))
        }

        fn set(&mut self, name: &str, text: &[u8], _: u32) -> bool {
            if self.is_full {
                return false;
            }
            let version = self.pages.get(name).map_or(1, |(_, version)| version + 1);
            self.pages.insert(name.to_owned(), (text.to_vec(), version));
            true
        }
    }

    impl Timed for Shared {
        fn now(&mut self) -> Option<u64> {
            self.now
        }

        fn wake(&mut self) {
            self.wakes += 1;
        }
    }

    fn plugin() -> PluginId {
        PluginId::new([Box::from(*b"keyward"), Box::default(), Box::default()])
    }

    #[test]
    fn counts_are_told_when_the_timer_fires_which_is_set_once() {
        let (mut usage, mut host) = (Usage::default(), Shared::at(60));
        for _ in 0..3 {
            usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        }
        assert_eq!((host.wakes, host.told(KEY)), (1, 0));
        assert!(!usage.tick(&plugin(), false, &mut host));
        assert_eq!(host.told(KEY), 3);
        usage.count(&plugin(), KEY, Event::Verified, &mut host);
        assert_eq!((host.wakes, host.told(KEY)), (2, 3));
        // The timer continues for another reason, so it is not set again.
        assert!(usage.tick(&plugin(), true, &mut host));
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        assert_eq!((host.wakes, host.told(KEY)), (2, 4));
    }

    #[test]
    fn a_stranger_wakes_the_timer_as_a_key_does_and_counts_for_nobody() {
        let (mut usage, mut host) = (Usage::default(), Shared::at(60));
        usage.count_nothing(&mut host);
        assert_eq!(host.wakes, 1);
        assert!(!usage.tick(&plugin(), false, &mut host));
        assert!(host.pages.is_empty());
    }

    #[test]
    fn without_a_clock_or_room_counts_wait() {
        let (mut usage, mut host) = (Usage::default(), Shared::default());
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        assert!(usage.tick(&plugin(), false, &mut host));
        host.now = Some(60);
        assert!(!usage.tick(&plugin(), false, &mut host));
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        host.is_full = true;
        assert!(usage.tick(&plugin(), false, &mut host));
        host.is_full = false;
        assert!(!usage.tick(&plugin(), false, &mut host));
        assert_eq!(host.told(KEY), 2);
    }

    #[test]
    fn more_keys_than_there_is_room_for_are_told_at_once() {
        let (mut usage, mut host) = (Usage::default(), Shared::at(60));
        let keys: Vec<String> = (0..20_000).map(|number| format!("mk_{number}")).collect();
        for key in &keys {
            usage.count(&plugin(), key, Event::Allowed, &mut host);
        }
        assert!(!host.pages.is_empty());
        while usage.tick(&plugin(), false, &mut host) {}
        let lost = keys.iter().filter(|key| host.told(key) != 1).count();
        assert_eq!((lost, host.wakes), (0, 1));
    }

    #[test]
    fn what_is_left_at_the_end_is_told_and_what_comes_after_is_told_at_once() {
        let (mut usage, mut host) = (Usage::default(), Shared::at(60));
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        usage.end(&plugin(), &mut host);
        assert_eq!(host.told(KEY), 1);
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        assert_eq!((host.told(KEY), host.wakes), (3, 1));
    }

    #[test]
    fn activity_is_what_all_told_and_what_this_one_counted() {
        let (mut usage, mut host) = (Usage::default(), Shared::at(60));
        let of_nobody = usage.activity(&plugin(), KEY, &mut host);
        assert_eq!((of_nobody.count, of_nobody.last), (0, None));
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        usage.count(&plugin(), KEY, Event::Denied, &mut host);
        usage.tick(&plugin(), false, &mut host);
        host.now = Some(90);
        let told = usage.activity(&plugin(), KEY, &mut host);
        assert_eq!((told.count, told.last), (1, Some(60)));
        usage.count(&plugin(), KEY, Event::Allowed, &mut host);
        let own = usage.activity(&plugin(), KEY, &mut host);
        assert_eq!((own.count, own.last), (2, Some(90)));
    }
}
