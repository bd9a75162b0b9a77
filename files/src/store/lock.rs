//! Allows one writer at a time, with an exclusive lock on a file next to the key file. The system
//! releases the lock when its holder ends, for whatever reason.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::visible;

/// How often and how long a writer waits for one other writer: 10 seconds in total. The wait
/// begins again when another writer gets the lock first.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that is held until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, and closed in the end")] File);

/// Opens the file or creates it. Its name can be guessed and its content is overwritten, so a link
/// is not followed: someone else made it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.clone().create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        opened => return opened,
    }
    let named = fs::symlink_metadata(path)?;
    let not_ours = || io::Error::other("it is a link, or not a file; remove it");
    if !named.is_file() {
        return Err(not_ours());
    }
    let file = options.open(path)?;
    let opened = file.metadata()?;
    match (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
        true => Ok(file),
        false => Err(not_ours()),
    }
}

impl Lock {
    /// Waits for the lock. The file names its holder, for the error message of other writers, and
    /// so that they notice when the holder changes.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Self> {
        let name = path.display();
        let mut file = open(path)
            .with_context(|| format!("the lock file `{name}` cannot be opened; every user who changes keys must be able to write to the folder"))?;
        let mut other = String::new();
        let mut tries = 0;
        while tries < TRIES {
            match file.try_lock() {
                Ok(()) => {
                    // The name is only informative: the lock works without it.
                    let _ = file.set_len(0);
                    let _ = file.rewind();
                    let _ = file.write_all(holder.as_bytes());
                    return Ok(Self(file));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("`{name}` cannot be locked"));
                }
            }
            let mut now = String::new();
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut now));
            tries = if now == other { tries + 1 } else { 0 };
            other = now;
        }
        let mut holder = other;
        if holder.is_empty() {
            holder.push_str("another command");
        }
        bail!(
            "the key file is being changed by {}, and nothing was written; run this again when that has ended",
            visible::escaped(&holder)
        )
    }
}
