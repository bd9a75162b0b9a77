//! A proxy to the source that resets every other connection after some bytes of its answer, each
//! time after a different number.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::BOUND;

/// A head with all its deltas, and the headers of its answer.
const LONGEST: usize = 3_000;

/// How many places there are: the first bytes one by one, through status line and headers, and then with longer steps. `make soak` takes every byte.
fn places() -> (usize, usize) {
    let is_long = std::env::var_os("SOAK_SECONDS").is_some();
    if is_long { (LONGEST, 1) } else { (50, 41) }
}

const ONE_BY_ONE: usize = 20;

/// Returns how many bytes of this answer are sent before it is cut.
fn place(number: usize) -> usize {
    match number.checked_sub(ONE_BY_ONE) {
        None => number,
        Some(more) => ONE_BY_ONE + more * places().1,
    }
}

pub(super) struct Cutting {
    address: SocketAddr,
    cut: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Cutting {
    pub(super) fn start(source: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_over) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counted, ends) = (Arc::clone(&cut), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), counted) = (stream, Arc::clone(&counted)) else {
                    return;
                };
                // Only every other one, so that the gateway does not just pause.
                let cuts = number % 2 == 0;
                std::thread::spawn(move || pass(stream, source, cuts.then_some(&*counted)));
            }
        });
        Self {
            address,
            cut,
            is_over,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_done(&self) -> bool {
        self.cut.load(Ordering::Relaxed) >= places().0
    }

    /// How long that may take: a few answers a second are cut.
    pub(super) fn bound(&self) -> Duration {
        3 * BOUND + Duration::from_secs(u64::try_from(places().0).unwrap_or(0))
    }
}

impl Drop for Cutting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Passes on one request and its answer, or the beginning of the answer. An error ends the
/// connection, which a source may do.
fn pass(mut client: TcpStream, source: SocketAddr, cut: Option<&AtomicUsize>) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    // A connection that is closed before its last byte was read is reset.
    while !head.ends_with(b"\r\n\r") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    head.pop();
    head.extend_from_slice(b"connection: close\r\n\r\n");
    let mut upstream = TcpStream::connect(source).ok()?;
    upstream.write_all(&head).ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        upstream.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |it| it.trim().parse().unwrap());
    let mut body = vec![0; length];
    upstream.read_exact(&mut body).ok()?;
    answer.extend_from_slice(&body);
    match cut {
        Some(counter) => {
            let number = counter.fetch_add(1, Ordering::Relaxed) % places().0;
            let end = place(number).min(answer.len() - 1);
            client.write_all(&answer[..end]).ok()?;
        }
        None => {
            client.read_exact(&mut byte).ok()?;
            client.write_all(&answer).ok()?;
            client.shutdown(Shutdown::Write).ok()?;
        }
    }
    Some(())
}
