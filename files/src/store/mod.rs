//! The key file on disk. Under a lock, an edit reads the file, changes it, checks the result and
//! writes it completely or not at all: a crash at any moment leaves the old file or the new one,
//! and the journal next to it records which. Only its owner can read a file.

mod actor;
mod history;
mod journal;
mod lock;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::key_file::{Change, Faults, KeyFile, SourceName};
use crate::randomness::new_random_id;
use crate::replace::{Access, Staged, beside, resolved, sweep};
use journal::{Begun, Entry, Journal};
use lock::Lock;

pub use actor::actor;
pub use history::Step;

/// A key file, or a folder of them.
pub struct Store {
    /// The path as it was given, which messages show.
    path: PathBuf,
    is_folder: bool,
    /// Texts, by names that no file has, that are read together with the files and never written.
    context: Vec<(String, String)>,
}

/// A file as it was read.
struct OnDisk {
    name: String,
    text: String,
}

impl Store {
    /// Opens the key file at `path`, which must exist.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let found = fs::metadata(path).with_context(|| {
            format!(
                "there is no key file `{shown}`; `keyward init` makes one, and --keys or KEYWARD_KEYS names another"
            )
        })?;
        Ok(Self {
            path: path.to_owned(),
            is_folder: found.is_dir(),
            context: Vec::new(),
        })
    }

    /// Reads the files together with a text that is not in any of them: what a server adds to them.
    #[must_use]
    pub fn in_context(mut self, name: &str, text: &str) -> Self {
        self.context.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Creates a key file with this text. Fails if the file already exists.
    pub fn create(path: &Path, text: &str) -> Result<()> {
        let store = Self {
            path: path.to_owned(),
            is_folder: false,
            context: Vec::new(),
        };
        let _lock = Lock::take(&store.lock_path(), &holder("init"))?;
        if path.exists() {
            bail!(
                "`{}` is there already and was left as it is; `keyward accounts add` adds to it",
                path.display()
            );
        }
        let mut read = KeyFile::read(vec![(path.display().to_string(), text.to_owned())])?;
        read.name_source(&new_source()?);
        let text: String = read.texts().map(|(_, text)| text).collect();
        let now = clock::now();
        let empty = KeyFile::read(Vec::new())?;
        let changes = read.changes_since(&empty);
        let name = path.display().to_string();
        let path = store.resolved(&name)?;
        Pending::prepare(&path, &name, ("", &text), &changes, "init", now)?.commit()
    }

    /// Reads the key file. The error lists every fault.
    pub fn read(&self) -> Result<KeyFile> {
        self.parsed(&self.on_disk()?, KeyFile::read)
    }

    /// Reads the file, lets `edit` change it, checks the result as a gateway would, and writes it
    /// with a journal entry under the name of the command (`keys create`). Returns what `edit`
    /// returns. If `edit` fails or the result is rejected, nothing is written.
    ///
    /// It waits for other keyward commands. If an editor changed the file in the meantime, that
    /// change is kept and reported.
    pub fn edit<T>(
        &self,
        command: &str,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
    ) -> Result<T> {
        self.locked(command, None, edit, |_| Ok(()))
    }

    /// Like [`Self::edit`], after a person has seen `seen` and agreed: fails if the files have
    /// changed since.
    pub fn edit_seen<T>(
        &self,
        command: &str,
        seen: &KeyFile,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
    ) -> Result<T> {
        self.locked(command, Some(seen), edit, |_| Ok(()))
    }

    /// Like [`Self::edit_seen`], where `show` shows something that is stored nowhere else. It is
    /// called when the new text is on the disk and needs only the rename. If `show` fails, the file
    /// stays unchanged; if it succeeds, little is left that could fail.
    pub fn edit_and_show<T>(
        &self,
        command: &str,
        seen: Option<&KeyFile>,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
        show: impl FnOnce(&T) -> Result<()>,
    ) -> Result<T> {
        let mut is_shown = false;
        let edited = self.locked(command, seen, edit, |outcome| {
            show(outcome)?;
            is_shown = true;
            Ok(())
        });
        if is_shown {
            return edited.context(
                "what was shown may be of no key: `keyward keys list` says whether it is there",
            );
        }
        edited
    }

    fn locked<T>(
        &self,
        command: &str,
        seen: Option<&KeyFile>,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
        show: impl FnOnce(&T) -> Result<()>,
    ) -> Result<T> {
        let _lock = Lock::take(&self.lock_path(), &holder(command))?;
        let disk = self.on_disk()?;
        for file in &disk {
            let path = self.resolved(&file.name)?;
            Journal::of(&path).recover(&file.text, clock::now())?;
        }
        let before = self.parsed(&disk, KeyFile::read_to_change)?;
        if seen.is_some_and(|seen| !self.is_same(seen, &disk)) {
            bail!("{CHANGED}");
        }
        let mut after = before.clone();
        let outcome = edit(&mut after)?;
        // With a context, a server is the source.
        if self.context.is_empty() && !after.texts().eq(before.texts()) {
            after.name_source(&new_source()?);
        }
        let texts: Vec<(String, String)> = after
            .texts()
            .map(|(name, text)| (name.to_owned(), text))
            .collect();
        let read_again = before.read_again(texts.clone());
        if read_again.is_err() {
            // If the file was rejected before, the change is not at fault.
            before.refusal()?;
        }
        let read_again = read_again.context("the change is refused, and nothing was written")?;
        if !read_again.changes_since(&after).is_empty() {
            bail!(
                "the change does not read back as it was meant, and nothing was written; please report this"
            );
        }
        let unchanged = || {
            if self.is_same(&before, &self.on_disk()?) {
                return Ok(());
            }
            bail!("{CHANGED}")
        };
        unchanged()?;
        let changes = after.changes_since(&before);
        let now = clock::now();
        let mut replaced = Vec::new();
        for (name, text) in texts {
            if let Some((_, known)) = self.context.iter().find(|(known, _)| *known == name) {
                if *known != text {
                    bail!("the change is to what {name} says, and nothing was written");
                }
                continue;
            }
            let known = disk.iter().find(|file| file.name == name);
            let known = known.map_or("", |file| &file.text);
            if known != text {
                replaced.push((self.resolved(&name)?, name, known, text));
            }
        }
        let mut pending = Vec::with_capacity(replaced.len());
        let ready = replaced.iter().try_for_each(|(path, name, known, text)| {
            let texts = (*known, text.as_str());
            pending.push(Pending::prepare(path, name, texts, &changes, command, now)?);
            Ok(())
        });
        // Showing may take a while, so compare with the disk again.
        let ready = ready
            .and_then(|()| show(&outcome))
            .and_then(|()| unchanged());
        if let Err(error) = ready {
            pending.into_iter().for_each(Pending::give_up);
            return Err(error);
        }
        for file in pending {
            file.commit()?;
        }
        Ok(outcome)
    }

    fn parsed(
        &self,
        disk: &[OnDisk],
        read: impl FnOnce(Vec<(String, String)>) -> Result<KeyFile, Faults>,
    ) -> Result<KeyFile> {
        let texts = disk
            .iter()
            .map(|file| (file.name.clone(), file.text.clone()))
            .chain(self.context.iter().cloned())
            .collect();
        let file = read(texts)?;
        Ok(if self.is_folder {
            file.in_folder(&self.path.display().to_string())
        } else {
            file
        })
    }

    /// Reads the files, in the order of their names.
    fn on_disk(&self) -> Result<Vec<OnDisk>> {
        let shown = self.path.display();
        let mut paths = vec![self.path.clone()];
        if self.is_folder {
            paths.clear();
            let entries = fs::read_dir(&self.path)
                .with_context(|| format!("the folder `{shown}` cannot be read"))?;
            for entry in entries {
                let path = entry?.path();
                let is_hidden = path
                    .file_name()
                    .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                if !is_hidden && path.extension().is_some_and(|ending| ending == "toml") {
                    paths.push(path);
                }
            }
            paths.sort();
        }
        paths
            .into_iter()
            .map(|path| {
                let name = path.display().to_string();
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("`{name}` cannot be read as text"))?;
                Ok(OnDisk { name, text })
            })
            .collect()
    }

    /// Whether the files on the disk are still those that were read.
    fn is_same(&self, read: &KeyFile, disk: &[OnDisk]) -> bool {
        let disk = disk
            .iter()
            .map(|file| (file.name.as_str(), file.text.as_str()));
        let context = self.context.iter();
        let context = context.map(|(name, text)| (name.as_str(), text.as_str()));
        read.texts_as_read().eq(disk.chain(context))
    }

    fn lock_path(&self) -> PathBuf {
        if self.is_folder {
            self.path.join(".lock")
        } else {
            beside(&self.path, ".lock")
        }
    }

    /// Returns the file itself if its name is a link.
    fn resolved(&self, name: &str) -> Result<PathBuf> {
        resolved(Path::new(name)).with_context(|| format!("`{name}` cannot be followed"))
    }
}

/// Returns a name for a key file that has none.
fn new_source() -> Result<SourceName> {
    SourceName::of_file(&new_random_id()?).context("expected an id")
}

const CHANGED: &str =
    "the key file changed in the meantime, and nothing was written; look at it and run this again";

fn holder(command: &str) -> String {
    let process = std::process::id();
    format!("process {process} (`keyward {command}`, {})", actor())
}

/// A file whose new text is on the disk next to it and whose journal has an entry.
struct Pending {
    staged: Staged,
    begun: Begun,
}

impl Pending {
    /// Prepares to replace the text `before` at `path` with `after`, and adds a journal entry with
    /// the changes in the file `name`.
    fn prepare(
        path: &Path,
        name: &str,
        (before, after): (&str, &str),
        changes: &[Change],
        command: &str,
        now: u64,
    ) -> Result<Self> {
        let here: Vec<&Change> = changes
            .iter()
            .filter(|change| change.file == name)
            .collect();
        let by = actor();
        let entry = Entry {
            at: now,
            by: &by,
            command,
        };
        sweep(path)?;
        let mut staged = Staged::new(path, Access::Owner)?;
        staged.fill(|out| Ok(out.write_all(after.as_bytes())?))?;
        let journal = Journal::of(path);
        // Even a file that does not exist yet may have a journal, if a crash interrupted its
        // creation.
        journal.recover(before, now)?;
        let begun = journal.begin(&entry, new_random_id()?, &here, before, after)?;
        Ok(Self { staged, begun })
    }

    /// Replaces the file.
    fn commit(self) -> Result<()> {
        self.staged.commit()?;
        self.begun.done(clock::now())
    }

    /// Leaves the file unchanged.
    fn give_up(self) {
        // If the journal cannot be written, the next writer records the outcome.
        let _ = self.begun.undone(clock::now());
    }
}
