//! One writer at a time: an exclusive lock on a file next to the key file, which the system takes back when its holder ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::visible;

/// How often and how long someone waits for one other writer: 10 seconds. Where many write, the wait begins again with each of them.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// Held until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, and closed in the end")] File);

/// Opens the file, or makes it. Its name can be guessed, and what it says is overwritten: a link there is someone else's doing and is not followed.
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
    /// Waits for the lock. Anyone who holds it is named in the file: for the message that another one gets, and so that those who wait see how it goes on.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Self> {
        let name = path.display();
        let mut file = open(path)
            .with_context(|| format!("the lock file `{name}` cannot be opened; every user who changes keys must be able to write to the folder"))?;
        let mut other = String::new();
        let mut tries = 0;
        while tries < TRIES {
            match file.try_lock() {
                Ok(()) => {
                    // The name is a courtesy: without it the lock is as good.
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
