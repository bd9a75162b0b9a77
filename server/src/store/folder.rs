//! The data folder: private to its owner, on a local disk, and used by one server at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, fstatfs};

use super::error::{Result, StoreError};

/// The types that `statfs` reports for file systems whose locks and syncs may not reach the disk.
///
/// Source: `statfs(2)` and `linux/magic.h`.
const NETWORK: [(u32, &str); 8] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB2"),
    (0xff53_4d42, "CIFS"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9p"),
    (0x7461_636f, "OCFS2"),
];

/// The data folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock as long as it is open.
    _lock: File,
}

impl Folder {
    /// Makes the folder `path` if it is missing, and locks it. Fails if other users can access it,
    /// if it is on a network file system, or while another server uses it.
    pub fn take(path: &Path) -> Result<Self> {
        if !path.exists() {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder
                .create(path)
                .map_err(|error| unavailable(path, "cannot be made", &error))?;
        }
        private(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| unavailable(&lock_path, "cannot be opened", &error))?;
        local(&lock, path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StoreError::Unavailable(format!(
                    "`{}` is in use by another keyward-server",
                    path.display()
                )));
            }
            Err(error) => return Err(unavailable(&lock_path, "cannot be locked", &error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the database in it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// Returns the path of the file that reserves room for ends.
    pub(super) fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

/// Returns the path of the database in the data folder `path`.
#[must_use]
pub fn database_in(path: &Path) -> PathBuf {
    path.join("keyward.db")
}

/// Makes the database file `path` if it is missing, so that its mode is always 0600. SQLite gives
/// the same mode to the files that it makes next to it.
pub(super) fn make_private_file(path: &Path) -> Result<()> {
    let made = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => private(path),
        Err(error) => Err(unavailable(path, "cannot be made", &error)),
    }
}

/// Checks that only the owner, who must be this process's user, can access `path`.
fn private(path: &Path) -> Result<()> {
    let found =
        fs::metadata(path).map_err(|error| unavailable(path, "cannot be looked at", &error))?;
    let shown = path.display();
    if found.permissions().mode() & 0o077 != 0 {
        let wanted = if found.is_dir() { "700" } else { "600" };
        return Err(StoreError::Unavailable(format!(
            "others may look into `{shown}`: `chmod {wanted} {shown}`"
        )));
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(StoreError::Unavailable(format!(
            "`{shown}` belongs to the user {}, and this is the user {user}",
            found.uid()
        )));
    }
    Ok(())
}

fn local(file: &File, path: &Path) -> Result<()> {
    let found =
        fstatfs(file).map_err(|error| unavailable(path, "has no known file system", &error))?;
    let magic = u32::try_from(found.f_type.cast_unsigned() & 0xffff_ffff).unwrap_or_default();
    match network(magic) {
        Some(name) => Err(StoreError::Unavailable(format!(
            "`{}` is on {name}: locks and syncs of a network file system do not hold what the store promises, so give it a local disk",
            path.display()
        ))),
        None => Ok(()),
    }
}

fn network(magic: u32) -> Option<&'static str> {
    let mut known = NETWORK.iter();
    known.find(|(of, _)| *of == magic).map(|(_, name)| *name)
}

fn unavailable(path: &Path, what: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("`{}` {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_made_is_its_owners_only_and_taken_once() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let folder = Folder::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(
            Folder::take(&path).unwrap_err(),
            StoreError::Unavailable(format!(
                "`{}` is in use by another keyward-server",
                path.display()
            ))
        );
        drop(folder);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_look_into_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let refused = Folder::take(&path).unwrap_err().to_string();
        let shown = path.display();
        assert_eq!(
            refused,
            format!(
                "the store cannot be used: others may look into `{shown}`: `chmod 700 {shown}`"
            )
        );
    }

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        assert_eq!(network(0x6969), Some("NFS"));
        assert_eq!(network(0xff53_4d42), Some("CIFS"));
        // ext4 and tmpfs.
        assert_eq!((network(0xef53), network(0x0102_1994)), (None, None));
    }
}
