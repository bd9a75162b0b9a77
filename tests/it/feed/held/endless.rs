//! Sources whose answer has no end, or comes a byte at a time.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// Envoy holds so much of an answer, and ends it then.
const MOST: usize = 32 << 20;

/// What the connections of a source have done.
#[derive(Default)]
struct Done {
    open: AtomicUsize,
    ended: AtomicUsize,
    written: AtomicUsize,
    is_over: AtomicBool,
}

struct Source {
    address: SocketAddr,
    done: Arc<Done>,
}

impl Source {
    /// After the head of an answer it sends this part again and again, with a pause after each.
    fn start(head: &'static str, part: Vec<u8>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let done = Arc::new(Done::default());
        let (all, part) = (Arc::clone(&done), Arc::new(part));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), done) = (stream, Arc::clone(&all)) else {
                    return;
                };
                if done.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let part = Arc::clone(&part);
                std::thread::spawn(move || {
                    done.open.fetch_add(1, Ordering::Relaxed);
                    let mut goes_on = stream.write_all(head.as_bytes()).is_ok();
                    while goes_on && !done.is_over.load(Ordering::Relaxed) {
                        goes_on = stream.write_all(&part).is_ok();
                        done.written.fetch_add(part.len(), Ordering::Relaxed);
                        std::thread::sleep(pause);
                    }
                    done.ended.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Self { address, done }
    }

    fn count(&self, of: fn(&Done) -> &AtomicUsize) -> usize {
        of(&self.done).load(Ordering::Relaxed)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.done.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

#[test]
fn an_answer_without_end_or_a_slow_one_leaves_what_is_served() {
    let feed = Feed::start(&snapshot(1, &[ALICE]));
    let there = cluster(CLUSTER, feed.address());
    let gateway = Gateway::start(&there, Envoy::builder().concurrency(2));
    let envoy = &gateway.envoy;
    everywhere(envoy, ALICE, 200);

    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = Source::start(chunked, chunk, Duration::ZERO);
    gateway.breaks("keyward: feed `prod`", || {
        gateway.lead(Some(&cluster(CLUSTER, endless.address)));
        // Envoy ends such an answer. One that it waited for would never be trouble.
        eventually("Envoy ended one", BOUND, || {
            (endless.count(|done| &done.ended) > 0).then_some(())
        });
    });
    let connections = endless.count(|done| &done.open);
    let most = connections * 2 * MOST;
    let written = endless.count(|done| &done.written);
    assert!(
        written <= most,
        "{written} bytes on {connections} connections"
    );
    gateway.lead(Some(&there));
    feed.publish(&snapshot(2, &[ALICE, BOB]));
    everywhere(envoy, BOB, 200);

    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let slow = Source::start(whole, b"x".to_vec(), Duration::from_millis(100));
    gateway.lead(Some(&cluster(CLUSTER, slow.address)));
    eventually("everyone waits for the slow source", BOUND, || {
        (slow.count(|done| &done.open) >= followers(2)).then_some(())
    });
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        assert_eq!(status(envoy, ALICE), 200);
        assert_eq!(status(envoy, STRANGER), 401);
    }
    assert!(begun.elapsed() < BOUND);
    // Its time-out is the follower's: `an_answer_that_never_comes_is_given_up`. Here the cluster is replaced first.
    gateway.lead(Some(&there));
    feed.publish(&snapshot(3, &[ALICE]));
    everywhere(envoy, BOB, 401);
    everywhere(envoy, ALICE, 200);
}
