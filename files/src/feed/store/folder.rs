//! A feed in a folder: `head`, and the objects in `o`. Files are renamed into place after they are
//! on the disk, and heads are replaced under a lock.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use super::{FeedStore, Listed, Mutable, ObjectKind, ObjectName, Swap, Version};
use crate::clock;
use crate::replace::{Access, replace, sync_folder};

/// A temporary file of this age in seconds was left by a killed writer.
const LEFT_BEHIND: u64 = 3_600;

/// A folder on a disk of this machine. On a network volume without locks, use only one publisher.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens an existing folder.
    pub fn open(path: &Path) -> Result<Self> {
        if !fs::metadata(path).is_ok_and(|found| found.is_dir()) {
            bail!(
                "there is no folder `{}`; make or mount it first",
                path.display()
            );
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Creates the folder for objects.
    fn prepare(&self) -> Result<()> {
        let objects = self.path.join("o");
        match DirBuilder::new().mode(0o777).create(&objects) {
            Ok(()) => sync_folder(&objects),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("`{}` cannot be made", objects.display()))
            }
        }
    }

    /// Returns the path of a mutable blob.
    #[must_use]
    pub fn path_of(&self, name: Mutable) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// Returns the path of an object.
    #[must_use]
    pub fn path_of_object(&self, name: &ObjectName) -> PathBuf {
        self.path.join("o").join(name.to_string())
    }

    fn lock(&self) -> Result<File> {
        let lock = || -> io::Result<File> {
            let folder = File::open(&self.path)?;
            folder.lock()?;
            Ok(folder)
        };
        lock().with_context(|| format!("the folder `{}` cannot be locked", self.path.display()))
    }
}

/// Reads a file if it exists.
fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let failure = || format!("`{}` cannot be read", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failure),
    };
    let size = file.metadata().with_context(failure)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(most)).unwrap_or_default());
    let mut limited = file.take(most.saturating_add(1));
    limited.read_to_end(&mut bytes).with_context(failure)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        bail!("`{}` has more than {most} bytes", path.display());
    }
    Ok(Some(bytes))
}

/// Returns the hash of the content as its version.
fn version(bytes: &[u8]) -> Version {
    Version::new(ObjectName::of(ObjectKind::Base, bytes).to_string())
}

impl FeedStore for Folder {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self, name: Mutable, most: u64) -> Result<Option<(Vec<u8>, Version)>> {
        let bytes = read(&self.path_of(name), most)?;
        Ok(bytes.map(|bytes| {
            let version = version(&bytes);
            (bytes, version)
        }))
    }

    fn swap(&self, name: Mutable, expected: Option<&Version>, bytes: &[u8]) -> Result<Swap> {
        let _lock = self.lock()?;
        let path = self.path_of(name);
        let held = read(&path, u64::MAX)?.map(|held| version(&held));
        if held.as_ref() != expected {
            return Ok(Swap::Lost);
        }
        replace(&path, Access::Shared, bytes)?;
        Ok(Swap::Done(version(bytes)))
    }

    fn get(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>> {
        read(&self.path_of_object(name), most)
    }

    fn put_new(&self, name: &ObjectName, bytes: &[u8]) -> Result<()> {
        let path = self.path_of_object(name);
        let length = fs::metadata(&path).map(|found| found.len());
        if length.ok() == u64::try_from(bytes.len()).ok() && name.is_of(&fs::read(&path)?) {
            // With a new timestamp, garbage collection keeps it.
            let now = UNIX_EPOCH + Duration::from_secs(clock::now());
            return File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_modified(now))
                .with_context(|| format!("`{}` cannot be kept", path.display()));
        }
        self.prepare()?;
        replace(&path, Access::Shared, bytes)
    }

    fn list(&self) -> Result<Vec<Listed>> {
        let objects = self.path.join("o");
        let failure = || format!("`{}` cannot be listed", objects.display());
        let entries = match fs::read_dir(&objects) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(failure),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry.with_context(failure)?;
            let name = entry.file_name().to_str().and_then(ObjectName::parse);
            let Some(name) = name else { continue };
            let found = match entry.metadata() {
                Ok(found) => found,
                // Another publisher is collecting garbage.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(failure),
            };
            listed.push(Listed {
                name,
                size: found.len(),
                put_at: u64::try_from(found.mtime()).unwrap_or_default(),
            });
        }
        listed.sort_by_key(|listed| listed.name);
        Ok(listed)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        let path = self.path_of_object(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("`{}` cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }

    fn tidy(&self, now: u64) -> Result<usize> {
        let mut removed = 0_usize;
        for folder in [self.path.clone(), self.path.join("o")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if is_left_behind(&entry, now) && fs::remove_file(entry.path()).is_ok() {
                    removed = removed.saturating_add(1);
                }
            }
        }
        Ok(removed)
    }
}

impl ObjectName {
    fn is_of(&self, bytes: &[u8]) -> bool {
        *self == Self::of(self.kind, bytes)
    }
}

/// Whether it is an old temporary file of keyward: `.NAME.random.new`.
fn is_left_behind(entry: &fs::DirEntry, now: u64) -> bool {
    let name = entry.file_name();
    let aside = name.to_str().and_then(|name| {
        let (name, _random) = name
            .strip_prefix('.')?
            .strip_suffix(".new")?
            .rsplit_once('.')?;
        let is_mutable = [Mutable::Head, Mutable::Retired]
            .iter()
            .any(|mutable| mutable.as_str() == name);
        (is_mutable || ObjectName::parse(name).is_some()).then_some(())
    });
    let is_old = |found: fs::Metadata| {
        let modified = u64::try_from(found.mtime()).unwrap_or_default();
        found.is_file() && modified.saturating_add(LEFT_BEHIND) < now
    };
    aside.is_some() && entry.metadata().is_ok_and(is_old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn a_head_is_swapped_only_as_expected() {
        let (_folder, store) = folder();
        assert_eq!(store.read(Mutable::Head, 9).unwrap(), None);
        let other = version(b"other");
        let swap = |expected: Option<&Version>, bytes: &[u8]| {
            store.swap(Mutable::Head, expected, bytes).unwrap()
        };
        assert_eq!(swap(Some(&other), b"one"), Swap::Lost);
        assert_eq!(store.read(Mutable::Head, 9).unwrap(), None);
        let Swap::Done(one) = swap(None, b"one") else {
            panic!("lost");
        };
        assert_eq!(swap(None, b"two"), Swap::Lost);
        assert_eq!(swap(Some(&other), b"two"), Swap::Lost);
        let found = store.read(Mutable::Head, 9).unwrap();
        assert_eq!(found, Some((b"one".to_vec(), one.clone())));
        assert!(matches!(swap(Some(&one), b"two"), Swap::Done(_)));
        assert!(store.read(Mutable::Head, 2).is_err());
    }

    #[test]
    fn of_many_who_swap_at_once_one_wins() {
        let (_folder, store) = folder();
        store.swap(Mutable::Head, None, b"0").unwrap();
        for round in 0..20_u8 {
            let (_, held) = store.read(Mutable::Head, 9).unwrap().unwrap();
            let wins = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4_u8)
                    .map(|number| {
                        let (store, held) = (&store, &held);
                        scope.spawn(move || {
                            let bytes = [b'a' + round, number];
                            store.swap(Mutable::Head, Some(held), &bytes).unwrap()
                        })
                    })
                    .collect();
                all.into_iter()
                    .map(|one| one.join().unwrap())
                    .filter(|swap| matches!(swap, Swap::Done(_)))
                    .count()
            });
            assert_eq!(wins, 1);
        }
    }

    #[test]
    fn objects_are_put_listed_and_deleted() {
        let (_folder, store) = folder();
        let name = ObjectName::of(ObjectKind::Base, b"bytes");
        assert_eq!(store.get(&name, 99).unwrap(), None);
        assert_eq!(store.list().unwrap(), []);
        store.put_new(&name, b"bytes").unwrap();
        assert_eq!(store.get(&name, 5).unwrap().unwrap(), b"bytes");
        assert!(store.get(&name, 4).is_err());
        // However old the object is, it now counts as just written.
        let path = store.path_of_object(&name);
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        assert_eq!(store.list().unwrap()[0].put_at, 0);
        store.put_new(&name, b"bytes").unwrap();
        let listed = store.list().unwrap();
        assert_eq!((listed.len(), listed[0].size), (1, 5));
        assert!(listed[0].put_at > 0);
        // A damaged object is written again.
        fs::write(&path, b"bytez").unwrap();
        store.put_new(&name, b"bytes").unwrap();
        assert_eq!(store.get(&name, 5).unwrap().unwrap(), b"bytes");
        for _ in 0..2 {
            store.delete(&name).unwrap();
            assert_eq!(store.list().unwrap(), []);
        }
    }

    #[test]
    fn what_killed_writers_left_is_removed_when_it_is_old() {
        let (folder, store) = folder();
        store.prepare().unwrap();
        let object = ObjectName::of(ObjectKind::Delta, b"x");
        let ours = [
            ".head.0123456789abcdef.new".to_owned(),
            format!("o/.{object}.0123456789abcdef.new"),
        ];
        let others = [".head.new", "o/.x.0123456789abcdef.new", "o/readme"];
        let names = ours.iter().map(String::as_str).chain(others);
        for name in names.clone() {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let now = clock::now();
        assert_eq!(store.tidy(now).unwrap(), 0);
        assert_eq!(store.tidy(now + 2 * LEFT_BEHIND).unwrap(), 2);
        for name in names {
            let is_ours = ours.iter().any(|ours| ours == name);
            assert_eq!(folder.path().join(name).exists(), !is_ours, "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not-mounted");
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(error.contains("there is no folder"), "{error}");
        assert!(!path.exists());
    }
}
