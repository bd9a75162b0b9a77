//! A client that asks with one key all the time, a thousand times a second, and knows when each answer came.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use keyward_benches::{TARGET, sdk_headers};

use crate::support::http::Connection;

/// One answer: when it came, how long it took, its status.
pub(crate) type Answer = (Instant, Duration, u16);

/// A request's head, as Stripe's SDK sends it.
pub(crate) fn ask(connection: &mut Connection, key: &str) -> u16 {
    let headers = sdk_headers(key, None);
    let headers: Vec<(&str, String)> = headers
        .into_iter()
        .filter(|(name, _)| !["Host", "Connection"].contains(name))
        .collect();
    connection.request("GET", TARGET, &headers, b"").status
}

pub(crate) struct Steady {
    stops: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Answer>>,
}

impl Steady {
    pub(crate) fn start(address: SocketAddr, key: String) -> Self {
        let stops = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&stops);
        let thread = spawn(move || {
            let mut connection = Connection::open(address);
            let mut answers = Vec::new();
            while !shared.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let status = ask(&mut connection, &key);
                answers.push((Instant::now(), begun.elapsed(), status));
                sleep(Duration::from_millis(1).saturating_sub(begun.elapsed()));
            }
            answers
        });
        Self { stops, thread }
    }

    pub(crate) fn stop(self) -> Vec<Answer> {
        self.stops.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The longest that an answer took which was waited for at some moment between the two.
pub(crate) fn longest(answers: &[Answer], from: Instant, to: Instant) -> Duration {
    let within = answers
        .iter()
        .filter(|(at, took, _)| *at >= from && *at - *took <= to);
    within.map(|(_, took, _)| *took).max().unwrap_or_default()
}
