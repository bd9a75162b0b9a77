//! A soak test: steady mixed load and many pushes, for `SOAK_SECONDS` (two minutes by default,
//! thirty with `make soak`). Every verdict must be right for one of the revisions that a worker can
//! have served between a request and its answer. No answer may be a 5xx or missing. After the first
//! hundred pushes, Envoy's memory may not grow by more than a twentieth.

mod feed;
mod plan;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::bootstrap::hcm;
use crate::support::h2::{self, Outcome};
use crate::support::http::{Connection, Response};
use crate::support::{BOUND, Envoy, Push, eventually};
use plan::Request;

/// The pushes in a run of ten minutes or more. A shorter run makes four per second.
const PUSHES: u64 = 1_000;

/// The number of pushes before Envoy's memory is measured.
const WARM: u64 = 100;

fn seconds() -> u64 {
    std::env::var("SOAK_SECONDS").map_or(120, |text| text.parse().expect("SOAK_SECONDS: a number"))
}

/// The state that the load and the pushes share.
#[derive(Default)]
struct Shared {
    /// Every worker serves at least this revision.
    everywhere: AtomicU64,
    /// The latest revision that was pushed.
    pushed: AtomicU64,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct Told {
    requests: u64,
    passed: u64,
    faults: Vec<String>,
}

impl Told {
    /// Checks one answer against the revisions that may have been served meanwhile.
    fn judge(&mut self, request: &Request, first: u64, last: u64, answer: Option<&Response>) {
        self.requests += 1;
        let Some(answer) = answer else {
            return self.fault(format!("{request:?}: no answer"));
        };
        let reason = answer.header("x-keyward-denied");
        let is_denial = answer.status != 200;
        let is_right = is_denial == reason.is_some()
            && answer.status < 500
            && (first..=last).any(|revision| request.denied_at(revision) == reason);
        if !is_right {
            let status = answer.status;
            self.fault(format!(
                "{request:?}: {status} {reason:?} at revision {first} to {last}"
            ));
        }
        self.passed += u64::from(!is_denial);
        if !is_denial && request.method != "HEAD" {
            let principal = answer.json()["principal"].to_string();
            let whose = format!("key=\\\"mk_{}\\\"", request.key);
            if !principal.contains(&whose) {
                self.fault(format!("{request:?}: the upstream received {principal}"));
            }
        }
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < 20 {
            self.faults.push(what);
        }
    }
}

/// Sends requests continuously, over one connection after the other.
fn load(shared: &Arc<Shared>, address: SocketAddr, start: u64, over_2: bool) -> JoinHandle<Told> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut told = Told::default();
        let mut one = Connection::open(address);
        let mut two = h2::Connection::open(address);
        let mut number = start;
        while !shared.stop.load(Ordering::SeqCst) {
            let request = Request::numbered(number);
            number += 1;
            let mut headers = vec![("authorization", request.authorization())];
            headers.extend(request.context.map(|it| ("stripe-context", it.to_owned())));
            let first = shared.everywhere.load(Ordering::SeqCst);
            let (method, path) = (request.method, request.path);
            let answer = if over_2 {
                match two.request(method, path, &headers, b"") {
                    Outcome::Response(response) => Some(response),
                    Outcome::Reset(_) | Outcome::GoAway(_) | Outcome::Closed => None,
                }
            } else {
                one.try_request(method, path, &headers, b"").ok()
            };
            let last = shared.pushed.load(Ordering::SeqCst);
            told.judge(&request, first, last, answer.as_ref());
            let Some(answer) = answer else {
                break;
            };
            // Envoy closes the connection after every 400 over HTTP/1.
            if answer.header("connection") == Some("close") {
                one = Connection::open(address);
            }
            sleep(Duration::from_millis(2));
        }
        told
    })
}

/// Returns the resident memory of Envoy in KiB.
fn resident(envoy: &Envoy) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", envoy.process_id())).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn median(mut samples: Vec<u64>) -> u64 {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// Returns the revision that a worker serves, as it reports it to the upstream.
fn served(connection: &mut Connection, revision: u64) -> u64 {
    let key = (0..plan::KEYS)
        .find(|key| (key + revision) % 6 == 1)
        .unwrap();
    let authorization = [("authorization", format!("Bearer {}", plan::raw(key)))];
    let answer = connection.request("GET", "/v1/balance", &authorization, b"");
    if answer.status != 200 {
        return 0;
    }
    let principal = answer.json()["principal"].as_str().unwrap().to_owned();
    let (_, number) = principal.rsplit_once("revision=").unwrap();
    number.parse().unwrap()
}

#[test]
fn no_wrong_verdict_no_5xx_and_no_growth() {
    let time = Duration::from_secs(seconds());
    let pushes = PUSHES.min(seconds() * 4);
    let envoy = Envoy::builder()
        .concurrency(2)
        .config(plan::configuration(1))
        .edit(|all| {
            // Written in the shipped format, but discarded: the log would have gigabytes.
            for logger in hcm(all)["access_log"].as_array_mut().unwrap() {
                let format = logger["typed_config"]["log_format"].clone();
                let kind =
                    "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
                logger["name"] = json!("envoy.access_loggers.file");
                logger["typed_config"] =
                    json!({"@type": kind, "path": "/dev/null", "log_format": format});
            }
        })
        .start();
    let mut workers = envoy.worker_connections();
    let mut everywhere = |shared: &Shared, revision: u64| {
        for worker in &mut workers {
            eventually("a worker follows", BOUND, || {
                (served(worker, revision) >= revision).then_some(())
            });
        }
        shared.everywhere.store(revision, Ordering::SeqCst);
    };
    let shared = Arc::new(Shared::default());
    shared.pushed.store(1, Ordering::SeqCst);
    everywhere(&shared, 1);
    let threads: Vec<_> = (0..5)
        .map(|number| load(&shared, envoy.address(), number * 131, number == 4))
        .collect();

    let begun = Instant::now();
    let pace = time / u32::try_from(pushes).unwrap();
    let mut memory = Vec::new();
    for number in 1..=pushes {
        let revision = number + 1;
        shared.pushed.store(revision, Ordering::SeqCst);
        let push = envoy.push_and_wait(&plan::configuration(revision));
        assert_eq!(push, Push::Accepted);
        everywhere(&shared, revision);
        if number >= WARM {
            memory.push(resident(&envoy));
        }
        sleep((pace * u32::try_from(number).unwrap()).saturating_sub(begun.elapsed()));
    }
    shared.stop.store(true, Ordering::SeqCst);
    let told: Vec<Told> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let requests: u64 = told.iter().map(|told| told.requests).sum();
    let passed: u64 = told.iter().map(|told| told.passed).sum();
    let faults: Vec<&String> = told.iter().flat_map(|told| &told.faults).collect();
    let part = (memory.len() / 10).max(1);
    let first = median(memory[..part].to_vec());
    let last = median(memory[memory.len() - part..].to_vec());
    println!(
        "soak: {:?}, {requests} requests, {passed} passed, {pushes} pushes, {} faults, {first} KiB after {WARM} pushes, {last} KiB at the end",
        begun.elapsed(),
        faults.len(),
    );
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(requests > seconds() * 50, "{requests}");
    assert!(passed * 20 > requests && passed < requests, "{passed}");
    assert!(last * 20 <= first * 21, "{memory:?}");
    let zeroes = envoy.stats(
        "^http\\.gateway\\.downstream_rq_5xx$|keyward_interlock\\.denied$|vm_reload|workers_behind|rollbacks|host_failure|update_rejected",
    );
    assert!(zeroes.values().all(|count| *count == 0), "{zeroes:?}");
    assert!(zeroes.len() > 3, "{zeroes:?}");
}
