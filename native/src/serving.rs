//! What a plugin serves: what it was pushed, or what a feed led to since then.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward::configuration::Configuration;
use keyward::snapshot::Snapshot;

/// What one plugin serves.
pub(crate) struct Serving {
    /// As it was pushed, with its seed if it follows a feed.
    pushed: Arc<Configuration>,
    /// Of one that follows a feed: what each worker serves, and after these one for a number that no worker should have.
    workers: Box<[Place]>,
}

/// One worker's. All have the same tables, and each has its own count of users: no worker waits for another's cache line.
#[repr(align(128))]
struct Place(Mutex<Arc<Configuration>>);

/// What a request is decided by.
pub(crate) enum Served<'a> {
    Pushed(&'a Configuration),
    Followed(Arc<Configuration>),
}

impl Deref for Served<'_> {
    type Target = Configuration;

    fn deref(&self) -> &Configuration {
        match self {
            Self::Pushed(configuration) => configuration,
            Self::Followed(configuration) => configuration,
        }
    }
}

impl Place {
    fn of(configuration: &Configuration) -> Self {
        Self(Mutex::new(Arc::new(configuration.clone())))
    }

    fn get(&self) -> MutexGuard<'_, Arc<Configuration>> {
        // What is in there is replaced in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    /// What was pushed, for as long as the plugin is there.
    pub(crate) fn pushed(pushed: Arc<Configuration>) -> Self {
        Self {
            pushed,
            workers: Box::default(),
        }
    }

    /// `first`, until a feed leads to something else.
    pub(crate) fn followed(
        pushed: Arc<Configuration>,
        first: &Configuration,
        workers: u32,
    ) -> Self {
        Self {
            pushed,
            workers: (0..=workers).map(|_| Place::of(first)).collect(),
        }
    }

    /// As it was pushed: its settings, and its seed.
    pub(crate) fn as_pushed(&self) -> &Configuration {
        &self.pushed
    }

    /// What that worker serves. One that follows has no request without a place.
    pub(crate) fn at(&self, worker: u32) -> Served<'_> {
        let own = usize::try_from(worker)
            .ok()
            .and_then(|worker| self.workers.get(worker));
        match own.or(self.workers.last()) {
            Some(place) => Served::Followed(Arc::clone(&place.get())),
            None => Served::Pushed(&self.pushed),
        }
    }

    /// What all workers serve.
    pub(crate) fn now(&self) -> Served<'_> {
        self.at(u32::MAX)
    }

    /// Serves another snapshot from now on, on all workers, and returns what is no longer served.
    pub(crate) fn serve(&self, snapshot: &Snapshot) -> Vec<Arc<Configuration>> {
        let next = self.pushed.with_snapshot(Some(snapshot.clone()));
        let places = self.workers.iter();
        places
            .map(|place| std::mem::replace(&mut *place.get(), Arc::new(next.clone())))
            .collect()
    }

    /// What was pushed and is served, to be dropped.
    pub(crate) fn parts(&self) -> Vec<Arc<Configuration>> {
        let places = self.workers.iter().map(|place| Arc::clone(&place.get()));
        places.chain([Arc::clone(&self.pushed)]).collect()
    }
}
