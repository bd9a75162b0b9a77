//! Room on the disk for ends: a file that takes up space. The first end that finds no space removes
//! it. The store then refuses additions until it can make the file again, so that they never take
//! the room that the next end may need.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};

use super::error::{Result, StoreError};

/// The file that takes up the space.
pub(super) struct Ballast {
    path: PathBuf,
    size: u64,
    /// Whether it is missing, for reports on the store.
    is_missing: AtomicBool,
    /// Held while a thread makes or removes the file.
    file: Mutex<()>,
}

impl Ballast {
    /// Keeps the file `path` at `size` bytes. If the disk has no room for it, the disk is already
    /// full, and the store still opens, for ends.
    pub(super) fn keep(path: PathBuf, size: u64) -> Self {
        let ballast = Self {
            path,
            size,
            is_missing: AtomicBool::new(true),
            file: Mutex::default(),
        };
        ballast.is_there_or_made();
        ballast
    }

    /// Returns whether the file is missing.
    pub(super) fn is_missing(&self) -> bool {
        self.is_missing.load(Ordering::Relaxed)
    }

    /// Returns whether the file exists. If it is missing, makes it again if there is space.
    pub(super) fn is_there_or_made(&self) -> bool {
        if !self.is_missing() {
            return true;
        }
        let _file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let is_made = self.make().is_ok();
        self.is_missing.store(!is_made, Ordering::Relaxed);
        is_made
    }

    /// Removes the file, which frees the space.
    pub(super) fn release(&self) {
        let _file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_missing.store(true, Ordering::Relaxed);
        let _ = fs::remove_file(&self.path);
    }

    fn make(&self) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| StoreError::WriteFailed(error.to_string());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|error| failed(&error))?;
        if file.metadata().map_err(|error| failed(&error))?.len() == self.size {
            return Ok(());
        }
        fallocate(&file, FallocateFlags::empty(), 0, self.size).map_err(|error| {
            // The part of it that was allocated is room for an end.
            let _ = fs::remove_file(&self.path);
            failed(&error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_kept_given_away_once_and_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ballast");
        let ballast = Ballast::keep(path.clone(), 4_096);
        assert_eq!(fs::metadata(&path).unwrap().len(), 4_096);
        assert!(!ballast.is_missing());
        ballast.release();
        assert!(ballast.is_missing() && !path.exists());
        assert!(ballast.is_there_or_made() && path.exists());
    }

    #[test]
    fn a_disk_without_room_for_it_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ballast");
        let ballast = Ballast::keep(path.clone(), u64::MAX / 2);
        assert!(!ballast.is_there_or_made());
        assert!(ballast.is_missing() && !path.exists());
    }
}
