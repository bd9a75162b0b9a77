//! What goes wrong while the store is at work, on its way to an answer.

use keyward::management::RuleRefusal;

use super::refusal::failure_of;
use crate::http::failure::{Code, Failure};
use crate::store::StoreError;

/// Why a change or a question came to nothing.
#[derive(Debug)]
pub(crate) enum Stored {
    /// The store.
    Store(StoreError),
    /// The rules, or what the request itself asks for.
    Refused(Failure),
}

impl From<StoreError> for Stored {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Stored {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<RuleRefusal> for Stored {
    fn from(refusal: RuleRefusal) -> Self {
        Self::Refused(failure_of(&refusal))
    }
}

const CHANGED: &str = "Your key, your session or its permissions changed while the request was carried out. Nothing was done. Please retry.";

impl From<Stored> for Failure {
    fn from(stored: Stored) -> Self {
        let error = match stored {
            Stored::Refused(failure) => return failure,
            Stored::Store(error) => error,
        };
        if error == StoreError::CallerChanged {
            return Self::new(Code::CallerChanged, CHANGED).retry_after(1);
        }
        // The store's texts name tables and columns and quote no value.
        tracing::error!(%error, "the store did not do what it was asked");
        match error {
            StoreError::Full | StoreError::WriteFailed(_) => Self::new(
                Code::StorageFull,
                "The disk of the server has no room for this change. Keys can still be ended.",
            )
            .retry_after(30),
            StoreError::EndsOnly => Self::new(
                Code::EndsOnly,
                "The server takes ends of keys, and nothing else: it runs with `--ends-only`, or its store is older than what gateways serve.",
            )
            .retry_after(60),
            StoreError::TooSlow => Self::new(
                Code::FilterTooWide,
                "The question takes too long to answer. Narrow it, such as by `owner`.",
            ),
            StoreError::Unavailable(_) => Self::new(
                Code::StorageUnavailable,
                "The server's store does not answer. Please retry.",
            )
            .retry_after(1),
            StoreError::CallerChanged => Self::new(Code::CallerChanged, CHANGED),
            StoreError::Conflict(_) | StoreError::Damaged(_) => {
                Self::new(Code::Internal, "The server could not carry this out.")
            }
        }
    }
}
