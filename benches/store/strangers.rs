//! Whether the time of an answer tells a tenant that another tenant has something: the same questions about records of another tenant and about
//! none, in turn, to the whole server on its socket, as Envoy sends them.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use keyward::digest::KeyDigest;

use crate::pages::{Console, SECRET, between};
use crate::work::Times;

/// How many pairs of questions are compared.
const PAIRS: usize = 2_000;

/// About how many records: each is asked for many times, so that all are in memory.
const RECORDS: usize = 50;

/// The keys that ask, in turn: one may ask a hundred times a second.
const ASKING: usize = 40;

/// A question: what it is called, its method, its permission, and of a number and whether the record exists its path and its body.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    method: &'static str,
    permission: (&'static str, &'static str),
    path: fn(u64, bool) -> String,
    body: fn(u64, bool) -> String,
    pairs: usize,
}

/// The id of a key of `acct_1`, or the one next to it in the index, which no key has.
fn key(number: u64, is_there: bool) -> String {
    let id = format!("mk_{number:016}");
    if is_there {
        return id;
    }
    format!("{}x", id.get(..id.len() - 1).unwrap_or_default())
}

fn nothing(_: u64, _: bool) -> String {
    String::new()
}

/// What a tenant may ask about.
pub(crate) const QUESTIONS: [Question; 4] = [
    Question {
        name: "a key",
        method: "GET",
        permission: ("api_key", "read"),
        path: |number, is_there| format!("/v2/iam/api_keys/{}", key(number, is_there)),
        body: nothing,
        pairs: PAIRS,
    },
    Question {
        name: "a change of a key",
        method: "POST",
        permission: ("api_key", "write"),
        path: |number, is_there| format!("/v2/iam/api_keys/{}", key(number, is_there)),
        body: |_, _| r#"{"note": "mine"}"#.to_owned(),
        pairs: PAIRS,
    },
    Question {
        name: "an account",
        method: "GET",
        permission: ("account", "read"),
        path: |_, is_there| format!("/v2/keyward/accounts/acct_{}", if is_there { 1 } else { 9 }),
        body: nothing,
        pairs: PAIRS,
    },
    Question {
        name: "a digest",
        method: "POST",
        permission: ("api_key", "read"),
        path: |_, _| "/v2/keyward/api_keys/lookup".to_owned(),
        body: |number, is_there| {
            let text = format!("{}-{number}", if is_there { "FAKE" } else { "NONE" });
            format!(r#"{{"sha256": "{}"}}"#, KeyDigest::of(text.as_bytes()))
        },
        // A key may ask five times a second.
        pairs: PAIRS / 4,
    },
];

/// The tenant `acct_2`, which asks.
pub(crate) struct Tenant {
    keys: Vec<String>,
    connection: BufReader<UnixStream>,
}

impl Tenant {
    pub(crate) fn start(console: &Console) -> Self {
        let keys = (0..ASKING).map(|_| make(console.admin())).collect();
        let connection = BufReader::new(UnixStream::connect(console.api()).unwrap());
        Self { keys, connection }
    }

    /// How long the answers take about records that another tenant has, about none, and once more about none.
    pub(crate) fn compare(&mut self, question: &Question) -> [Times; 3] {
        let mut times = [Times::default(), Times::default(), Times::default()];
        // The first pairs put what they read into memory.
        for pair in 0..question.pairs + RECORDS {
            let number = (pair % RECORDS) as u64 * 8 + 1;
            // Each goes first as often as the others.
            for turn in 0..3 {
                let which = (turn + pair) % 3;
                let took = self.ask(question, pair, number, which == 0);
                if let (true, Some(times)) = (pair >= RECORDS, times.get_mut(which)) {
                    times.push(took);
                }
            }
        }
        times
    }

    /// Asks until the key may ask again.
    fn ask(&mut self, question: &Question, pair: usize, number: u64, is_there: bool) -> Duration {
        let key = self.keys.get(pair % ASKING).unwrap().clone();
        let (permission, access) = question.permission;
        let body = (question.body)(number, is_there);
        let text = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\nx-keyward-gateway: {SECRET}\r\nx-forwarded-for: 192.0.2.1\r\n\
             x-keyward-principal: key=\"{key}\", kind=restricted, livemode=?1, account=\"acct_2\", permission=\"{permission}\", access={access}, revision=1\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            question.method,
            (question.path)(number, is_there),
            body.len()
        );
        loop {
            let began = Instant::now();
            self.connection
                .get_mut()
                .write_all(text.as_bytes())
                .unwrap();
            let status = self.answer();
            let took = began.elapsed();
            match status {
                404 => return took,
                429 => std::thread::sleep(Duration::from_millis(50)),
                other => panic!("{}: {other}", question.name),
            }
        }
    }

    fn answer(&mut self) -> u16 {
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().unwrap().parse().unwrap();
            }
            if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).unwrap();
        status
    }
}

/// Makes a key that may ask, by the socket of the machine's own user.
fn make(admin: &Path) -> String {
    let body = r#"{"type": "secret_key", "permissions": ["api_key_write", "account_read"],
        "keyward": {"owner": "acct_2", "livemode": true, "override_policy": true, "reason": "a benchmark"}}"#;
    let mut stream = UnixStream::connect(admin).unwrap();
    write!(
        stream,
        "POST /v2/iam/api_keys HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    format!("mk_{}", between(&answer, "\"id\": \"mk_", "\""))
}
