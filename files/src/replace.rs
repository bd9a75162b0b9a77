//! The only way that keyward writes a file: next to the target, under a name that cannot be
//! guessed, followed by a rename. A reader finds the complete old file or the complete new one at
//! any moment, even after a crash. A link is followed, and the file that it leads to is replaced.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::{Builder, NamedTempFile};

/// The number of random characters in the name of a temporary file.
const RANDOM: usize = 16;

/// The suffix of that name.
const ENDING: &str = ".new";

/// How many links are followed to a file that does not exist yet: the same limit as Linux's.
const MOST_LINKS: usize = 40;

/// Who may read the written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only its owner, whatever the mode was before.
    Owner,
    /// Those who could read it before; only its owner if the file is new.
    Kept,
    /// Those who could read it before. For a new file the umask decides, because Envoy may run as
    /// another user.
    Shared,
}

/// A file on the disk that has not replaced its target yet. It is removed if it is dropped without
/// [`Staged::commit`].
pub struct Staged {
    target: PathBuf,
    aside: NamedTempFile,
    /// The final mode, if the file was created with a narrower one.
    mode: Option<u32>,
}

impl Staged {
    /// Creates an empty file that will replace `path`. The file is new, so no other user can have
    /// prepared it, and its mode is never wider than the final one.
    pub fn new(path: &Path, access: Access) -> Result<Self> {
        let failure = || format!("`{}` cannot be written", path.display());
        let target = resolved(path).with_context(failure)?;
        let before = match fs::metadata(&target) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(failure),
        };
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            bail!(
                "`{}` is not a regular file, so it cannot be replaced; name a file, or redirect standard output",
                path.display()
            );
        }
        let (first, last) = match (access, &before) {
            (Access::Owner, _) | (Access::Kept, None) => (0o600, None),
            (Access::Kept | Access::Shared, Some(before)) => (0o600, Some(before.mode())),
            (Access::Shared, None) => (0o666, None),
        };
        let aside = Builder::new()
            .prefix(&prefix(&target))
            .suffix(ENDING)
            .rand_bytes(RANDOM)
            .permissions(Permissions::from_mode(first))
            .tempfile_in(folder_of(&target))
            .with_context(failure)?;
        let mode = match &before {
            Some(before) => keep_owners(aside.as_file(), before, last).with_context(failure)?,
            None => last,
        };
        Ok(Self {
            target,
            aside,
            mode,
        })
    }

    /// Writes what `write` produces, and waits until the data is on the disk.
    pub fn fill(&mut self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let failure = format!("`{}` cannot be written", self.target.display());
        let file = self.aside.as_file();
        let written = || -> Result<()> {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()?;
            if let Some(mode) = self.mode {
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            Ok(file.sync_all()?)
        };
        written().context(failure)
    }

    /// Renames the file over its target, and waits until the rename is on the disk.
    pub fn commit(self) -> Result<()> {
        let failure = || format!("`{}` cannot be replaced", self.target.display());
        self.aside
            .persist(&self.target)
            .map_err(|failed| failed.error)
            .with_context(failure)?;
        sync_folder(&self.target)
    }
}

/// Replaces a file with these bytes, completely or not at all.
pub fn replace(path: &Path, access: Access, bytes: &[u8]) -> Result<()> {
    let mut staged = Staged::new(path, access)?;
    staged.fill(|out| Ok(out.write_all(bytes)?))?;
    staged.commit()
}

/// Copies a file to `FILE.before`, readable only by its owner, and returns that path. The name can
/// be guessed, so a link with that name is replaced, not followed.
pub fn keep_before(path: &Path) -> Result<PathBuf> {
    let kept = beside(path, ".before");
    let keep = || -> Result<()> {
        let mut aside = NamedTempFile::new_in(folder_of(path))?;
        aside.write_all(&fs::read(path)?)?;
        aside.as_file().sync_all()?;
        aside.persist(&kept)?;
        Ok(())
    };
    keep().with_context(|| format!("`{}` cannot be written", kept.display()))?;
    Ok(kept)
}

/// Removes the temporary files that killed writers of this file left. Only the holder of the
/// file's lock may call it.
pub fn sweep(path: &Path) -> Result<()> {
    let target = resolved(path)?;
    let prefix = prefix(&target);
    // It may be possible to write to a folder that cannot be listed.
    for entry in fs::read_dir(folder_of(&target)).into_iter().flatten() {
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let random = name
            .to_str()
            .and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(ENDING));
        let is_ours = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if is_ours {
            // If it remains, it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Waits until the folder's entry for `path` is on the disk.
pub fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("the folder `{}` cannot be synced", folder.display()))
}

/// Returns `path` with `ending` appended to its name.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns the folder that contains a file.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Returns the file itself if its name is a link, because a rename would replace the link. It is
/// an error if the system does not follow the link, such as another user's link in `/tmp`.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(_) => fs::canonicalize(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut path = path.to_owned();
            for _ in 0..MOST_LINKS {
                match fs::read_link(&path) {
                    Ok(to) => path = folder_of(&path).join(to),
                    // Not a link: this is the file to create.
                    Err(_) => return Ok(path),
                }
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Returns the prefix of temporary names. The dot hides the files from programs that read all files
/// of a folder.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.")
}

/// Gives a new file the owner and group of the old one, as far as this process may, and returns
/// the final mode. If the group cannot be kept, the new group gets no more access than others had.
fn keep_owners(file: &File, before: &Metadata, mode: Option<u32>) -> io::Result<Option<u32>> {
    let ours = file.metadata()?;
    if ours.uid() != before.uid() {
        // Without the right to give files away, the file belongs to this user, as after any rename.
        let _ = fchown(file, Some(before.uid()), None);
    }
    let is_kept = ours.gid() == before.gid() || fchown(file, None, Some(before.gid())).is_ok();
    Ok(mode.map(|mode| match is_kept {
        true => mode & 0o777,
        false => (mode & 0o707) | (mode & ((mode & 0o007) << 3)),
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_file_is_never_more_open_than_it_is_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (access, before, while_written, after) in [
            (Access::Owner, None, 0o600, 0o600),
            (Access::Owner, Some(0o644), 0o600, 0o600),
            (Access::Kept, None, 0o600, 0o600),
            (Access::Kept, Some(0o640), 0o600, 0o640),
            (Access::Shared, Some(0o640), 0o600, 0o640),
            (Access::Shared, Some(0o604), 0o600, 0o604),
        ] {
            let _ = fs::remove_file(&path);
            if let Some(mode) = before {
                fs::write(&path, "old").unwrap();
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            let mut staged = Staged::new(&path, access).unwrap();
            let mut seen = 0;
            let aside = staged.aside.path().to_owned();
            staged
                .fill(|out| {
                    seen = mode(&aside);
                    Ok(out.write_all(b"new")?)
                })
                .unwrap();
            assert_eq!(fs::read(&path).ok().is_some(), before.is_some());
            staged.commit().unwrap();
            assert_eq!((seen, mode(&path)), (while_written, after), "{access:?}");
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(names(folder.path()), ["a"]);
        }
    }

    #[test]
    fn links_stay_links_and_what_they_lead_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("real/file", at("link")).unwrap();
        symlink("link", at("second")).unwrap();
        // The link first leads to a missing file, then to an existing one.
        for text in ["one", "two"] {
            replace(&at("second"), Access::Kept, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(at("real/file")).unwrap(), text);
            assert!(at("link").is_symlink() && at("second").is_symlink());
        }
        symlink("round", at("round")).unwrap();
        assert!(replace(&at("round"), Access::Kept, b"x").is_err());
        assert_eq!(names(&at("real")), ["file"]);
    }

    #[test]
    fn what_is_kept_from_before_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "mine").unwrap();
        fs::write(at("a"), "old").unwrap();
        symlink("victim", at("a.before")).unwrap();
        for text in ["old", "older"] {
            fs::write(at("a"), text).unwrap();
            assert_eq!(keep_before(&at("a")).unwrap(), at("a.before"));
            assert_eq!(fs::read_to_string(at("a.before")).unwrap(), text);
        }
        assert_eq!(fs::read_to_string(at("victim")).unwrap(), "mine");
        assert_eq!(mode(&at("a.before")), 0o600);
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in [Path::new("/dev/null"), folder.path()] {
            let error = replace(path, Access::Kept, b"x").unwrap_err().to_string();
            assert!(error.contains("is not a regular file"), "{error}");
        }
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn what_killed_writers_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (left, others) = (
            ".a.0123456789abcdEF.new",
            [
                ".a.b.0123456789abcdEF.new",
                ".a.short.new",
                ".b.0123456789abcdEF.new",
                "a",
            ],
        );
        for name in others.iter().chain([&left]) {
            fs::write(at(name), "").unwrap();
        }
        sweep(&at("a")).unwrap();
        assert_eq!(names(folder.path()), others);
        // The names in `left` and `others` have the form of real temporary names.
        let staged = Staged::new(&at("a"), Access::Owner).unwrap();
        let name = staged.aside.path().file_name().unwrap().to_owned();
        let name = name.to_str().unwrap();
        assert!(
            name.len() == left.len() && name.starts_with(".a."),
            "{name}"
        );
    }
}
