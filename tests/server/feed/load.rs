//! Ends under a load of creations, with one gateway of three that is cut off and comes back all the time: what the server calls `everywhere` is held against the
//! answers of every worker.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_harness::http::Connection;
use keyward_harness::{BOUND, LONG, Relay, eventually};
use serde_json::{Value, json};

use super::edge::{Edge, ask, feed};
use crate::world::World;

/// How many keys are ended; `make soak` asks for 1,000.
fn ends() -> usize {
    let asked = std::env::var("KEYWARD_FLEET_ENDS").ok();
    asked.map_or(40, |text| text.parse().unwrap())
}

/// How many creations a second are tried, by how many connections, and how many of them each sends at a time.
const RATE: u32 = 520;
const CREATORS: u32 = 8;
const AT_A_TIME: u32 = 4;
/// How many clients end keys.
const ENDERS: usize = 6;

/// A client that makes keys by one connection to the server's own socket, where they cost no more than the server's work.
struct Creator {
    stream: BufReader<UnixStream>,
    requests: String,
}

impl Creator {
    fn new(world: &World) -> Self {
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"],
            "keyward": {"owner": "acct_widgets", "livemode": true},
        });
        let body = body.to_string();
        let request = format!(
            "POST /v2/iam/api_keys HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = UnixStream::connect(world.data().join("admin/admin.sock")).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self {
            stream: BufReader::new(stream),
            requests: (0..AT_A_TIME).map(|_| request.as_str()).collect(),
        }
    }

    /// Makes [`AT_A_TIME`] keys.
    fn create(&mut self) {
        let stream = self.stream.get_mut();
        stream.write_all(self.requests.as_bytes()).unwrap();
        for _ in 0..AT_A_TIME {
            self.read_answer();
        }
    }

    fn read_answer(&mut self) {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "{head}");
            if line == "\r\n" {
                break;
            }
            if let Some(number) = line.strip_prefix("content-length: ") {
                length = number.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}{text}");
        assert!(text.contains("\"token\""), "{text}");
    }
}

/// The seconds that a process has run.
fn ran(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = text.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    // utime and stime, the fields 14 and 15 of the whole line, in ticks of 10 ms.
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// Ends the load whatever else ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What was said of the ends.
#[derive(Default)]
struct Told {
    everywhere: AtomicUsize,
    /// How long each of those took.
    took: Mutex<Vec<Duration>>,
    /// Values and changes of those that were not everywhere in time.
    later: Mutex<Vec<(String, Value)>>,
}

impl Told {
    fn later(&self) -> usize {
        self.later.lock().unwrap().len()
    }
}

/// Every worker refuses the value of a key whose end was said to be everywhere.
#[track_caller]
fn is_refused(workers: &mut [Connection], value: &str, said: &Value) {
    for (worker, connection) in workers.iter_mut().enumerate() {
        assert_eq!(ask(connection, value), 401, "worker {worker}: {said}");
    }
}

#[test]
fn everywhere_is_never_said_too_early_under_a_load_of_creations() {
    let world = World::start_with(|data| {
        feed(data, "");
        let file = data.join("keyward-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let more = text.replace(
            "creations_per_second = 10\n",
            "creations_per_second = 10000\n",
        );
        assert_ne!(text, more);
        std::fs::write(file, more).unwrap();
    });
    world.account("acct_widgets");
    let relay = Relay::to(world.gateway);
    let data = world.data();
    let edges = ["edge-1", "edge-2", "edge-3"].map(|name| {
        let source = if name == "edge-3" {
            relay.address
        } else {
            world.gateway
        };
        Edge::start(name, &world.gateway_key(name), source, &data)
    });
    let keys: Vec<(String, String)> = (0..ends()).map(|_| world.customer_key()).collect();
    let (_, last) = keys.last().unwrap();
    for edge in &edges {
        edge.comes_to(last, 200);
    }
    let workers = || -> Vec<Connection> {
        let all = edges.iter().map(|edge| edge.envoy.worker_connections());
        all.flatten().collect()
    };
    let left = Mutex::new(keys.iter());
    let (told, is_over, created) = (Told::default(), AtomicBool::new(false), AtomicU32::new(0));
    let processes = [
        ("the server", world.server.id()),
        ("the Envoy before it", world.envoy_id()),
        ("the three gateways", edges[0].envoy.process_id()),
        ("", edges[1].envoy.process_id()),
        ("", edges[2].envoy.process_id()),
        ("the clients", std::process::id()),
    ];
    let before = processes.map(|(_, process)| ran(process));
    let begun = Instant::now();
    thread::scope(|scope| {
        let over = Over(&is_over);
        for _ in 0..CREATORS {
            scope.spawn(|| {
                let pause = Duration::from_secs(1) * CREATORS * AT_A_TIME / RATE;
                let mut creator = Creator::new(&world);
                let mut next = Instant::now();
                while !is_over.load(Ordering::SeqCst) {
                    creator.create();
                    created.fetch_add(AT_A_TIME, Ordering::Relaxed);
                    next += pause;
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        // It is cut off until an end was not everywhere, and back until one was.
        scope.spawn(|| {
            let changes = |now: &dyn Fn() -> usize| {
                let before = now();
                while now() == before && !is_over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(5));
                }
            };
            while !is_over.load(Ordering::SeqCst) {
                relay.cut();
                changes(&|| told.later());
                relay.heal();
                changes(&|| told.everywhere.load(Ordering::SeqCst));
            }
        });
        let enders: Vec<_> = (0..ENDERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut workers = workers();
                    loop {
                        let next = left.lock().unwrap().next();
                        let Some((id, value)) = next else { return };
                        let asked = Instant::now();
                        let said = world.expire(id, 2);
                        if said["state"] == "everywhere" {
                            told.took.lock().unwrap().push(asked.elapsed());
                            is_refused(&mut workers, value, &said);
                            told.everywhere.fetch_add(1, Ordering::SeqCst);
                        } else {
                            let late = (value.clone(), said["change"].clone());
                            told.later.lock().unwrap().push(late);
                        }
                    }
                })
            })
            .collect();
        for ender in enders {
            ender.join().unwrap();
        }
        drop(over);
    });
    let seconds = begun.elapsed().as_secs_f64();
    let rate = f64::from(created.load(Ordering::SeqCst)) / seconds;
    // Who used the machine, and what a creation costs: what limits the rate if it is not reached.
    let each = 1_000.0 / f64::from(created.load(Ordering::SeqCst));
    for ((name, process), before) in processes.into_iter().zip(before) {
        let used = ran(process) - before;
        let (part, each) = (used / seconds, used * each);
        println!("{name:>20} {part:.2} of a core, {each:.2} ms a creation");
    }
    relay.heal();
    let mut took = told.took.into_inner().unwrap();
    took.sort_unstable();
    if let (Some(least), Some(most)) = (took.first(), took.last()) {
        let half = took[took.len() / 2];
        println!("to everywhere in time: least {least:.0?}, median {half:.0?}, most {most:.0?}");
    }
    let later = told.later.into_inner().unwrap();
    let everywhere = told.everywhere.into_inner();
    println!(
        "{} ends: {everywhere} everywhere in time, {} later; {rate:.0} creations a second",
        ends(),
        later.len()
    );
    assert!(
        everywhere > 0 && !later.is_empty(),
        "{everywhere} and {}",
        later.len()
    );
    let mut workers = workers();
    for (value, change) in &later {
        let said = eventually("it is everywhere after all", BOUND, || {
            let path = format!("/v2/keyward/changes/{change}?wait=20");
            let asked = world.api("GET", &path, None);
            // One key may ask a hundred times a second, and there are hundreds of changes.
            if asked.status == 429 {
                return None;
            }
            assert_eq!(asked.status, 200, "{}", asked.text());
            let said = asked.json();
            (said["state"] == "everywhere").then_some(said)
        });
        is_refused(&mut workers, value, &said);
    }
    println!(
        "all {} ends were refused by all {} workers once they were everywhere",
        ends(),
        workers.len()
    );
}
