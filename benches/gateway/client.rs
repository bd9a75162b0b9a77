//! A client that keeps its connections and sends the same bytes repeatedly: as fast as answers
//! arrive, or at a steady rate. With one thread and one epoll, it takes little time on the core
//! that it shares with other programs, and it counts exactly how many requests were answered.
//!
//! `wrk` is a C program that not every machine has, and `oha` needs some 250 crates. Neither shows
//! when the last request of some kind passed.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll;
use rustix::thread::set_current_timer_slack;

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// On every connection as soon as its last request was answered.
    Flood,
    /// At this many per second, whether answered or not. A request that finds no free connection
    /// waits, and its latency counts from when it was due.
    Steady(u32),
}

/// One answered request.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub at: Instant,
    pub latency: Duration,
    pub status: u16,
}

/// Longer than any pause that is measured.
const HANG: Duration = Duration::from_secs(120);

pub struct Client {
    epoll: OwnedFd,
    lines: Vec<Line>,
    requests: Vec<Vec<u8>>,
    next: usize,
}

struct Line {
    stream: TcpStream,
    received: Vec<u8>,
    since: Option<Instant>,
}

impl Client {
    /// Returns a client that sends `requests` in turn, on this many connections.
    pub fn new(address: SocketAddr, connections: usize, requests: Vec<Vec<u8>>) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let lines = (0..connections).map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            Line {
                stream,
                received: Vec::with_capacity(4096),
                since: None,
            }
        });
        let lines: Vec<Line> = lines.collect();
        for (number, line) in (0..).zip(&lines) {
            let data = epoll::EventData::new_u64(number);
            epoll::add(&epoll, &line.stream, data, epoll::EventFlags::IN).unwrap();
        }
        // Otherwise the kernel may wake a steady client 50 µs late.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        Self {
            epoll,
            lines,
            requests,
            next: 0,
        }
    }

    /// Sends until `seen` returns false, then waits for the outstanding answers, which it also
    /// passes to `seen`. Returns the number of all answers.
    pub fn run(&mut self, pace: Pace, mut seen: impl FnMut(Answer) -> bool) -> u64 {
        let start = Instant::now();
        let (mut due, mut sent, mut answered) = (VecDeque::new(), 0_u64, 0_u64);
        let (mut scheduled, mut goes_on) = (0_u32, true);
        let mut events = Vec::with_capacity(self.lines.len());
        let mut last = start;
        loop {
            let now = Instant::now();
            let mut wait = Duration::from_secs(1);
            match pace {
                Pace::Flood if goes_on => due.resize(self.lines.len(), now),
                Pace::Steady(rate) if goes_on => {
                    while let Some(at) = Some(start + Duration::from_secs(1) / rate * scheduled)
                        && at <= now
                    {
                        due.push_back(at);
                        scheduled += 1;
                    }
                    wait = start + Duration::from_secs(1) / rate * scheduled - now;
                }
                Pace::Flood | Pace::Steady(_) => due.clear(),
            }
            for line in self.lines.iter_mut().filter(|line| line.since.is_none()) {
                let Some(at) = due.pop_front() else { break };
                // On time except for the client's own wake-up, which is not part of the server's
                // latency.
                let is_late =
                    matches!(pace, Pace::Steady(rate) if now - at > Duration::from_secs(1) / rate);
                line.send(&self.requests[self.next % self.requests.len()]);
                line.since = Some(if is_late { at } else { Instant::now() });
                self.next += 1;
                sent += 1;
            }
            if !goes_on && sent == answered {
                return answered;
            }
            assert!(now - last < HANG, "no answer for {HANG:?}");
            let timeout = Timespec::try_from(wait).unwrap();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll: {error}"),
            }
            for event in events.drain(..) {
                let line = &mut self.lines[usize::try_from(event.data.u64()).unwrap()];
                if let Some(answer) = line.receive() {
                    answered += 1;
                    last = answer.at;
                    goes_on = seen(answer) && goes_on;
                }
            }
        }
    }

    /// Sends this many requests, and returns their answers.
    pub fn send(&mut self, pace: Pace, count: usize) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(count + self.lines.len());
        self.run(pace, |answer| {
            answers.push(answer);
            answers.len() < count
        });
        answers
    }
}

impl Line {
    fn send(&mut self, request: &[u8]) {
        // A request is far smaller than the socket's buffer, which is empty.
        let written = self.stream.write(request).unwrap();
        assert_eq!(written, request.len());
    }

    fn receive(&mut self) -> Option<Answer> {
        let mut buffer = [0; 16384];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the server closed a connection"),
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let (status, length) = whole(&self.received)?;
        assert_eq!(length, self.received.len(), "more than one answer");
        self.received.clear();
        let at = Instant::now();
        let since = self.since.take().expect("an answer to nothing");
        Some(Answer {
            at,
            latency: at - since,
            status,
        })
    }
}

/// Returns the status and length of the response at the start of `bytes`, if it is complete. Every
/// answer measured here states its length.
fn whole(bytes: &[u8]) -> Option<(u16, usize)> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let status = text[9..12].parse().unwrap();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap_or_else(|| panic!("an answer without a length: {text}"));
    let length = head + 4 + length.parse::<usize>().unwrap();
    (bytes.len() >= length).then_some((status, length))
}
