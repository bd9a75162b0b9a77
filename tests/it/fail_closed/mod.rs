//! Whatever happens to the filter, a stranger does not pass. Runs the filter and its interlock in a
//! real Envoy while things break. The same failure without the interlock shows why it is needed.

mod amplification;
pub mod behind;
mod chain;
mod clock;
mod every_reason;
mod exhaustion;
mod host_calls;
mod neighbours;
mod passes;
pub mod plugin;
mod pushes;
pub mod restart;
pub mod shipped;
mod skipped;
mod streams;
mod thousand;
mod traps;
mod twins;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::builder::Builder;
use crate::support::http::{Connection, Response};
pub use crate::support::world::{ALICE, BOB, CAROL, STRANGER, configuration, digest, snapshot};
use crate::support::{BOUND, Envoy, LONG, eventually};

/// Returns a configuration that needs much memory for its size, during the load and permanently:
/// endpoints with many segments.
pub fn deep(revision: u64, keys: &[&str], rows: usize, segments: usize) -> String {
    let tail = "/a".repeat(segments - 1);
    let row = |row| format!(r#"{{"method":"GET","path":"/{row:x}{tail}","permission":"charge"}}"#);
    let rows: Vec<String> = (0..rows).map(row).collect();
    let mut snapshot = snapshot(revision, keys);
    snapshot["endpoints"] = json!("ROWS");
    let configuration = json!({"snapshot": snapshot}).to_string();
    configuration.replace("\"ROWS\"", &format!("[{}]", rows.join(",")))
}

/// Whether a test runs with the interlock, as shipped, or shows what happens without it.
pub const BOTH: [bool; 2] = [true, false];

pub fn with_interlock(builder: Builder, is_wanted: bool) -> Builder {
    if is_wanted {
        builder
    } else {
        builder.without_interlock()
    }
}

/// Returns the status that a stranger gets if Envoy skips the filter. The interlock exists for this
/// case.
pub fn skipped(interlock: bool) -> u16 {
    if interlock { 403 } else { 200 }
}

/// Asserts that Envoy's stats show the operator that requests bypass the filter: the interlock
/// counts the requests that it stops.
#[track_caller]
pub fn assert_counted(envoy: &Envoy, interlock: bool) {
    let denied = envoy.stat("http.gateway.rbac.keyward_interlock.denied");
    assert_eq!(denied > 0, interlock, "{denied} were stopped");
}

/// Returns the gateway's status for this key.
#[track_caller]
pub fn status(envoy: &Envoy, key: &str) -> u16 {
    status_at(envoy.address(), key)
}

#[track_caller]
pub fn status_at(address: SocketAddr, key: &str) -> u16 {
    ask(&mut Connection::open(address), key).status
}

#[track_caller]
pub fn ask(connection: &mut Connection, key: &str) -> Response {
    connection.request(
        "GET",
        "/v1/balance",
        &[("authorization", format!("Bearer {key}"))],
        b"",
    )
}

/// Waits until every worker answers this key with `expected`.
#[track_caller]
pub fn everywhere(envoy: &Envoy, key: &str, expected: u16) {
    envoy.on_every_worker(
        &format!("`{key}` is answered with {expected}"),
        BOUND,
        |connection| (ask(connection, key).status == expected).then_some(()),
    );
}

/// Serializes tests that need gigabytes of memory.
pub fn heavy() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that sends requests with one key continuously and counts the answers.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<u16, u64>>,
}

impl Watch {
    pub fn start(address: SocketAddr, key: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut answers = BTreeMap::new();
                let mut connection: Option<Connection> = None;
                while !stop.load(Ordering::Relaxed) {
                    let authorization = [("authorization", format!("Bearer {key}"))];
                    let answer = match connection.take() {
                        Some(open) => Ok(open),
                        None => Connection::try_open(address),
                    }
                    .and_then(|mut open| {
                        let answer = open.try_request("GET", "/v1/balance", &authorization, b"")?;
                        connection = Some(open);
                        Ok(answer.status)
                    });
                    *answers.entry(answer.unwrap_or(0)).or_default() += 1;
                    // To spare the machine. Nothing depends on this time.
                    std::thread::sleep(Duration::from_millis(1));
                }
                answers
            }
        });
        Self { stop, thread }
    }

    /// Returns how often each status occurred. 0 means no answer at all.
    pub fn stop(self) -> BTreeMap<u16, u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
