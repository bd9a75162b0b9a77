//! What a plugin serves: what was pushed, or what a feed has led to since.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward::configuration::{Configuration, Feed};
use keyward::snapshot::{Revision, Snapshot};

/// What a plugin serves.
pub(crate) struct Serving {
    /// The pushed configuration. If it follows a feed, this is without its seed.
    pushed: Arc<Configuration>,
    /// If it follows a feed, the revision of the snapshot that came with the settings.
    seed: Option<Revision>,
    /// If it follows a feed, what each worker serves, and a last place for numbers that no worker
    /// should have.
    workers: Box<[Place]>,
}

/// One worker's place. All places have the same tables, but each has its own reference count, so
/// that no worker waits for another's cache line.
#[repr(align(128))]
struct Place(Mutex<Arc<Configuration>>);

/// The configuration that a request is decided by.
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
        // Valid after a panic as well, because the content is replaced in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    /// Serves what was pushed, as long as the plugin exists.
    pub(crate) fn pushed(pushed: Arc<Configuration>) -> Self {
        Self {
            pushed,
            seed: None,
            workers: Box::default(),
        }
    }

    /// Serves `first` until a feed leads to something else. `pushed` may have a seed.
    pub(crate) fn followed(pushed: &Configuration, first: &Configuration, workers: u32) -> Self {
        Self {
            pushed: Arc::new(pushed.with_snapshot(None)),
            seed: pushed.snapshot().map(Snapshot::revision),
            workers: (0..=workers).map(|_| Place::of(first)).collect(),
        }
    }

    /// Returns the pushed configuration. If it follows a feed, only its settings.
    pub(crate) fn as_pushed(&self) -> &Configuration {
        &self.pushed
    }

    /// Returns the feed that it follows.
    pub(crate) fn feed(&self) -> Option<&Feed> {
        self.pushed.settings().feed.as_ref()
    }

    /// Returns the revision of its seed.
    pub(crate) fn seed(&self) -> Option<Revision> {
        self.seed
    }

    /// Returns what that worker serves. If the plugin follows a feed, every request has a place.
    pub(crate) fn at(&self, worker: u32) -> Served<'_> {
        let own = usize::try_from(worker)
            .ok()
            .and_then(|worker| self.workers.get(worker));
        match own.or(self.workers.last()) {
            Some(place) => Served::Followed(Arc::clone(&place.get())),
            None => Served::Pushed(&self.pushed),
        }
    }

    /// Returns what all workers serve.
    pub(crate) fn now(&self) -> Served<'_> {
        self.at(u32::MAX)
    }

    /// Serves another snapshot from now on, on all workers, and returns the configurations that it
    /// replaces.
    pub(crate) fn serve(&self, snapshot: &Snapshot) -> Vec<Arc<Configuration>> {
        let next = self.pushed.with_snapshot(Some(snapshot.clone()));
        let places = self.workers.iter();
        places
            .map(|place| std::mem::replace(&mut *place.get(), Arc::new(next.clone())))
            .collect()
    }

    /// Returns what was pushed and what is served, to be dropped.
    pub(crate) fn parts(&self) -> Vec<Arc<Configuration>> {
        let places = self.workers.iter().map(|place| Arc::clone(&place.get()));
        places.chain([Arc::clone(&self.pushed)]).collect()
    }
}
