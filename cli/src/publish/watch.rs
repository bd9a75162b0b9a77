//! `keyward publish --watch`: follows the source, and signs the head again in time. If the source
//! breaks, the watcher reports it, and the last publication stays.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::metrics::Metrics;
use super::{Arguments, content, mirrors, refused, say, told};
use crate::counted::counted;
use crate::exit::Exit;
use crate::push::{Seen, seen};
use crate::source::Source;
use crate::watching::watching;
use crate::{input, output};
use keyward::profile::Profile;
use keyward_files::feed::{Content, FeedStore, Mirrors, Published, Publisher, Request};
use keyward_files::publish::Rejection;

/// How long to wait before the source and the clock are checked again.
const PAUSE: Duration = Duration::from_millis(25);

/// How long a source must stay as it is before it is read.
const QUIET: Duration = Duration::from_millis(50);

/// How long to wait before trying a failed publication again, in seconds.
const AGAIN: u64 = 1;

struct Watch<'a> {
    arguments: &'a Arguments,
    source: &'a Source,
    store: &'a dyn FeedStore,
    publisher: Publisher<'a>,
    request: Request,
    /// The profile for reading the feed: the source's, as last read.
    profile: Profile,
    age: u64,
    metrics: Metrics,
    mirrors: Mirrors,
    /// The state of the source when it was last read.
    published: Option<Seen>,
    /// The state of the source, and since when. A source that is still changing is not read.
    changing: Option<(Seen, Instant)>,
    /// Whether the content that was last read has not been published yet.
    is_due: bool,
    retry: u64,
}

pub(super) fn run(arguments: &Arguments, source: &Source, store: &dyn FeedStore) -> Result<Exit> {
    let stop = watching(source)?;
    let publisher = Publisher::new(store, arguments.settings()?)?;
    let mirrors = mirrors::start(arguments, publisher.keys())?;
    let mut watch = Watch {
        arguments,
        source,
        store,
        publisher,
        request: arguments.request(),
        profile: Profile::stripe(),
        age: arguments
            .max_snapshot_age
            .unwrap_or(super::MAX_SNAPSHOT_AGE),
        metrics: Metrics::default(),
        mirrors,
        published: None,
        changing: None,
        is_due: false,
        retry: 0,
    };
    watch.begin().map_err(|error| refused(error, source))?;
    stop.until(PAUSE, || watch.look());
    if watch.metrics.is_held_back {
        say("stopped while a publication was held back; what was published last stays");
        return Ok(Exit::Failed);
    }
    say("stopped; what was published last stays");
    Ok(Exit::Good)
}

impl Watch<'_> {
    /// Starts the watch. Fails if the feed has another source or cannot be verified. A source that
    /// cannot be read yet is no error.
    fn begin(&mut self) -> Result<()> {
        let dry = Request {
            dry_run: true,
            ..self.request.clone()
        };
        if !self.request.begin
            && let Ok(content) = content(self.source, self.arguments.allow_empty)
        {
            self.took(&content);
            match self.publisher.publish(&content, &dry, input::now()) {
                Err(error) if error.downcast_ref::<Rejection>().is_none_or(is_fatal) => {
                    return Err(error);
                }
                Ok(_) | Err(_) => {}
            }
        }
        self.tell_metrics();
        Ok(())
    }

    fn took(&mut self, content: &Content) {
        self.profile = content.profile().clone();
        self.age = self.arguments.max_snapshot_age(content);
    }

    fn look(&mut self) {
        let now = input::now();
        let seen = seen(self.source.path());
        let since = match self.changing.take() {
            Some((before, since)) if before == seen => since,
            Some(_) | None => Instant::now(),
        };
        let is_quiet = self.published.is_none() || since.elapsed() >= QUIET;
        self.changing = Some((seen.clone(), since));
        if self.published.as_ref() != Some(&seen) && is_quiet {
            self.published = Some(seen);
            self.is_due = true;
            self.retry = 0;
        }
        if self.is_due && now >= self.retry {
            let result = self.publish(now);
            self.ended(result, now);
        }
        let quarter = (self.age / 4).max(1);
        let behind = self.mirrors.behind();
        if self.metrics.mirrors_behind != behind {
            self.metrics.mirrors_behind = behind;
            self.tell_metrics();
        }
        let is_old =
            self.metrics.signed_at > 0 && self.metrics.signed_at.saturating_add(quarter) <= now;
        if is_old && now >= self.retry {
            let result = self.publisher.renew(&self.profile, now);
            let result = result.map(|renewed| self.wrote(&renewed));
            self.ended(result, now);
        }
    }

    fn publish(&mut self, now: u64) -> Result<()> {
        let read = content(self.source, self.arguments.allow_empty);
        let content = match read {
            Ok(content) => content,
            Err(error) => {
                // The source is read again when it changes.
                self.is_due = false;
                return Err(error);
            }
        };
        self.took(&content);
        let published = match self.publisher.publish(&content, &self.request, now) {
            Ok(published) => published,
            Err(error) if is_missing(&error) => {
                // Ends that did not reach the feed are tried again. The rest waits for the source.
                self.hold_back(&content, error, now)?;
                self.is_due = false;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.is_due = false;
        self.metrics.is_held_back = false;
        // Both apply only once: otherwise two watchers could take a feed from each other forever.
        self.request.begin = false;
        self.request.allowed.take_over = false;
        self.request.base = false;
        self.wrote(&published);
        let mut out = output::stdout();
        told::published(&published, &self.arguments.to, &mut out)?;
        told::notes(&published)
    }

    /// Publishes only what the source ends.
    fn hold_back(&mut self, content: &Content, error: anyhow::Error, now: u64) -> Result<()> {
        self.metrics.is_held_back = true;
        let shown = self.store.shown();
        if let Some(ends) = self.publisher.publish_ends(content, &self.request, now)? {
            self.wrote(&ends);
            say(&format!(
                "published revision {} with the ends of {} to {shown}",
                ends.revision,
                counted(ends.records, "key or account", "keys and accounts")
            ));
        }
        say(&format!(
            "held back: {:#}; until then only what it ends is published",
            refused(error, self.source)
        ));
        Ok(())
    }

    fn wrote(&mut self, published: &Published) {
        self.metrics.revision = published.revision;
        self.metrics.signed_at = published.issued_at;
        self.metrics.deadline = published.issued_at.saturating_add(self.age);
        self.mirrors.wake();
    }

    fn ended(&mut self, result: Result<()>, now: u64) {
        self.metrics.is_failing = result.is_err();
        if let Err(error) = result {
            self.retry = now.saturating_add(AGAIN);
            say(&format!(
                "not published: {:#}; what was published last goes on",
                refused(error, self.source)
            ));
        }
        self.tell_metrics();
    }

    fn tell_metrics(&self) {
        if let Some(path) = &self.arguments.metrics_file
            && let Err(error) = self.metrics.write(path, &self.arguments.feed.name)
        {
            say(&format!("no metrics: {error:#}"));
        }
    }
}

/// Whether a watcher cannot start after this error.
fn is_fatal(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Missing { .. } => false,
        Rejection::NoSnapshot
        | Rejection::Older { .. }
        | Rejection::Stale { .. }
        | Rejection::OtherSource { .. } => true,
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    let rejection = error.downcast_ref::<Rejection>();
    rejection.is_some_and(|rejection| matches!(rejection, Rejection::Missing { .. }))
}
