//! Standard output for a value that is stored nowhere else. The command shows the value before it
//! replaces the key file, and leaves the file unchanged unless a reader has received the value: a
//! write to a closed pipe, a full disk or `/dev/null` must never cost a key.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;

use super::output::OutputArguments;

/// How long to wait for the reader of a pipe: a minute, so that a person can type a password for
/// `sudo` or `ssh`.
const TRIES: u32 = 6_000;
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
const NO_PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

const NOTHING_CHANGED: &str = "so nothing was changed; let a terminal, a file or a pipe take it";

/// Standard output that was checked before anything else happened.
pub(super) struct Once {
    out: File,
    output: OutputArguments,
}

impl Once {
    /// Rejects an output that would lose the value: a closed one, `/dev/null`, or a pipe without a
    /// reader.
    ///
    /// Before `main`, Rust's runtime replaces a closed standard output with `/dev/null`, so the
    /// check for one also finds the other.
    pub(super) fn open(output: OutputArguments) -> Result<Self> {
        let closed = "the value would be shown this once on standard output, which is closed";
        // Not `io::stdout()`, which treats a failed write to a closed output as a success.
        let out = io::stdout().as_fd().try_clone_to_owned();
        let once = Self {
            out: out
                .map(File::from)
                .with_context(|| format!("{closed}, {NOTHING_CHANGED}"))?,
            output,
        };
        let found = once.out.metadata()?;
        let is_null =
            |null: fs::Metadata| found.file_type().is_char_device() && found.rdev() == null.rdev();
        if fs::metadata("/dev/null").is_ok_and(is_null) {
            bail!("{closed} or /dev/null, {NOTHING_CHANGED}");
        }
        if !found.is_file() && once.is_left()? {
            bail!("{closed} at its other end, {NOTHING_CHANGED}");
        }
        Ok(once)
    }

    /// Returns options such as `--json` for this output.
    pub(super) fn output(&self) -> OutputArguments {
        self.output
    }

    /// Shows `text`, and returns when a reader has received it.
    pub(super) fn show(&self, text: &str) -> Result<()> {
        self.put(text.as_bytes()).map_err(|error| {
            // Convert the error to text, because the error of a closed pipe lets commands end
            // without a message.
            anyhow!("the value could not be shown on standard output ({error}), {NOTHING_CHANGED}")
        })
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.out).write_all(bytes)?;
        let kind = self.out.metadata()?.file_type();
        if kind.is_file() {
            return match self.out.sync_all() {
                // The file system cannot sync, so it cannot confirm the write.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::InvalidInput | ErrorKind::Unsupported
                    ) =>
                {
                    Ok(())
                }
                synced => synced,
            };
        }
        if kind.is_fifo() {
            return self.wait_until_read();
        }
        Ok(())
    }

    /// Waits until a pipe is empty. A pipe accepts bytes without a reader, so `… | broken-command`
    /// is recognized by the bytes that stay in it.
    fn wait_until_read(&self) -> io::Result<()> {
        for _ in 0..TRIES {
            if ioctl_fionread(&self.out)? == 0 {
                return Ok(());
            }
            if self.is_left_within(&PAUSE)? {
                // The reader may have read everything before it ended.
                let is_read = ioctl_fionread(&self.out)? == 0;
                let left =
                    || io::Error::new(ErrorKind::BrokenPipe, "its reader ended without reading it");
                return if is_read { Ok(()) } else { Err(left()) };
            }
        }
        let why = "its reader did not read it within a minute";
        Err(io::Error::new(ErrorKind::TimedOut, why))
    }

    fn is_left(&self) -> io::Result<bool> {
        self.is_left_within(&NO_PAUSE)
    }

    /// Whether the other end has no reader, or loses its reader within `pause`.
    fn is_left_within(&self, pause: &Timespec) -> io::Result<bool> {
        let mut polled = [PollFd::new(&self.out, PollFlags::empty())];
        match poll(&mut polled, Some(pause)) {
            Err(rustix::io::Errno::INTR) => return Ok(false),
            other => other?,
        };
        let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        Ok(polled.iter().any(|one| one.revents().intersects(gone)))
    }
}
