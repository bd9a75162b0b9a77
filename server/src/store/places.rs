//! The places of a queue. Whoever has none waits for one without a thread, so that a full queue
//! stops nothing else that this process does.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Result, StoreError};

/// The places of a queue.
#[derive(Clone)]
pub(super) struct Places(Arc<Semaphore>);

/// A place. It is free again on drop.
pub(super) struct Place(#[allow(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Places {
    pub(super) fn new(number: usize) -> Self {
        Self(Arc::new(Semaphore::new(number)))
    }

    /// Waits for a place. Those who wait get one in turn.
    pub(super) async fn take(&self) -> Result<Place> {
        let place = Arc::clone(&self.0).acquire_owned().await;
        place
            .map(Place)
            .map_err(|_| StoreError::Unavailable("it is closing".to_owned()))
    }
}
