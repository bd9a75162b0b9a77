//! Starts the server of a data folder.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use keyward_harness::process::Guarded;
use keyward_harness::{BOUND, eventually};

use crate::world::Environment;

/// Starts the server of a folder with more arguments, and waits until it is ready.
pub(crate) fn serve_in(folder: &Path, more: &[&str]) -> Guarded {
    serve_with(folder, more, &Environment::new())
}

/// Like [`serve_in`], with environment variables.
pub(crate) fn serve_with(folder: &Path, more: &[&str], environment: &Environment) -> Guarded {
    let data = folder.join("data");
    let log = File::options()
        .append(true)
        .create(true)
        .open(folder.join("server.log"))
        .unwrap();
    let mut server = Guarded::spawn(
        command()
            .args(["serve", "--config"])
            .arg(data.join("keyward-server.toml"))
            .args(more)
            .envs(environment.iter().cloned())
            .stderr(log),
    )
    .unwrap();
    let socket = data.join("admin/admin.sock");
    eventually("the server listens, or ends", BOUND, || {
        if server.has_ended() {
            let log = fs::read_to_string(folder.join("server.log")).unwrap();
            panic!("the server ended:\n{log}");
        }
        UnixStream::connect(&socket).ok()
    });
    server
}

/// Names Envoy's access log to the server, for `World::start_with`.
pub(crate) fn with_logs(data: &Path) {
    let file = data.join("keyward-server.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("files = []").count(), 1, "{text}");
    fs::write(
        &file,
        text.replace("files = []", "files = [\"../access*.log\"]"),
    )
    .unwrap();
}

pub(crate) fn command() -> Command {
    let named = std::env::var_os("KEYWARD_SERVER_BIN");
    Command::new(named.unwrap_or_else(|| env!("CARGO_BIN_EXE_keyward-server").into()))
}
