//! Listens only on this machine: on a Unix socket or an address of the loopback interface. For
//! access from elsewhere, put a proxy with TLS in front.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::socket;

/// A client must send a complete request head within this time, also on an idle connection.
/// Otherwise the connection is closed.
const HEAD: Duration = Duration::from_secs(75);

/// The maximum size of a request head in bytes, and the maximum number of headers.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;

/// How long the last answers may take after the server was asked to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a listener waits after it could not accept a connection, for example because too many
/// files are open.
const BREATH: Duration = Duration::from_millis(100);

/// The umask under which only the socket's user and group can ever open it.
const UMASK: u32 = 0o117;

/// The address on which a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A port of the loopback interface.
    Loopback(SocketAddr),
}

impl Address {
    /// Parses `unix:PATH` or `127.0.0.1:PORT`.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let address: SocketAddr = text
            .parse()
            .ok()
            .context("expected `unix:PATH` or `127.0.0.1:PORT`")?;
        if !address.ip().is_loopback() {
            bail!(
                "expected an address of the loopback interface: there is no TLS here; put nginx or an Envoy before it for other machines"
            );
        }
        Ok(Self::Loopback(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
        }
    }
}

/// A bound socket.
pub enum Listener {
    /// A Unix socket.
    Unix(UnixListener),
    /// A port of the loopback interface.
    Loopback(TcpListener),
}

impl Listener {
    /// Binds. Call it within a runtime, but before anything else runs in the process, because it
    /// changes the process's umask.
    pub async fn bind(address: &Address) -> Result<Self> {
        let failure = || format!("`{address}` cannot be listened on");
        Ok(match address {
            Address::Unix(path) => Self::Unix(socket::bind(path, UMASK).with_context(failure)?),
            Address::Loopback(address) => {
                Self::Loopback(TcpListener::bind(address).await.with_context(failure)?)
            }
        })
    }

    /// Returns the port on which it listens, including one that the system chose.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unix(_) => None,
            Self::Loopback(listener) => Some(listener.local_addr().ok()?.port()),
        }
    }
}

/// Raises the limit of open files as far as the system allows, because each waiting poll is one.
/// Returns how many connections fit, at most `wanted`.
#[must_use]
pub fn connections(wanted: usize) -> usize {
    /// Open files that are not connections, and objects that are being read.
    const OTHERS: u64 = 128;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let room = current.map_or(u64::MAX, |most| most.saturating_sub(OTHERS));
    usize::try_from(room)
        .map_or(wanted, |room| room.min(wanted))
        .max(1)
}

/// Serves until `stop` is true, with a maximum number of connections at once and limits for each.
/// At the end it still sends answers that are due.
pub async fn serve(
    listener: Listener,
    router: Router,
    most_connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(most_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let mut told = stop.clone();
    let mut is_over = std::pin::pin!(async move {
        // If the sender is gone, the process is about to end.
        let _ = told.wait_for(|stop| *stop).await;
    });
    loop {
        while connections.try_join_next().is_some() {}
        let place = tokio::select! {
            () = &mut is_over => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = &mut is_over => break,
            accepted = accept(&listener) => accepted,
        };
        match accepted {
            Ok(Stream::Unix(stream)) => {
                connections.spawn(connection(stream, router.clone(), place, stop.clone()));
            }
            Ok(Stream::Loopback(stream)) => {
                // Answers are small, and clients wait for them.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(stream, router.clone(), place, stop.clone()));
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
    let _ = stop.wait_for(|stop| *stop).await;
    let all = async { while connections.join_next().await.is_some() {} };
    // A client that takes longer is disconnected.
    let _ = tokio::time::timeout(FAREWELL, all).await;
}

enum Stream {
    Unix(tokio::net::UnixStream),
    Loopback(tokio::net::TcpStream),
}

async fn accept(listener: &Listener) -> std::io::Result<Stream> {
    Ok(match listener {
        Listener::Unix(listener) => Stream::Unix(listener.accept().await?.0),
        Listener::Loopback(listener) => Stream::Loopback(listener.accept().await?.0),
    })
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    _place: OwnedSemaphorePermit,
    mut stop: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // If the connection failed, only its client needs to know, and it does.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_this_machine_is_listened_on() {
        let address = Address::parse("unix:/run/a").unwrap();
        assert_eq!(address, Address::Unix("/run/a".into()));
        for text in ["127.0.0.1:80", "[::1]:80"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for text in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80"] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains("no TLS"), "{text}: {error}");
        }
        for text in ["", "80", "localhost:80", "127.0.0.1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_running_server_keeps_its_socket_and_a_dead_one_does_not() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed");
        let address = Address::Unix(path.clone());
        let first = Listener::bind(&address).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
        let refused = format!("{:#}", Listener::bind(&address).await.err().unwrap());
        assert!(refused.contains("another server listens"), "{refused}");
        drop(first);
        drop(Listener::bind(&address).await.unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "x").unwrap();
        let refused = format!("{:#}", Listener::bind(&address).await.err().unwrap());
        assert!(refused.contains("not a socket"), "{refused}");
    }
}
