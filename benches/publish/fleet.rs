//! Many simulated gateways of four VMs each that follow a feed: measures how long it takes until a
//! VM has a change, with long polls of `feed serve`, and with polls of nginx.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyward_benches::{Kind, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Bound;
use crate::command::{Killed, PUBLISH, Press};

const VMS: usize = 4;

/// The number of changes, one per second.
const CHANGES: u32 = 15;

/// How a VM polls.
#[derive(Clone, Copy)]
enum Asking {
    /// It waits up to 25 seconds for an answer.
    Waiting,
    /// Every 5 seconds, plus or minus a fifth.
    Polling,
}

/// When each revision was published, and how long after that the VMs had it.
#[derive(Default)]
struct Times {
    published: Vec<(u64, Instant)>,
    seen: Vec<Duration>,
}

pub(crate) fn measure(gateways: usize) -> Vec<Bound> {
    let vms = gateways * VMS;
    let waiting = run(vms, Asking::Waiting);
    let what = |how: &str| {
        format!(
            "published to seen, p99 of {gateways} gateways of {VMS} VMs, 1 change a second: {how}"
        )
    };
    let mut bounds = vec![Bound::time(
        what("`feed serve`, long poll"),
        [1_000, 200],
        waiting,
    )];
    match nginx_is_here() {
        true => bounds.push(Bound::time(
            what("nginx, polled each 5 s"),
            [7_000, 6_000],
            run(vms, Asking::Polling),
        )),
        false => println!("bench: there is no nginx: it is not measured"),
    }
    bounds
}

fn nginx_is_here() -> bool {
    Command::new("nginx")
        .arg("-v")
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn run(vms: usize, asking: Asking) -> Duration {
    let world = World::new(1_000, Kind::Restricted);
    let press = Press::new();
    press.write(&world.packed(1, None));
    press.good(&[&PUBLISH[..], &["--begin"]].concat());
    let address = free_address();
    let _server = Killed(match asking {
        Asking::Waiting => serve(&press, address),
        Asking::Polling => nginx(&press, address),
    });
    wait_for(address);
    raise_limit();
    let times = Arc::new(Mutex::new(Times::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for number in 0..vms {
        runtime.spawn(follow(address, asking, number, Arc::clone(&times)));
    }
    // By then, every VM has polled once.
    std::thread::sleep(Duration::from_secs(8));
    times.lock().unwrap().seen.clear();
    for change in 0..CHANGES {
        let begun = Instant::now();
        press.write(&world.packed(1, Some(change)));
        press.good(&PUBLISH);
        let revision = revision(&press.head()).unwrap();
        times
            .lock()
            .unwrap()
            .published
            .push((revision, Instant::now()));
        std::thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
    }
    std::thread::sleep(Duration::from_secs(7));
    let times = Arc::clone(&times);
    runtime.shutdown_background();
    let mut seen = std::mem::take(&mut times.lock().unwrap().seen);
    assert!(seen.len() >= vms, "{} of {vms} saw a change", seen.len());
    seen.sort();
    seen[seen.len() * 99 / 100]
}

pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn wait_for(address: SocketAddr) {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no server");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `keyward feed serve` of the press's feed.
pub(crate) fn serve(press: &Press, address: SocketAddr) -> std::process::Child {
    let server = press
        .command(&["feed", "serve", "feed", "--listen", &address.to_string()])
        .spawn()
        .unwrap();
    wait_for(address);
    server
}

fn nginx(press: &Press, address: SocketAddr) -> std::process::Child {
    let folder = press.0.path().display();
    let text = format!(
        "daemon off; worker_processes 2; worker_rlimit_nofile 20000; pid {folder}/pid; error_log {folder}/log;\n\
         events {{ worker_connections 9000; }}\nhttp {{ access_log off; server {{ listen {address}; root {folder}/feed; }} }}\n"
    );
    fs::write(press.0.path().join("nginx.conf"), text).unwrap();
    let mut command = Command::new("nginx");
    command
        .arg("-c")
        .arg(press.0.path().join("nginx.conf"))
        .spawn()
        .unwrap()
}

fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

async fn follow(address: SocketAddr, asking: Asking, number: usize, times: Arc<Mutex<Times>>) {
    // So that they do not all poll at the same moment.
    tokio::time::sleep(Duration::from_millis((number as u64 * 7) % 5_000)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut tag = String::new();
    let mut last = 0;
    loop {
        let wait = match asking {
            Asking::Waiting => "prefer: wait=25\r\n",
            Asking::Polling => "",
        };
        let request = format!(
            "GET /head HTTP/1.1\r\nhost: x\r\nif-none-match: {tag}\r\n{wait}user-agent: keyward/0.1.0 (gw=g{}; vm={number:08x}; rev={last}; state=ok)\r\n\r\n",
            number / VMS
        );
        let (head, body) = ask(&mut stream, &request).await;
        if let Some(new) = head.lines().find_map(|line| line.strip_prefix("etag: ")) {
            tag = new.to_owned();
        }
        if let Some(revision) = revision(&body) {
            // The last delta, if the gateway lacks only that one.
            if last > 0
                && let Some(object) = object(&body)
            {
                let request = format!("GET /o/{object}.delta HTTP/1.1\r\nhost: x\r\n\r\n");
                let (head, _) = ask(&mut stream, &request).await;
                assert!(head.starts_with("http/1.1 200"), "{head}");
            }
            let now = Instant::now();
            let mut times = times.lock().unwrap();
            let published = times
                .published
                .iter()
                .find(|(of, _)| *of == revision)
                .map(|(_, at)| *at);
            // A revision that is seen before its publisher has ended took no time.
            let took = published.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            times.seen.push(took);
            last = revision;
        }
        if let Asking::Polling = asking {
            let jitter = (number as u64 * 7_919) % 2_000;
            tokio::time::sleep(Duration::from_millis(4_000 + jitter)).await;
        }
    }
}

/// Returns the head of an answer, in lower case, and its body.
async fn ask(stream: &mut TcpStream, request: &str) -> (String, Vec<u8>) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = match head.starts_with("http/1.1 304") {
                true => 0,
                false => length.map_or(0, |length| length.parse().unwrap()),
            };
            if bytes.len() >= end + 4 + length {
                return (head, bytes[end + 4..].to_vec());
            }
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the server closed");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn json(head: &[u8]) -> Option<serde_json::Value> {
    let text = head.splitn(3, |byte| *byte == b'\n').nth(2)?;
    serde_json::from_slice(text).ok()
}

pub(crate) fn revision(head: &[u8]) -> Option<u64> {
    json(head)?["revision"].as_u64()
}

fn object(head: &[u8]) -> Option<String> {
    let json = json(head)?;
    let last = json["deltas"]
        .as_array()?
        .iter()
        .max_by_key(|delta| delta["from"].as_u64())?;
    Some(last["sha256"].as_str()?.to_owned())
}
