//! Putting a text in the place of a file, so that whoever looks, and whenever the machine stops, finds the old text or the new one, whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A text on the disk beside its file, for [`Staged::commit`]. Dropped without it, it is removed.
pub(super) struct Staged<'a> {
    target: &'a Path,
    aside: Option<PathBuf>,
}

impl<'a> Staged<'a> {
    /// Writes `text` beside `target`, readable for its owner alone, and waits until the disk has it. One writer at a time, by the lock: what an earlier one
    /// left half-written is thrown away.
    pub(super) fn write(target: &'a Path, text: &str) -> Result<Self> {
        let aside = beside(target, ".new");
        let _ = fs::remove_file(&aside);
        let staged = Self {
            target,
            aside: Some(aside.clone()),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options
            .open(&aside)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .with_context(|| format!("`{}` cannot be written", aside.display()))?;
        Ok(staged)
    }

    /// Puts the text in the place of the file, and waits until the disk has that, too.
    pub(super) fn commit(mut self) -> Result<()> {
        let Some(aside) = &self.aside else {
            return Ok(());
        };
        fs::rename(aside, self.target)
            .with_context(|| format!("`{}` cannot be replaced", self.target.display()))?;
        self.aside = None;
        sync_folder(self.target)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(aside) = &self.aside {
            // Left behind it does no harm: the next writer throws it away.
            let _ = fs::remove_file(aside);
        }
    }
}

/// Waits until the disk has the folder's entry for `path`.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("the folder `{}` cannot be synced", folder.display()))
}

/// `path` with `ending` behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
