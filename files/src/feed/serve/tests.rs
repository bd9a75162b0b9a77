#![allow(clippy::string_slice, reason = "these texts are ASCII")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::listen::{self, Address, Listener};
use super::{Feed, Settings};
use crate::feed::store::{FeedStore, Folder, Mutable, ObjectKind, ObjectName, Version};

/// Longer than anything in these tests takes.
const BOUND: Duration = Duration::from_secs(20);

struct Server {
    runtime: Option<Runtime>,
    feed: Arc<Feed>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Path, settings: Settings) -> Self {
        let runtime = Runtime::new().unwrap();
        let feed = Feed::open(folder, settings).unwrap();
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(async {
            let address = Address::parse("127.0.0.1:0").unwrap();
            Listener::bind(&address).await.unwrap()
        });
        let address = ([127, 0, 0, 1], listener.port().unwrap()).into();
        let serving = runtime.spawn(listen::serve(listener, feed.router(), 100, stopped));
        Self {
            runtime: Some(runtime),
            feed,
            stop,
            serving: Some(serving),
            address,
        }
    }

    fn ask(&self, request: &str) -> Connection {
        Connection::to(self.address, request)
    }

    fn get(&self, path: &str, headers: &str) -> Answer {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        self.ask(&request).answer()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.feed.stop();
        let runtime = self.runtime.take().unwrap();
        runtime.block_on(self.serving.take().unwrap()).unwrap();
        runtime.shutdown_timeout(BOUND);
    }
}

struct Connection(TcpStream);

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Connection {
    fn to(address: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        Self(stream)
    }

    /// Reads everything until the server closes the connection.
    fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: bytes[end + 4..].to_vec(),
        }
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn head(text: &str) -> Vec<u8> {
    format!("untrusted comment: x\nc2ln\n{text}").into_bytes()
}

fn swap(store: &Folder, expected: Option<&Version>, text: &str) {
    store.swap(Mutable::Head, expected, &head(text)).unwrap();
}

fn version(store: &Folder) -> Version {
    store.read(Mutable::Head, 9_999).unwrap().unwrap().1
}

/// Waits until this many polls wait.
fn wait_for_polls(feed: &Feed, count: usize) {
    let begun = Instant::now();
    while feed.settings.most_polls - feed.polls.available_permits() != count {
        assert!(begun.elapsed() < BOUND, "{count} polls");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_poll_waits_for_the_next_head_and_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    let server = Server::start(folder.path(), Settings::default());
    assert_eq!(server.get("/head", "prefer: wait=9\r\n").status, 404);
    swap(&store, None, r#"{"revision":7}"#);
    let begun = Instant::now();
    let first = loop {
        let answer = server.get("/head", "");
        match answer.status {
            404 => assert!(begun.elapsed() < BOUND),
            _ => break answer,
        }
    };
    assert_eq!(
        (first.status, &first.body),
        (200, &head(r#"{"revision":7}"#))
    );
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    assert_eq!(first.header("preference-applied"), None);
    let tag = first.header("etag").unwrap().to_owned();
    let known = format!("if-none-match: {tag}\r\n");
    // The first poll of a gateway learns at once that this server waits.
    let begun = Instant::now();
    let asked = server.get("/head", "prefer: wait=600\r\n");
    assert_eq!((asked.status, &asked.body), (200, &first.body));
    assert_eq!(asked.header("preference-applied"), Some("wait=55"));
    assert!(begun.elapsed() < BOUND);
    // Without a preference the answer is immediate.
    let same = server.get("/head", &known);
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), Some(&*tag));
    // With one, the answer comes when the time is over.
    let begun = Instant::now();
    let same = server.get("/head", &format!("{known}prefer: wait=1\r\n"));
    assert_eq!(same.status, 304);
    assert_eq!(same.header("preference-applied"), Some("wait=1"));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    // Or it comes as soon as there is another head.
    let request = format!(
        "GET /head HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{known}prefer: wait=30\r\n\r\n"
    );
    let waiting = server.ask(&request);
    wait_for_polls(&server.feed, 1);
    swap(&store, Some(&version(&store)), r#"{"revision":8}"#);
    let next = waiting.answer();
    assert_eq!((next.status, &next.body), (200, &head(r#"{"revision":8}"#)));
    assert_eq!(next.header("preference-applied"), Some("wait=30"));
    assert_ne!(next.header("etag"), Some(&*tag));
}

#[test]
fn a_client_that_hangs_up_frees_its_place_and_too_many_are_answered_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    swap(&store, None, "{}");
    let settings = Settings {
        most_polls: 1,
        longest_wait: Duration::from_secs(600),
    };
    let server = Server::start(folder.path(), settings);
    let tag = server.get("/head", "").header("etag").unwrap().to_owned();
    let waits = format!("if-none-match: {tag}\r\nprefer: wait=300\r\n");
    let request = format!("GET /head HTTP/1.1\r\nhost: x\r\n{waits}\r\n");
    let first = server.ask(&request);
    wait_for_polls(&server.feed, 1);
    let second = server.get("/head", &waits);
    assert_eq!(second.status, 304);
    assert_eq!(second.header("preference-applied"), None);
    drop(first);
    wait_for_polls(&server.feed, 0);
}

#[test]
fn who_waits_is_answered_when_the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    swap(&store, None, "{}");
    let server = Server::start(folder.path(), Settings::default());
    let tag = server.get("/head", "").header("etag").unwrap().to_owned();
    let request =
        format!("GET /head HTTP/1.1\r\nhost: x\r\nif-none-match: {tag}\r\nprefer: wait=50\r\n\r\n");
    let waiting = server.ask(&request);
    wait_for_polls(&server.feed, 1);
    drop(server);
    let answer = waiting.answer();
    assert_eq!(answer.status, 304);
    assert_eq!(answer.header("preference-applied"), None);
}

#[test]
fn objects_are_served_whole_and_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..600_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let name = ObjectName::of(ObjectKind::Base, &bytes);
    store.put_new(&name, &bytes).unwrap();
    let server = Server::start(folder.path(), Settings::default());
    let path = format!("/o/{name}");
    let whole = server.get(&path, "");
    assert_eq!((whole.status, whole.body == bytes), (200, true));
    let forever = "public, max-age=31536000, immutable";
    assert_eq!(whole.header("cache-control"), Some(forever));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let part = server.get(&path, "range: bytes=262144-524287\r\n");
    assert_eq!(part.status, 206);
    assert_eq!(
        part.header("content-range"),
        Some("bytes 262144-524287/600000")
    );
    assert_eq!(part.header("content-length"), Some("262144"));
    assert!(part.body == bytes[262_144..524_288]);
    let end = server.get(&path, "range: bytes=599999-700000\r\n");
    assert_eq!((end.status, &*end.body), (206, &bytes[599_999..]));
    let behind = server.get(&path, "range: bytes=600000-\r\n");
    assert_eq!(behind.status, 416);
    assert_eq!(behind.header("content-range"), Some("bytes */600000"));
    let same = server.get(&path, &format!("if-none-match: \"{name}\"\r\n"));
    assert_eq!((same.status, same.body.len()), (304, 0));
    let about = format!("HEAD {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let about = server.ask(&about).answer();
    assert_eq!((about.status, about.body.len()), (200, 0));
    assert_eq!(about.header("content-length"), Some("600000"));
}

#[test]
fn nothing_else_in_the_folder_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    store.swap(Mutable::Retired, None, b"{}").unwrap();
    fs::create_dir(folder.path().join("o")).unwrap();
    fs::write(folder.path().join("o/secret"), "x").unwrap();
    let absent = ObjectName::of(ObjectKind::Delta, b"absent").to_string();
    let server = Server::start(folder.path(), Settings::default());
    for path in [
        "/",
        "/retired",
        "/o/",
        "/o/secret",
        "/o/../retired",
        "/o/..%2fretired",
        "/o/%2e%2e/retired",
        "//retired",
        &format!("/o/{absent}"),
        &format!("/o/x/{absent}"),
    ] {
        assert_eq!(server.get(path, "").status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let request = format!(
            "{method} /head HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(server.ask(&request).answer().status, 405, "{method}");
    }
    let long = format!("x: {}\r\n", "y".repeat(20_000));
    assert_eq!(server.get("/head", &long).status, 431);
}

#[test]
fn the_fleet_shows_what_polls_say() {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::open(folder.path()).unwrap();
    swap(&store, None, r#"{"revision":7,"issued_at":1}"#);
    let server = Server::start(folder.path(), Settings::default());
    server.get(
        "/head",
        "user-agent: keyward/0.1.0 (gw=edge-1; vm=00c0ffee; rev=6; state=loading)\r\n",
    );
    let page = server.get("/fleet", "");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let page: serde_json::Value = serde_json::from_slice(&page.body).unwrap();
    assert_eq!(page["revision"], 7);
    assert_eq!(page["vms"][0]["gateway"], "edge-1");
    assert_eq!(page["vms"][0]["revision"], 6);
    assert_eq!(page["vms"][0]["is_waiting"], false);
}
