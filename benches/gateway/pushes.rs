//! The cost of a push: how long a revoked key still passes, how long the worker answers nothing,
//! and how much memory Envoy uses before and after.
//!
//! Two snapshots alternate. In one of them, the key that a steady client sends is deleted, so every
//! second push revokes it, and the next one restores it.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::bootstraps;
use crate::client::{Answer, Client, Pace};
use crate::figures::Figure;
use crate::machine::Cores;
use crate::process;
use crate::support::pb::Wrapper;
use crate::support::{Ecds, Envoy, Host, LONG, Push, eventually};
use crate::world::{Kind, World, sdk_request};

/// The form of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A `StringValue` in a JSON file.
    Json,
    /// A `BytesValue` in a `.pb` file.
    Packed,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Packed => "packed",
        }
    }
}

/// Returns a host's name on the page.
pub fn name(host: Host) -> &'static str {
    match host {
        Host::Wasm => "wasm",
        Host::Native => "native",
    }
}

/// The result of pushing one size in one form.
#[derive(Debug)]
pub struct Pushed {
    pub host: Host,
    pub form: Form,
    pub keys: u32,
    /// The size of the configuration in bytes.
    pub size: usize,
    /// The measurements, or `None` if Envoy or the filter rejects a configuration of this size.
    pub taken: Option<Taken>,
}

#[derive(Debug)]
pub struct Taken {
    /// The times from each rename that revoked the key to the last request that still passed.
    pub revoked: Vec<Duration>,
    /// The longest time for an answer around each push.
    pub pauses: Vec<Duration>,
    /// The same after each push, for an equally long time without one.
    pub calm: Vec<Duration>,
    /// Envoy's memory in bytes: before the first push, after it, and after the last.
    pub resident: [u64; 3],
    pub pushes: usize,
    /// The worker's linear memory after two pushes and after the last.
    pub linear: [u64; 2],
}

impl Taken {
    /// Returns how much longer a request had to wait at most during a push than without one, in
    /// milliseconds: the median.
    pub fn wait(&self) -> f64 {
        let waits = self.pauses.iter().zip(&self.calm);
        let more = waits.map(|(pause, calm)| (pause.as_secs_f64() - calm.as_secs_f64()) * 1e3);
        Figure::of(more.collect()).median
    }
}

/// The requests per second of the steady client, so that a pause is visible to the millisecond.
const RATE: u32 = 1_000;
const CONNECTIONS: usize = 4;

/// The time between a push that has arrived and the next, so that all its work is finished.
const REST: Duration = Duration::from_millis(500);

pub fn measure(host: Host, form: Form, keys: u32, pushes: usize, cores: &Cores) -> Pushed {
    eprintln!(
        "bench: {pushes} pushes of {keys} keys, {}, {}",
        form.name(),
        name(host)
    );
    let world = World::new(keys, Kind::Restricted);
    // The first restricted key.
    let revoked = if keys == 1 { 0 } else { 1 };
    let configurations = [None, Some(revoked)].map(|revoked| Content::new(form, world, revoked));
    let size = configurations[0].size();
    let ecds = match form {
        Form::Json => Ecds::Json,
        Form::Packed => Ecds::Pb,
    };
    let envoy = Envoy::builder()
        .host(host)
        .edit(bootstraps::strip)
        .ecds(ecds)
        .config("{}")
        .start();
    cores.pin_worker(process::worker(envoy.process_id()));
    envoy.settled(LONG);
    let key = world.keys_of(Kind::Restricted, 1).remove(0);
    let request = sdk_request(&key, None);
    let watched = Watched::start(&envoy, request);
    thread::sleep(REST * 2);
    let mut taken = Taken {
        revoked: Vec::new(),
        pauses: Vec::new(),
        calm: Vec::new(),
        resident: [process::resident(envoy.process_id()); 3],
        pushes,
        linear: [0; 2],
    };
    let (mut renamed, mut rested) = (Vec::new(), Vec::new());
    for push in 0..pushes {
        let content = &configurations[push % 2];
        content.push(&envoy);
        renamed.push(last_rename(&envoy));
        if envoy.settled(LONG) != Push::Accepted {
            drop(watched.stop());
            return Pushed {
                host,
                form,
                keys,
                size,
                taken: None,
            };
        }
        watched.until(if push % 2 == 0 { 200 } else { 401 });
        thread::sleep(REST);
        // Equally long, without a push.
        let rest = Instant::now();
        thread::sleep(rest - renamed[push]);
        rested.push((rest, Instant::now()));
        let process = envoy.process_id();
        if push == 0 {
            taken.resident[1] = process::resident(process);
        }
        if push == 1 {
            taken.linear[0] = process::linear_memories(process)
                .first()
                .copied()
                .unwrap_or(0);
        }
        taken.resident[2] = process::resident(process);
        taken.linear[1] = process::linear_memories(process)
            .first()
            .copied()
            .unwrap_or(0);
    }
    let answers = watched.stop();
    let longest = |from: Instant, to: Instant| {
        let within = answers
            .iter()
            .filter(|answer| answer.at >= from && answer.at - answer.latency <= to);
        within
            .map(|answer| answer.latency)
            .max()
            .unwrap_or_default()
    };
    for (push, (from, (to, end))) in renamed.iter().zip(rested).enumerate() {
        taken.pauses.push(longest(*from, to));
        taken.calm.push(longest(to, end));
        if push % 2 == 1 {
            let passed = answers
                .iter()
                .filter(|answer| answer.status == 200 && answer.at >= *from && answer.at < to);
            let last = passed.map(|answer| answer.at - *from).max();
            taken.revoked.push(last.unwrap_or_default());
        }
    }
    Pushed {
        host,
        form,
        keys,
        size,
        taken: Some(taken),
    }
}

/// Returns when the kernel last changed the watched folder, to its tick. The process that renames
/// may be suspended before it reads a clock.
fn last_rename(envoy: &Envoy) -> Instant {
    let file = envoy.ecds_file();
    let changed = fs::metadata(file.parent().unwrap()).unwrap().modified();
    let ago = SystemTime::now().duration_since(changed.unwrap());
    Instant::now() - ago.unwrap_or_default()
}

enum Content {
    Json(String),
    Packed(Vec<u8>),
}

impl Content {
    fn new(form: Form, world: World, revoked: Option<u32>) -> Self {
        let revision = if revoked.is_some() { 2 } else { 1 };
        match form {
            Form::Json => Self::Json(world.configuration(revision, revoked)),
            Form::Packed => Self::Packed(world.packed(revision, revoked)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Json(text) => text.len(),
            Self::Packed(bytes) => bytes.len(),
        }
    }

    /// Returns when the new file has just been renamed over the old one.
    fn push(&self, envoy: &Envoy) {
        match self {
            Self::Json(text) => envoy.push(text),
            Self::Packed(bytes) => envoy.push_pb(Wrapper::Bytes, bytes),
        }
    }
}

/// A client that sends steadily on a separate thread.
struct Watched {
    state: std::sync::Arc<State>,
    thread: thread::JoinHandle<Vec<Answer>>,
}

#[derive(Default)]
struct State {
    stops: AtomicBool,
    status: AtomicU16,
}

impl Watched {
    fn start(envoy: &Envoy, request: Vec<u8>) -> Self {
        let state = std::sync::Arc::new(State::default());
        let (shared, address) = (std::sync::Arc::clone(&state), envoy.address());
        let thread = thread::spawn(move || {
            let mut client = Client::new(address, CONNECTIONS, vec![request]);
            let mut answers = Vec::new();
            client.run(Pace::Steady(RATE), |answer| {
                answers.push(answer);
                shared.status.store(answer.status, Ordering::Relaxed);
                !shared.stops.load(Ordering::Relaxed)
            });
            answers
        });
        Self { state, thread }
    }

    /// Waits until the last answer has this status.
    fn until(&self, status: u16) {
        eventually("the worker serves what was pushed", LONG, || {
            (self.state.status.load(Ordering::Relaxed) == status).then_some(())
        });
    }

    fn stop(self) -> Vec<Answer> {
        self.state.stops.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
