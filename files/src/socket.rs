//! Binds a Unix socket that is never more open than in the end.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener as Bound, UnixStream};
use std::path::Path;

use anyhow::{Result, bail};
use rustix::fs::Mode;
use tokio::net::UnixListener;

/// Binds under this umask. Call it within a runtime, but before anything else runs in the process,
/// because the umask belongs to the process.
pub fn bind(path: &Path, umask: u32) -> Result<UnixListener> {
    remove_stale(path)?;
    let before = rustix::process::umask(Mode::from_raw_mode(umask));
    let bound = Bound::bind(path);
    rustix::process::umask(before);
    let bound = bound?;
    bound.set_nonblocking(true)?;
    Ok(UnixListener::from_std(bound)?)
}

/// Removes the socket of a server that has ended. A socket that answers stays, and so does anything
/// that is not a socket.
fn remove_stale(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => {
            bail!("there is a file that is not a socket")
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("another server listens there"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(fs::remove_file(path)?),
        Err(error) => Err(error.into()),
    }
}
