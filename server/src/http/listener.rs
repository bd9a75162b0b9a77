//! The two sockets. Their modes and folders decide who may connect, and the kernel reports who did.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use keyward_files::socket;
use tokio::net::UnixListener;

use crate::uid::Uid;

/// The process at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) Option<Uid>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred();
        Self(credentials.ok().map(|peer| Uid::of_peer(peer.uid())))
    }
}

/// Binds the socket for Envoy: it and its folder are open to the group, and to no one else.
pub(crate) fn bind_api(path: &Path) -> Result<UnixListener> {
    let folder = folder_of(path)?;
    make(folder, 0o750)?;
    let mode = fs::metadata(folder)?.mode() & 0o777;
    if mode & 0o027 != 0 {
        bail!(
            "`{}` has mode {mode:o}; expected 750: others must not reach the socket in it",
            folder.display()
        );
    }
    bind(path, 0o117)
}

/// Binds the socket for people on this machine. Only this user may be able to enter its folder.
pub(crate) fn bind_admin(path: &Path) -> Result<UnixListener> {
    let folder = folder_of(path)?;
    make(folder, 0o700)?;
    let found = fs::metadata(folder)?;
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 || found.uid() != Uid::own().number() {
        bail!(
            "`{}` has mode {mode:o} and belongs to user {}; expected mode 700 and user {}: who enters it is an operator",
            folder.display(),
            found.uid(),
            Uid::own().number()
        );
    }
    bind(path, 0o177)
}

fn folder_of(path: &Path) -> Result<&Path> {
    path.parent()
        .with_context(|| format!("`{}` has no folder", path.display()))
}

fn make(folder: &Path, mode: u32) -> Result<()> {
    match DirBuilder::new().mode(mode).create(folder) {
        // The umask may have removed the group's permissions.
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(mode))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(error).with_context(|| format!("`{}` cannot be made", folder.display()));
        }
    }
    Ok(())
}

fn bind(path: &Path, umask: u32) -> Result<UnixListener> {
    socket::bind(path, umask).with_context(|| format!("`{}` cannot be listened on", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn sockets_are_open_to_those_whom_they_are_for() {
        let folder = tempfile::tempdir().unwrap();
        let (api, admin) = (folder.path().join("a/api"), folder.path().join("b/admin"));
        let _api = bind_api(&api).unwrap();
        let _admin = bind_admin(&admin).unwrap();
        assert_eq!((mode(api.parent().unwrap()), mode(&api)), (0o750, 0o660));
        assert_eq!(
            (mode(admin.parent().unwrap()), mode(&admin)),
            (0o700, 0o600)
        );
    }

    #[tokio::test]
    async fn a_folder_that_others_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let refused = bind_admin(&folder.path().join("admin")).unwrap_err();
        assert!(
            refused.to_string().contains("expected mode 700"),
            "{refused}"
        );
        let refused = bind_api(&folder.path().join("api")).unwrap_err();
        assert!(refused.to_string().contains("expected 750"), "{refused}");
    }

    #[tokio::test]
    async fn a_running_server_keeps_its_socket_and_a_dead_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/api");
        let first = bind_api(&path).unwrap();
        let refused = format!("{:#}", bind_api(&path).unwrap_err());
        assert!(
            refused.contains("another server listens there"),
            "{refused}"
        );
        drop(first);
        bind_api(&path).unwrap();
    }
}
