//! The key file on disk. An edit is read, changed, checked and written under a lock, whole or not at all: a crash at any moment leaves the old file or the new one, and
//! the journal next to it records which. Files are readable only for their owner.

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
    /// As it was given: what files are called.
    path: PathBuf,
    is_folder: bool,
}

/// A file as it was read.
struct OnDisk {
    name: String,
    text: String,
}

impl Store {
    /// The key file at `path`, which must be there.
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
        })
    }

    /// Makes a key file of that text. Refused where there is one.
    pub fn create(path: &Path, text: &str) -> Result<()> {
        let store = Self {
            path: path.to_owned(),
            is_folder: false,
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

    /// Reads it. The error lists every fault.
    pub fn read(&self) -> Result<KeyFile> {
        self.parsed(&self.on_disk()?, KeyFile::read)
    }

    /// Reads, lets `edit` change what was read, checks the result as a gateway would, and writes it with a journal entry under the name of the command
    /// (`keys create`). Where `edit` fails or the result is refused, nothing is written. What `edit` returns is handed on.
    ///
    /// It waits for another `keyward`. A change that an editor made in the meantime is kept and reported.
    pub fn edit<T>(
        &self,
        command: &str,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
    ) -> Result<T> {
        self.locked(command, None, edit, |_| Ok(()))
    }

    /// The same, after the person has seen `seen` and agreed: rejected if the files have changed since.
    pub fn edit_seen<T>(
        &self,
        command: &str,
        seen: &KeyFile,
        edit: impl FnOnce(&mut KeyFile) -> Result<T>,
    ) -> Result<T> {
        self.locked(command, Some(seen), edit, |_| Ok(()))
    }

    /// The same, where `show` shows what is kept nowhere else. It is called when the new text is on the disk and all but in its place: where it fails, the file stays as it
    /// is, and where it does not, little is left that could fail.
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
        if seen.is_some_and(|seen| !is_same(seen, &disk)) {
            bail!("{CHANGED}");
        }
        let mut after = before.clone();
        let outcome = edit(&mut after)?;
        if !after.texts().eq(before.texts()) {
            after.name_source(&new_source()?);
        }
        let texts: Vec<(String, String)> = after
            .texts()
            .map(|(name, text)| (name.to_owned(), text))
            .collect();
        let read_again = before.read_again(texts.clone());
        if read_again.is_err() {
            // What was refused before is not a fault of the change.
            before.refusal()?;
        }
        let read_again = read_again.context("the change is refused, and nothing was written")?;
        if !read_again.changes_since(&after).is_empty() {
            bail!(
                "the change does not read back as it was meant, and nothing was written; please report this"
            );
        }
        let unchanged = || {
            if is_same(&before, &self.on_disk()?) {
                return Ok(());
            }
            bail!("{CHANGED}")
        };
        unchanged()?;
        let changes = after.changes_since(&before);
        let now = clock::now();
        let mut replaced = Vec::new();
        for (name, text) in texts {
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
        // Showing may take a while.
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
            .collect();
        let file = read(texts)?;
        Ok(if self.is_folder {
            file.in_folder(&self.path.display().to_string())
        } else {
            file
        })
    }

    /// The files, in the order of their names.
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

    fn lock_path(&self) -> PathBuf {
        if self.is_folder {
            self.path.join(".lock")
        } else {
            beside(&self.path, ".lock")
        }
    }

    /// The file itself, where its name is a link.
    fn resolved(&self, name: &str) -> Result<PathBuf> {
        resolved(Path::new(name)).with_context(|| format!("`{name}` cannot be followed"))
    }
}

/// A name for a key file that has none.
fn new_source() -> Result<SourceName> {
    SourceName::of_file(&new_random_id()?).context("expected an id")
}

const CHANGED: &str =
    "the key file changed in the meantime, and nothing was written; look at it and run this again";

fn holder(command: &str) -> String {
    let process = std::process::id();
    format!("process {process} (`keyward {command}`, {})", actor())
}

/// Whether the files are still those that were read.
fn is_same(read: &KeyFile, disk: &[OnDisk]) -> bool {
    let now = disk
        .iter()
        .map(|file| (file.name.as_str(), file.text.as_str()));
    read.texts_as_read().eq(now)
}

/// A file whose new text is on the disk next to it, with an entry in its journal.
struct Pending {
    staged: Staged,
    begun: Begun,
}

impl Pending {
    /// Makes ready what replaces the text `before` at `path` by `after`, with a journal entry of the changes in the file of that name.
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
        // A file that is not there yet may have a journal: of a crash that came before it.
        journal.recover(before, now)?;
        let begun = journal.begin(&entry, new_random_id()?, &here, before, after)?;
        Ok(Self { staged, begun })
    }

    /// Replaces the file.
    fn commit(self) -> Result<()> {
        self.staged.commit()?;
        self.begun.done(clock::now())
    }

    /// Leaves the file as it is.
    fn give_up(self) {
        // What the journal does not take, the next writer settles.
        let _ = self.begun.undone(clock::now());
    }
}
