//! Work for a caller. A request that the server believed may be carried out much later: its body
//! is slow, it waits, or its change is in a queue. So each read and each change for it first asks,
//! in its own transaction, whether the caller is still what it was.

use std::future::Future;
use std::sync::Arc;

use super::Store;
use super::error::{Result, StoreError};
use super::reader::Reader;

/// Asks whether a caller is still what it was when it was identified.
pub type Holds = Arc<dyn Fn(&Reader<'_>) -> Result<bool> + Send + Sync>;

tokio::task_local! {
    static HOLDS: Holds;
}

/// Does `work`, in which a store reads and changes nothing once `holds` says no: the call fails
/// with [`StoreError::CallerChanged`]. This covers what `work` awaits, and not a task that it
/// starts.
pub async fn while_holds<F: Future>(holds: Holds, work: F) -> F::Output {
    HOLDS.scope(holds, work).await
}

/// The question that belongs to the work in progress, if it is for a caller.
pub(super) struct Question(Option<Holds>);

impl Question {
    pub(super) fn in_progress() -> Self {
        Self(HOLDS.try_with(Arc::clone).ok())
    }

    pub(super) fn ask(&self, reader: &Reader<'_>) -> Result<()> {
        match &self.0 {
            Some(holds) if !holds(reader)? => Err(StoreError::CallerChanged),
            Some(_) | None => Ok(()),
        }
    }
}

impl Store {
    /// Asks by itself whether the caller of the work in progress still holds.
    pub async fn must_hold<E>(&self) -> std::result::Result<(), E>
    where
        E: From<StoreError> + Send + 'static,
    {
        self.read(|_| Ok(())).await
    }
}
