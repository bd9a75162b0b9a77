//! The module's only thread, because Envoy has no timer for filters. It schedules a call of every
//! configuration on Envoy's main thread each second and soon after a request, and of a follower
//! when it asks for one. It also frees what workers no longer serve: neither a worker nor the main
//! thread should wait until a million keys are freed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyward::configuration::Configuration;

use crate::abi::Scheduler;
use crate::boundary::caught;

/// The time between two rounds if nothing happens.
const PERIOD: Duration = Duration::from_secs(1);

/// The time from the first request after a round to the next round. Everything counted in between
/// is reported together.
const SOON: Duration = Duration::from_millis(100);

/// Why a configuration is called: for its round, or for its followers.
pub(crate) const ROUND: u64 = 0;
pub(crate) const FEED: u64 = 1;

/// The running thread.
pub(crate) struct Timer {
    tasks: Arc<Tasks>,
    thread: JoinHandle<()>,
}

/// What the thread has to do.
#[derive(Default)]
pub(crate) struct Tasks {
    work: Mutex<Work>,
    is_there: Condvar,
}

#[derive(Default)]
struct Work {
    ends: bool,
    /// Whether a request was counted.
    is_asked: bool,
    dropped: Vec<Arc<Configuration>>,
    due: Vec<Due>,
}

/// A configuration whose followers want a call.
struct Due {
    number: u64,
    at: Instant,
    scheduler: Arc<Scheduler>,
}

impl Timer {
    /// Starts the thread, which calls `call_all` for a round. Returns `None` if the process cannot
    /// start one.
    pub(crate) fn start(call_all: fn()) -> Option<Self> {
        let tasks = Arc::new(Tasks::default());
        let own = Arc::clone(&tasks);
        let thread = std::thread::Builder::new()
            .name("keyward".to_owned())
            .spawn(move || run(&own, call_all))
            .ok()?;
        Some(Self { tasks, thread })
    }

    pub(crate) fn tasks(&self) -> &Arc<Tasks> {
        &self.tasks
    }

    /// Ends the thread, and waits for it. The caller must not hold a lock that a round needs.
    pub(crate) fn end(self) {
        self.tasks.change(|work| work.ends = true);
        // If this is the thread itself, it ends on its own.
        if self.thread.thread().id() != std::thread::current().id() {
            let _ = self.thread.join();
        }
    }
}

impl Tasks {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Work)) {
        change(&mut self.work());
        self.is_there.notify_one();
    }

    /// Schedules a call of all configurations soon.
    pub(crate) fn ask(&self) {
        self.change(|work| work.is_asked = true);
    }

    /// Makes the thread drop these.
    pub(crate) fn discard(&self, dropped: impl IntoIterator<Item = Arc<Configuration>>) {
        self.change(|work| work.dropped.extend(dropped));
    }

    /// Schedules a call of that configuration's followers in this many milliseconds, or sooner if
    /// that was scheduled for another follower.
    pub(crate) fn wake(&self, number: u64, scheduler: Arc<Scheduler>, milliseconds: u64) {
        let at = Instant::now() + Duration::from_millis(milliseconds);
        self.change(
            |work| match work.due.iter_mut().find(|due| due.number == number) {
                Some(due) => due.at = due.at.min(at),
                None => work.due.push(Due {
                    number,
                    at,
                    scheduler,
                }),
            },
        );
    }

    /// Cancels the call of a configuration's followers.
    pub(crate) fn forget(&self, number: u64) {
        self.change(|work| work.due.retain(|due| due.number != number));
    }
}

/// What to do now.
struct Turn {
    ends: bool,
    is_round: bool,
    dropped: Vec<Arc<Configuration>>,
    due: Vec<Due>,
}

fn run(tasks: &Tasks, call_all: fn()) {
    let mut round_at = Instant::now() + PERIOD;
    loop {
        let turn = wait(tasks, &mut round_at);
        caught(|| drop(turn.dropped));
        if turn.ends {
            return;
        }
        caught(|| {
            for due in turn.due {
                due.scheduler.commit(FEED);
            }
        });
        if turn.is_round {
            caught(call_all);
        }
    }
}

fn wait(tasks: &Tasks, round_at: &mut Instant) -> Turn {
    let mut work = tasks.work();
    loop {
        let now = Instant::now();
        if std::mem::take(&mut work.is_asked) {
            // Events soon afterwards are reported in the same round.
            *round_at = (*round_at).min(now + SOON);
        }
        let due = work.due.iter().map(|due| due.at);
        let next = due.fold(*round_at, Instant::min);
        if work.ends || !work.dropped.is_empty() || next <= now {
            let is_round = *round_at <= now;
            if is_round {
                *round_at = now + PERIOD;
            }
            let all = std::mem::take(&mut work.due);
            let (due, later) = all.into_iter().partition(|due| due.at <= now);
            work.due = later;
            return Turn {
                ends: work.ends,
                is_round,
                dropped: std::mem::take(&mut work.dropped),
                due,
            };
        }
        let waited = tasks.is_there.wait_timeout(work, next - now);
        work = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
