//! The errors between the store and its disk. No text here quotes a value: SQLite names tables and
//! columns, and so does this code.

use std::fmt;

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// Why the store did not carry out a request. Other modules decide what a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The disk has no room. The store keeps nothing of the change; ends still work.
    Full,
    /// The disk refused the write for another reason: a quota, a limit on file sizes, a fault. The
    /// store keeps nothing of the change.
    WriteFailed(String),
    /// The store was opened for ends, and the change is not an end.
    EndsOnly,
    /// A read took too long.
    TooSlow,
    /// The caller that the work is for is not what it was.
    CallerChanged,
    /// A record that must be unique already exists, or a record that must exist does not. The text
    /// names the columns.
    Conflict(String),
    /// The store cannot be used at all: its files, settings or schema are not as required, or it is
    /// closing.
    Unavailable(String),
    /// The stored data is damaged.
    Damaged(String),
}

impl StoreError {
    /// Returns whether free space on the disk could help.
    pub(super) fn wants_room(&self) -> bool {
        match self {
            Self::Full | Self::WriteFailed(_) => true,
            Self::EndsOnly
            | Self::TooSlow
            | Self::CallerChanged
            | Self::Conflict(_)
            | Self::Unavailable(_)
            | Self::Damaged(_) => false,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the disk has no room for the change"),
            Self::WriteFailed(why) => write!(f, "the disk does not take the change: {why}"),
            Self::EndsOnly => f.write_str("the store takes nothing but ends"),
            Self::TooSlow => f.write_str("the question takes too long to answer"),
            Self::CallerChanged => f.write_str("the caller is not what it was"),
            Self::Conflict(columns) => write!(f, "the change does not fit the store: {columns}"),
            Self::Unavailable(why) => write!(f, "the store cannot be used: {why}"),
            Self::Damaged(what) => write!(f, "the store is damaged: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else {
            // A column whose type differs from the schema's, or a missing row.
            return Self::Damaged(error.to_string());
        };
        let (code, extended) = (failure.code, failure.extended_code);
        if code == ErrorCode::DiskFull {
            Self::Full
        } else if extended == ffi::SQLITE_IOERR_WRITE || extended == ffi::SQLITE_IOERR_SHMSIZE {
            Self::WriteFailed(error.to_string())
        } else if code == ErrorCode::OperationInterrupted {
            Self::TooSlow
        } else if code == ErrorCode::ConstraintViolation {
            Self::Conflict(error.to_string())
        } else if code == ErrorCode::DatabaseCorrupt || code == ErrorCode::NotADatabase {
            Self::Damaged(error.to_string())
        } else {
            Self::Unavailable(error.to_string())
        }
    }
}

/// The result of most of the store's operations.
pub type Result<T> = std::result::Result<T, StoreError>;
