//! `keyward push --watch`: follows the source and keeps the snapshot fresh. If the source breaks,
//! the watcher reports it and continues to issue the last valid snapshot until the source is
//! repaired, so that a typing error does not end in 503s. It polls instead of using the kernel's
//! notifications, because those miss changes on network volumes and folders that are replaced as a
//! whole, as ConfigMaps are.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use super::metrics::{Expiring, Metrics};
use super::{issue, rejected, source_name, tell};
use crate::counted::counted;
use crate::exit::Exit;
use crate::source::Source;
use crate::watching::watching;
use crate::{input, output};
use keyward::configuration::{Configuration, named_revision};
use keyward_files::key_file::SourceName;
use keyward_files::publish::{
    Allowed, Effect, Ends, Found, Present, Publication, Published, Rejection, Target, next_revision,
};
use keyward_files::snapshot::reissue;

/// How long to wait before the source and the clock are checked again.
const PAUSE: Duration = Duration::from_millis(200);

/// A file as its folder's entry shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenFile {
    modified: Option<SystemTime>,
    length: u64,
}

/// The files of a source, as their folder's entries show them.
pub(crate) type Seen = BTreeMap<PathBuf, SeenFile>;

/// The last pushed configuration, and when to issue it again.
struct Last {
    json: String,
    due: Option<u64>,
    /// When its live keys expire, in order.
    expiries: Vec<u64>,
}

/// The options of a watcher.
pub(super) struct Rules {
    pub(super) allow_empty: bool,
    /// A take-over applies only to the first push: otherwise two watchers could take a target from
    /// each other forever.
    pub(super) allowed: Allowed,
    pub(super) named: Option<SourceName>,
    pub(super) metrics: Option<PathBuf>,
}

pub(super) fn run(source: &Source, target: &Target, rules: Rules) -> Result<Exit> {
    if target.file().is_none() {
        bail!("--watch pushes into a file; name it after the target");
    }
    let stop = watching(source)?;
    let mut watch = Watch {
        source,
        target,
        rules,
        last: on_target(target)?,
        name: None,
        is_told: false,
        held: None,
        metrics: Metrics::default(),
        pushed: None,
        changing: None,
        retry: 0,
    };
    watch.begin().map_err(|error| rejected(error, source))?;
    stop.until(PAUSE, || watch.look());
    if watch.held.is_some() {
        say("stopped while a push was held back; what was pushed last stays where it is");
        return Ok(Exit::Failed);
    }
    say("stopped; what was pushed last stays where it is");
    Ok(Exit::Good)
}

/// Returns what an earlier run has pushed. It is valid, and stays in use if the source is broken
/// from the start.
fn on_target(target: &Target) -> Result<Option<Last>> {
    Ok(Found::at(target)?.configuration.and_then(Last::read))
}

impl Last {
    /// Parses a configuration with a snapshot. `None` if the JSON is not one.
    fn read(json: String) -> Option<Self> {
        let configuration = Configuration::from_json(json.as_bytes()).ok()?;
        Self::of(json, &configuration)
    }

    /// Creates it from a configuration and its JSON. It is due again after half of its maximum age.
    fn of(json: String, configuration: &Configuration) -> Option<Self> {
        let snapshot = configuration.snapshot()?;
        let age = configuration.settings().max_snapshot_age;
        let due = age.map(|age| snapshot.issued_at().saturating_add((age / 2).max(1)));
        let live = snapshot
            .keys()
            .filter(|(_, key)| key.livemode().is_live() && !key.is_deleted());
        let mut expiries: Vec<u64> = live.filter_map(|(_, key)| key.expires_at()).collect();
        expiries.sort_unstable();
        Some(Self {
            json,
            due,
            expiries,
        })
    }
}

struct Watch<'a> {
    source: &'a Source,
    target: &'a Target,
    rules: Rules,
    last: Option<Last>,
    /// The name of the source, when it is known.
    name: Option<SourceName>,
    /// Whether the warning about a missing name was printed.
    is_told: bool,
    /// The state of the target when a push was held back.
    held: Option<Seen>,
    metrics: Metrics,
    /// The state of the source when it was last read.
    pushed: Option<Seen>,
    /// The state of the source a moment ago. A source that is still changing is not read.
    changing: Option<Seen>,
    /// The time in Unix seconds before which a failed issue is not tried again.
    retry: u64,
}

impl Watch<'_> {
    /// Starts the watch. Fails if the target has another source. A source that cannot be read yet
    /// has no name to compare.
    fn begin(&mut self) -> Result<()> {
        let now = input::now();
        let found = Found::at(self.target)?;
        let issue = issue(found.next_revision(now), now, true)?;
        if let Ok(built) = self.source.build(Some(&issue)) {
            let name = source_name::of(&built, self.rules.named.as_ref())?;
            found.admits(name.as_ref(), self.rules.allowed.take_over)?;
        }
        self.tell_metrics();
        Ok(())
    }

    fn look(&mut self) {
        let seen = seen(self.source.path());
        // If the target has changed, someone may have pushed what is held back here, and so allowed
        // it.
        let is_past = self.held.is_some() && self.held != self.seen_target();
        if is_past {
            self.held = self.seen_target();
        }
        let is_new = self.pushed.as_ref() != Some(&seen) || is_past;
        let is_quiet = self.pushed.is_none() || self.changing.as_ref() == Some(&seen);
        self.changing = Some(seen.clone());
        if is_new && is_quiet {
            self.pushed = Some(seen);
            if let Err(error) = self.push() {
                let error = rejected(error, self.source);
                say(&format!(
                    "not pushed: {error:#}; what was pushed last goes on"
                ));
            }
            self.tell_metrics();
        }
        let now = input::now();
        if self.expiring(now) != self.metrics.expiring {
            self.tell_metrics();
        }
        let is_due = self.last.as_ref().and_then(|last| last.due);
        if is_due.is_some_and(|due| now >= due) && now >= self.retry {
            if let Err(error) = self.push_again() {
                self.retry = now.saturating_add(1);
                say(&format!("not issued again: {error:#}; trying again"));
            }
            self.tell_metrics();
        }
    }

    fn seen_target(&self) -> Option<Seen> {
        self.target.file().map(seen)
    }

    fn expiring(&self, now: u64) -> Expiring {
        let last = self.last.as_ref();
        last.map_or_else(Expiring::default, |last| Expiring::of(&last.expiries, now))
    }

    fn tell_metrics(&mut self) {
        self.metrics.expiring = self.expiring(input::now());
        if let Some(path) = &self.rules.metrics
            && let Err(error) = self.metrics.write(path, &self.target.shown())
        {
            say(&format!("no metrics: {error:#}"));
        }
    }

    /// Pushes the present content of the source, or only what it ends if the rest is held back.
    fn push(&mut self) -> Result<()> {
        let now = input::now();
        let _lock = self.target.lock()?;
        let found = Found::at(self.target)?;
        let revision = found.next_revision(now);
        let issue = issue(revision, now, self.rules.allow_empty)?;
        let built = self.source.build(Some(&issue))?;
        let name = source_name::of(&built, self.rules.named.as_ref())?;
        self.name.clone_from(&name);
        let note = found.admits(name.as_ref(), self.rules.allowed.take_over)?;
        // If the target has been broken since, compare with what this watcher left there.
        let (base, present) = match (found.present(), &self.last) {
            (Present::Unreadable, Some(last)) => (Some(last.json.clone()), Present::of(&last.json)),
            (present, _) => (found.configuration.clone(), present),
        };
        let publication = Publication::new(&found, present, &built, name.as_ref(), now)?;
        if let (Some(mistake), false) = (publication.mistake(), self.rules.allowed.removals) {
            let (present, effect) = (publication.present(), &publication.effect);
            self.publish_ends(&found, base.as_deref(), present, &built.configuration)?;
            self.metrics.is_held_back = true;
            self.metrics.missing_keys = effect.missing;
            self.metrics.missing_accounts = effect.accounts.len();
            self.held = self.seen_target();
            say(&format!(
                "held back: {mistake} ({}). Put `{}` right, or run this once with --allow-removals if that is meant; until then only what it ends is pushed",
                effect.counts(),
                self.source.path().display()
            ));
            return Ok(());
        }
        let content = publication.content()?;
        let published = publication.published(note);
        let last = Last::of(built.json, &built.configuration);
        self.deliver(&found, &content, last, revision)?;
        self.held = None;
        self.rules.allowed.take_over = false;
        self.metrics.is_held_back = false;
        (self.metrics.missing_keys, self.metrics.missing_accounts) = (0, 0);
        super::say(published.note.as_deref())?;
        if !self.is_told {
            self.is_told = true;
            super::say(source_name::nameless(self.source, name.as_ref()).as_deref())?;
        }
        self.tell(&published)
    }

    fn tell(&self, published: &Published) -> Result<()> {
        let mut out = output::stdout();
        tell(published, self.target, &mut out)?;
        out.flush().context("standard output is closed")
    }

    /// Publishes the ends in a push that is held back, based on the target's content.
    fn publish_ends(
        &mut self,
        found: &Found<'_>,
        base: Option<&str>,
        present: &Present,
        after: &Configuration,
    ) -> Result<()> {
        let (Some(base), Some(before), Some(after)) = (base, present.snapshot(), after.snapshot())
        else {
            return Ok(());
        };
        let now = input::now();
        let Some(ends) = Ends::of(base, before, after, now)? else {
            return Ok(());
        };
        let held = named_revision(base.as_bytes()).max(found.revision());
        let revision = next_revision(held, now);
        self.reissue(found, &ends.json, revision, now)?;
        say(&format!(
            "pushed revision {revision} with the ends of {} and {} to {}",
            counted(ends.keys, "key", "keys"),
            counted(ends.accounts, "account", "accounts"),
            self.target.shown()
        ));
        Ok(())
    }

    /// Issues the target's content again, or this watcher's last push if the target is broken.
    fn push_again(&mut self) -> Result<()> {
        let now = input::now();
        let _lock = self.target.lock()?;
        let found = Found::at(self.target)?;
        if let (Some(_), Some(owner)) = (&self.name, &found.source)
            && self.name.as_ref() != Some(owner)
        {
            bail!("{} holds the keys of `{owner}` now", self.target.shown());
        }
        let there = found.configuration.clone().and_then(Last::read);
        let Some(last) = there.or_else(|| self.last.take()) else {
            return Ok(());
        };
        let revision = found.next_revision(now);
        let issued = self.reissue(&found, &last.json, revision, now);
        if issued.is_err() {
            self.last.get_or_insert(last);
        }
        let issued = issued?;
        let snapshot = issued.snapshot().ok_or(Rejection::NoSnapshot)?;
        self.tell(&Published {
            revision,
            keys: snapshot.key_count(),
            effect: Effect::default(),
            note: None,
        })
    }

    /// Writes a configuration to the target with another revision. Its source does not change.
    fn reissue(
        &mut self,
        found: &Found<'_>,
        json: &str,
        revision: u64,
        now: u64,
    ) -> Result<Configuration> {
        let json = reissue(json, revision, now)?;
        let configuration = Configuration::from_json(json.as_bytes())?;
        let source = found.source.as_ref().or(self.name.as_ref());
        let content = found.with(&json, revision, source)?;
        self.deliver(found, &content, Last::of(json, &configuration), revision)?;
        Ok(configuration)
    }

    fn deliver(
        &mut self,
        found: &Found<'_>,
        content: &[u8],
        last: Option<Last>,
        revision: u64,
    ) -> Result<()> {
        super::say(found.deliver(content)?.as_deref())?;
        self.last = last;
        self.metrics.revision = revision;
        self.metrics.pushed_at = input::now();
        if self.held.is_some() {
            self.held = self.seen_target();
        }
        Ok(())
    }
}

/// Returns the source's files. A missing file is left out, and one that cannot be examined is
/// reported when it is read.
pub(crate) fn seen(path: &Path) -> Seen {
    let files = match fs::read_dir(path) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
            .collect(),
        Err(_) => vec![path.to_owned()],
    };
    files
        .into_iter()
        .filter_map(|path| {
            let found = fs::metadata(&path).ok()?;
            let seen = SeenFile {
                modified: found.modified().ok(),
                length: found.len(),
            };
            Some((path, seen))
        })
        .collect()
}

fn say(text: &str) {
    // If standard error is closed, there is nowhere to report it.
    let _ = writeln!(output::stderr(), "keyward: {text}");
}
