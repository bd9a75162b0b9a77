//! Four connections that read, each with its own thread. A read sees everything that was committed
//! when it began, waits for no writer, and is interrupted after a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::api_cache::ApiCache;
use super::error::{Result, StoreError};
use super::places::{Place, Places};
use super::reader::Reader;
use super::settings;

/// The number of reads that run at the same time.
const READERS: usize = 4;
/// The number of reads in the queue. Further callers wait for a place in it.
const QUEUE: usize = 1_024;
/// The number of steps of SQLite's virtual machine between two looks at the clock: some 0.1 ms.
const STEPS: i32 = 10_000;
/// The time limit of a read.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

type Read = Box<dyn FnOnce(&Reader<'_>) + Send>;

/// A read in the queue.
struct Job {
    read: Read,
    /// The time limit, or `None` for a read of everything, such as a check or an export.
    longest: Option<Duration>,
    /// Its place in the queue, until it is taken from it.
    place: Place,
}

/// The threads, and their queue.
pub(super) struct Readers {
    queue: Option<Sender<Job>>,
    places: Places,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(database: &Path, api: &Arc<ApiCache>) -> Result<Self> {
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let connection = settings::reader(database)?;
            let jobs = Arc::clone(&jobs);
            let api = Arc::clone(api);
            let thread = thread::Builder::new()
                .name("keyward-reader".to_owned())
                .spawn(move || serve(connection, &api, &jobs))
                .map_err(|error| {
                    StoreError::Unavailable(format!("no thread for reading: {error}"))
                })?;
            threads.push(thread);
        }
        Ok(Self {
            queue: Some(queue),
            places: Places::new(QUEUE),
            threads,
        })
    }

    /// Puts a read into the queue.
    pub(super) async fn send(&self, read: Read, longest: Option<Duration>) -> Result<()> {
        let place = self.places.take().await?;
        let job = Job {
            read,
            longest,
            place,
        };
        let sent = self.queue.as_ref().map(|queue| queue.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(StoreError::Unavailable("it is closing".to_owned())),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, api: &ApiCache, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job {
            read,
            longest,
            place,
        }) = next
        else {
            return;
        };
        drop(place);
        let _ = limit(&mut connection, longest);
        // One transaction, so that all statements of a read see the same state.
        let began = connection.execute_batch("BEGIN").is_ok();
        // A panic drops the sender of the answer, and the caller gets an error.
        let _ = catch_unwind(AssertUnwindSafe(|| read(&Reader::new(&connection, api))));
        if began {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
}

/// Interrupts statements of `connection` after `longest`.
fn limit(connection: &mut Connection, longest: Option<Duration>) -> rusqlite::Result<()> {
    match longest {
        Some(longest) => {
            let began = Instant::now();
            connection.progress_handler(STEPS, Some(move || began.elapsed() > longest))
        }
        None => connection.progress_handler(0, None::<fn() -> bool>),
    }
}
