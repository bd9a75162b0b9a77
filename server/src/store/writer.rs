//! The one thread that writes. It takes what waits, at most 64 changes and the ends first, runs them
//! in one transaction, commits once, and then answers. A refused change takes back only itself. No
//! timer: a change that comes by itself is committed at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::api_cache::ApiCache;
use super::ballast::Ballast;
use super::error::{Result, StoreError};
use super::head::{self, Head};
use super::line::{Line, Urgency};
use super::places::{Place, Places};
use super::transaction::Tx;

/// The number of additions in the queue, and of ends. Further callers wait for a place in it.
const QUEUE: usize = 1_024;

/// A change in the queue, whatever its return type.
pub(super) trait Job: Send {
    fn urgency(&self) -> Urgency;
    /// Runs the change. Returns whether its effects are to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Replaces the result with an error, because the effects are not kept.
    fn fail(&mut self, why: StoreError);
    /// Sends the result to the caller.
    fn answer(&mut self);
}

/// A change that was taken from the queue.
type Waiting<'a> = &'a mut (dyn Job + 'static);

/// A change, its result, and the caller who waits for it.
pub(super) struct Change<F, T, E> {
    urgency: Urgency,
    /// Nothing once the result is sent: it may hold the last handle to the store.
    run: Option<F>,
    outcome: Option<std::result::Result<T, E>>,
    reply: Option<oneshot::Sender<std::result::Result<T, E>>>,
}

impl<F, T, E> Change<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> std::result::Result<T, E>,
{
    pub(super) fn new(
        urgency: Urgency,
        run: F,
    ) -> (Self, oneshot::Receiver<std::result::Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        let change = Self {
            urgency,
            run: Some(run),
            outcome: None,
            reply: Some(reply),
        };
        (change, answer)
    }
}

impl<F, T, E> Job for Change<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> std::result::Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        let outcome = run(tx).and_then(|value| {
            tx.finish()?;
            Ok(value)
        });
        let is_kept = outcome.is_ok();
        self.outcome = Some(outcome);
        is_kept
    }

    fn fail(&mut self, why: StoreError) {
        self.outcome = Some(Err(E::from(why)));
    }

    fn answer(&mut self) {
        drop(self.run.take());
        if let (Some(reply), Some(outcome)) = (self.reply.take(), self.outcome.take()) {
            // If the caller no longer waits, the change is still kept.
            let _ = reply.send(outcome);
        }
    }
}

/// The thread, and its queue.
pub(super) struct Writer {
    queue: Option<Sender<Queued>>,
    additions: Places,
    /// Ends have separate places, which additions never take.
    ends: Places,
    changes: watch::Receiver<u64>,
    thread: Option<JoinHandle<()>>,
}

/// A change in the queue, with its place.
pub(super) struct Queued {
    job: Box<dyn Job>,
    place: Place,
}

impl Queued {
    pub(super) fn urgency(&self) -> Urgency {
        self.job.urgency()
    }

    /// Takes it from the queue.
    fn taken(self) -> Box<dyn Job> {
        drop(self.place);
        self.job
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        api: Arc<ApiCache>,
        ballast: Arc<Ballast>,
        ends_only: Arc<AtomicBool>,
    ) -> Result<Self> {
        let head = head::require(&connection)?;
        let (queue, jobs) = channel();
        let (changed, changes) = watch::channel(head.sequence);
        let thread = thread::Builder::new()
            .name("keyward-writer".to_owned())
            .spawn(move || {
                Loop {
                    connection,
                    api,
                    head,
                    ballast,
                    ends_only,
                    changed,
                    #[cfg(test)]
                    acknowledges_early: super::trap::acknowledges_early(),
                }
                .serve(&jobs);
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread for writing: {error}")))?;
        Ok(Self {
            queue: Some(queue),
            additions: Places::new(QUEUE),
            ends: Places::new(QUEUE),
            changes,
            thread: Some(thread),
        })
    }

    /// Puts a change into the queue.
    pub(super) async fn send(&self, job: Box<dyn Job>) -> Result<()> {
        let place = match job.urgency() {
            Urgency::Addition => self.additions.take().await?,
            Urgency::End => self.ends.take().await?,
        };
        let queued = Queued { job, place };
        let sent = self.queue.as_ref().map(|queue| queue.send(queued));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(StoreError::Unavailable("it is closing".to_owned())),
        }
    }
}

impl Writer {
    /// The number of the last change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

impl Drop for Writer {
    /// Changes in the queue are still carried out.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Loop {
    connection: Connection,
    api: Arc<ApiCache>,
    head: Head,
    ballast: Arc<Ballast>,
    ends_only: Arc<AtomicBool>,
    changed: watch::Sender<u64>,
    #[cfg(test)]
    acknowledges_early: bool,
}

impl Loop {
    fn serve(mut self, jobs: &Receiver<Queued>) {
        let mut line = Line::default();
        loop {
            if line.is_empty() {
                match jobs.recv() {
                    Ok(first) => line.add(first.urgency(), first),
                    Err(_) => return,
                }
            }
            for next in jobs.try_iter() {
                line.add(next.urgency(), next);
            }
            let taken = line.take().into_iter();
            let mut group: Vec<Box<dyn Job>> = taken.map(Queued::taken).collect();
            self.commit(&mut group);
            let sequence = self.head.sequence;
            self.changed.send_if_modified(|last| {
                let is_new = *last != sequence;
                *last = sequence;
                is_new
            });
            // Whoever gets an answer and then waits for changes does not meet this one.
            group.iter_mut().for_each(|job| job.answer());
        }
    }

    /// Commits the group. If the disk is full, additions fail, and the ends among them use the
    /// reserved room.
    fn commit(&mut self, group: &mut [Box<dyn Job>]) {
        let mut group: Vec<Waiting<'_>> = group.iter_mut().map(|job| &mut **job).collect();
        let is_end = |job: &Waiting<'_>| job.urgency() == Urgency::End;
        // The room is reserved again only for additions, because an end may be using it.
        let refusal = if group.iter().all(is_end) {
            None
        } else if self.ends_only.load(Ordering::SeqCst) {
            Some(StoreError::EndsOnly)
        } else if self.ballast.is_there_or_made() {
            None
        } else {
            Some(StoreError::Full)
        };
        let (mut now, refused): (Vec<_>, Vec<_>) = group
            .drain(..)
            .partition(|job| refusal.is_none() || is_end(job));
        if let Some(why) = refusal {
            fail(refused, &why);
        }
        let Err(why) = self.attempt(&mut now) else {
            return;
        };
        if !why.wants_room() {
            return fail(now, &why);
        }
        let (mut ends, additions): (Vec<_>, Vec<_>) = now.into_iter().partition(is_end);
        fail(additions, &why);
        if ends.is_empty() {
            return;
        }
        self.ballast.release();
        // Now there is room to copy the log into the database, and then for more in the log. This
        // does not wait for readers.
        let _ = self
            .connection
            .execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
        if let Err(why) = self.attempt(&mut ends) {
            fail(ends, &why);
        }
    }

    /// Runs one transaction. If it fails as a whole, nothing of it is kept.
    fn attempt(&mut self, group: &mut [Waiting<'_>]) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let before = self.head.clone();
        let done = self.transaction(group);
        if done.is_err() {
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            self.head = before;
            self.api.forget();
        }
        done
    }

    /// First without savepoints, for almost every group has nothing to take back: at each savepoint SQLite writes the words of names that
    /// wait, which costs more than the rest of a change. If one is refused after it wrote something, the whole group is run again, each in its savepoint.
    fn transaction(&mut self, group: &mut [Waiting<'_>]) -> Result<()> {
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        let before = self.head.clone();
        if !self.all_are_kept(group)? {
            execute(&self.connection, "ROLLBACK")?;
            self.head = before;
            self.api.forget();
            if group.len() == 1 {
                return Ok(());
            }
            execute(&self.connection, "BEGIN IMMEDIATE")?;
            for job in group.iter_mut() {
                execute(&self.connection, "SAVEPOINT change")?;
                if !self.run(job)? {
                    execute(&self.connection, "ROLLBACK TO change")?;
                    self.api.forget();
                }
                execute(&self.connection, "RELEASE change")?;
            }
        }
        #[cfg(test)]
        if self.acknowledges_early {
            group.iter_mut().for_each(|job| job.answer());
            super::trap::wait();
        }
        execute(&self.connection, "COMMIT")
    }

    /// Runs the group up to the first change that is to be taken back. Returns whether there was none. A
    /// change that was rejected before it wrote anything leaves nothing to take back.
    fn all_are_kept(&mut self, group: &mut [Waiting<'_>]) -> Result<bool> {
        for job in group.iter_mut() {
            let before = self.connection.total_changes();
            if !self.run(job)? && self.connection.total_changes() != before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs one. Whether its effects are to be kept.
    fn run(&mut self, job: &mut Waiting<'_>) -> Result<bool> {
        let mut tx = Tx::new(&self.connection, &self.api, self.head.clone());
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)));
        let (head, fault) = tx.into_parts();
        // SQLite may have ended the whole transaction by itself: on a full disk, say.
        if let Some(fault) = fault
            && (fault.wants_room() || self.connection.is_autocommit())
        {
            return Err(fault);
        }
        let is_kept = ran.unwrap_or_else(|_| {
            job.fail(StoreError::Unavailable("the change panicked".to_owned()));
            false
        });
        if is_kept {
            self.head = head;
        }
        Ok(is_kept)
    }
}

fn fail(jobs: Vec<Waiting<'_>>, why: &StoreError) {
    for job in jobs {
        job.fail(why.clone());
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
