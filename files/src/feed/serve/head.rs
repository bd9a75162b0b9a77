//! The present head of a folder, read again whenever it is replaced.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use axum::body::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::inotify;
use serde::Deserialize;
use tokio::sync::watch;

use crate::feed::store::{Mutable, ObjectKind, ObjectName};

/// The maximum size in bytes. Heads are smaller.
const LARGEST: u64 = 64 << 10;

/// How often the head is read if the kernel reports nothing, because on a network volume another
/// machine writes it.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// What a head claims about itself. Only gateways verify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Named {
    /// The revision to which it leads.
    pub revision: u64,
    /// When it was signed, in Unix seconds.
    pub issued_at: u64,
}

/// A head as it is sent.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    /// The ETag, including its quotes.
    pub(super) tag: String,
    /// What the head claims about itself.
    pub(super) named: Option<Named>,
}

impl Content {
    fn new(bytes: Vec<u8>) -> Self {
        let hash = ObjectName::of(ObjectKind::Base, &bytes).to_string();
        let tag = format!("\"{}\"", hash.get(..32).unwrap_or(&hash));
        let json = bytes.splitn(3, |byte| *byte == b'\n').nth(2);
        let named = json.and_then(|json| serde_json::from_slice(json).ok());
        Self {
            bytes: bytes.into(),
            tag,
            named,
        }
    }
}

/// A thread that follows the head until it is dropped.
pub(super) struct Watcher {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The metadata that reveals a changed file.
type Seen = Option<(u64, u64, i64, i64, u64)>;

impl Watcher {
    /// Reads the head and starts to follow it.
    pub(super) fn start(folder: &Path) -> Result<(Self, watch::Receiver<Option<Arc<Content>>>)> {
        let path = folder.join(Mutable::Head.as_str());
        let notes = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
            .context("the kernel's notes on files cannot be had")?;
        let flags = inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::DELETE;
        inotify::add_watch(&notes, folder, flags)
            .with_context(|| format!("the folder `{}` cannot be watched", folder.display()))?;
        let before = seen(&path);
        let (told, head) = watch::channel(read(&path)?);
        let is_over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&is_over);
        let thread = std::thread::Builder::new()
            .name("keyward-feed-head".to_owned())
            .spawn(move || follow(&path, &notes, before, &told, &until))?;
        let watcher = Self {
            is_over,
            thread: Some(thread),
        };
        Ok((watcher, head))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread returns nothing.
            let _ = thread.join();
        }
    }
}

fn follow(
    path: &Path,
    notes: &OwnedFd,
    mut before: Seen,
    told: &watch::Sender<Option<Arc<Content>>>,
    is_over: &AtomicBool,
) {
    while !is_over.load(Ordering::Relaxed) {
        // The head is read even if the call was interrupted.
        let _ = poll(&mut [PollFd::new(notes, PollFlags::IN)], Some(&PAUSE));
        // The content of the notifications does not matter.
        while rustix::io::read(notes, &mut [0_u8; 4096]).is_ok() {}
        let now = seen(path);
        if now == before {
            continue;
        }
        // If the head cannot be read, the previous one stays until a later attempt succeeds.
        if let Ok(content) = read(path) {
            before = now;
            told.send_if_modified(|held| {
                let is_new = held.as_ref().map(|held| &held.tag)
                    != content.as_ref().map(|content| &content.tag);
                *held = content;
                is_new
            });
        }
    }
}

fn seen(path: &Path) -> Seen {
    let found = fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.mtime(),
        found.mtime_nsec(),
        found.len(),
    ))
}

fn read(path: &Path) -> Result<Option<Arc<Content>>> {
    let failure = || format!("`{}` cannot be read", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failure),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST.saturating_add(1))
        .read_to_end(&mut bytes)
        .with_context(failure)?;
    anyhow::ensure!(
        u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST),
        "`{}` has more than {LARGEST} bytes, which no head has",
        path.display()
    );
    Ok(Some(Arc::new(Content::new(bytes))))
}
