//! A collector of log records that Envoy sends over gRPC: an HTTP/2 server that accepts everything
//! and keeps the bytes of every message.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::{BOUND, eventually};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const INITIAL_WINDOW_SIZE: u8 = 4;

/// A collector that listens on loopback until the test ends.
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // The thread ends with the connection, which ends with Envoy.
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { address, received }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns everything received, as text.
    pub fn all(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }

    /// Returns how often `part` was received.
    pub fn count(&self, part: &str) -> usize {
        let received = self.received.lock().unwrap();
        received
            .windows(part.len())
            .filter(|window| *window == part.as_bytes())
            .count()
    }

    /// Waits until `part` has been received `count` times.
    #[track_caller]
    pub fn expect(&self, part: &str, count: usize) {
        eventually(
            &format!("the collector has `{part}` {count} times"),
            BOUND,
            || (self.count(part) >= count).then_some(()),
        );
        assert_eq!(self.count(part), count, "{part}");
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface)?;
    // Allows Envoy to send as much as it likes, on each stream and on the connection: the first
    // message names every extension of Envoy.
    let window = (1_u32 << 30).to_be_bytes();
    frame(
        &mut stream,
        SETTINGS,
        0,
        &[&[0, INITIAL_WINDOW_SIZE], &window[..]].concat(),
    )?;
    frame(&mut stream, WINDOW_UPDATE, 0, &window)?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload)?;
        match (head[3], head[4] & ACK) {
            (DATA, _) => kept.lock().unwrap().extend(payload),
            (SETTINGS, 0) => frame(&mut stream, SETTINGS, ACK, &[])?,
            (PING, 0) => frame(&mut stream, PING, ACK, &payload)?,
            _ => {}
        }
    }
}

fn frame(stream: &mut TcpStream, kind: u8, flags: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags, 0, 0, 0, 0];
    stream.write_all(&[&head, payload].concat())
}
