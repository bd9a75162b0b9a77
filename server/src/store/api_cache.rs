//! The API's names and permissions, built from documents that rarely change.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use keyward::management::Api;

use super::error::Result;
use super::records::documents;

/// The last result, and the state of the documents that it was built from.
#[derive(Default)]
pub(super) struct ApiCache {
    last: Mutex<Option<(i64, Arc<Api>)>>,
}

impl ApiCache {
    /// Returns the API according to the documents. Within a change that touched them it is built
    /// each time, because the number of a change that is rolled back is used again for another.
    pub(super) fn api(&self, connection: &Connection, is_touched: bool) -> Result<Arc<Api>> {
        if is_touched {
            return Ok(Arc::new(documents::api(connection)?));
        }
        let changed = documents::changed(connection)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, api)) = &*last
            && *of == changed
        {
            return Ok(Arc::clone(api));
        }
        let api = Arc::new(documents::api(connection)?);
        *last = Some((changed, Arc::clone(&api)));
        Ok(api)
    }
}
