//! What each worker writes without waiting for others, and the main thread gathers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward::filter::counter::{Counter, Slot};
use keyward::usage::Pending;

/// One worker's share, on separate cache lines.
#[repr(align(128))]
pub(crate) struct Worker {
    counts: [AtomicU64; PLACES],
    usage: Mutex<Pending>,
    /// What the main thread has taken to share. It is returned empty, so that the worker can reuse
    /// its memory.
    taken: Mutex<Pending>,
}

/// Places for all slots, and a last one for keys in queries.
const PLACES: usize = 64;
const SECRETS: usize = PLACES - 1;

impl Worker {
    fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; PLACES],
            usage: Mutex::default(),
            taken: Mutex::default(),
        }
    }

    /// Increments a counter.
    pub(crate) fn count(&self, counter: Counter) {
        let place = match counter {
            Counter::Requests(slot) => slot.place(),
            Counter::SecretKeysInQuery => SECRETS,
            // No request is one.
            Counter::Rollbacks
            | Counter::FeedTroubles(_)
            | Counter::FeedBases
            | Counter::FeedBytes
            | Counter::FeedLoads
            | Counter::FeedLoadTime => return,
        };
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Passes each count that is not 0 to `take`, and resets it.
    pub(crate) fn take_counts(&self, mut take: impl FnMut(Counter, u64)) {
        let slots = Slot::all().map(|slot| (Counter::Requests(slot), slot.place()));
        for (counter, place) in slots.chain([(Counter::SecretKeysInQuery, SECRETS)]) {
            let count = self.counts.get(place);
            match count.map_or(0, |count| count.swap(0, Ordering::Relaxed)) {
                0 => {}
                count => take(counter, count),
            }
        }
    }

    /// Locks the counts of keys. They are valid after a panic as well, because every count is
    /// complete in itself.
    pub(crate) fn usage(&self) -> MutexGuard<'_, Pending> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the counts of keys that were taken to share, without those since the last
    /// [`Self::take_usage`].
    pub(crate) fn taken(&self) -> MutexGuard<'_, Pending> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the counts of keys, to share them. Counts that could not be shared last time come
    /// first.
    pub(crate) fn take_usage(&self) -> MutexGuard<'_, Pending> {
        let mut taken = self.taken();
        if taken.is_empty() {
            std::mem::swap(&mut *taken, &mut *self.usage());
        }
        taken
    }
}

/// The shares of all workers.
pub(crate) struct Workers {
    all: Box<[Worker]>,
    /// The share for numbers that no worker should have.
    other: Worker,
}

impl Workers {
    pub(crate) fn new(count: u32) -> Self {
        Self {
            all: (0..count).map(|_| Worker::new()).collect(),
            other: Worker::new(),
        }
    }

    pub(crate) fn of(&self, worker: u32) -> &Worker {
        usize::try_from(worker)
            .ok()
            .and_then(|worker| self.all.get(worker))
            .unwrap_or(&self.other)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Worker> {
        self.all.iter().chain([&self.other])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_a_place_of_its_own() {
        let worker = Worker::new();
        let counters = Slot::all().map(Counter::Requests);
        let counters: Vec<Counter> = counters.chain([Counter::SecretKeysInQuery]).collect();
        for counter in &counters {
            worker.count(*counter);
        }
        let mut taken = Vec::new();
        worker.take_counts(|counter, count| taken.push((counter, count)));
        assert_eq!(
            taken,
            counters
                .iter()
                .map(|counter| (*counter, 1))
                .collect::<Vec<_>>()
        );
        worker.take_counts(|counter, _| panic!("{counter:?} was taken"));
    }

    #[test]
    fn a_worker_that_should_not_be_counts_too() {
        let workers = Workers::new(2);
        for number in [0, 1, 2, u32::MAX] {
            workers.of(number).count(Counter::SecretKeysInQuery);
        }
        let mut sum = 0;
        for worker in workers.all() {
            worker.take_counts(|_, count| sum += count);
        }
        assert_eq!(sum, 4);
    }
}
