//! `keyward push --watch`: follows the source and keeps the snapshot young. A source that breaks is reported, and the last good one is issued
//! anew until it is mended, so that a slip of the pen does not end in 503s. It looks by itself and asks no service of the kernel: those miss what
//! happens on network volumes, and where a folder is exchanged as a whole, as ConfigMaps are.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::target::Target;
use super::{Pushed, held, issue, lock, next};
use crate::cli::exit::Exit;
use crate::cli::source::{Built, Source, reissue};
use crate::cli::{input, output};
use crate::configuration::Configuration;

/// How often the source and the clock are looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// A file as the folder tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
}

/// What was pushed last, and when the next issue of it is due.
struct Last {
    json: String,
    due: Option<u64>,
}

pub(super) fn run(source: &Source, target: &Target, allow_empty: bool) -> Result<Exit> {
    if target.file().is_none() {
        bail!("--watch pushes into a file; name it behind the target");
    }
    if source.path() == Path::new("-") {
        bail!("--watch follows files, and standard input is none");
    }
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_over))?;
    }
    let mut watch = Watch {
        source,
        target,
        allow_empty,
        last: on_target(target)?,
        pushed: None,
        changing: None,
        retry: 0,
    };
    while !is_over.load(Ordering::Relaxed) {
        watch.look();
        thread::sleep(PAUSE);
    }
    say("stopped; what was pushed last stays where it is");
    Ok(Exit::Good)
}

/// What an earlier run has pushed: it is good, and goes on where the source is broken from the start.
fn on_target(target: &Target) -> Result<Option<Last>> {
    let found = target.find()?;
    let json = found.configuration.clone();
    let configuration = json.and_then(|json| {
        let configuration = Configuration::from_json(json.as_bytes()).ok()?;
        Some((json, configuration))
    });
    Ok(configuration.and_then(|(json, configuration)| {
        let due = due(&configuration);
        configuration.snapshot().map(|_| Last { json, due })
    }))
}

struct Watch<'a> {
    source: &'a Source,
    target: &'a Target,
    allow_empty: bool,
    last: Option<Last>,
    /// The source as it was when it was last read.
    pushed: Option<BTreeMap<PathBuf, Seen>>,
    /// The source as it was a moment ago: what still changes is not read.
    changing: Option<BTreeMap<PathBuf, Seen>>,
    /// Unix seconds before which a failed issue is not tried again.
    retry: u64,
}

impl Watch<'_> {
    fn look(&mut self) {
        let seen = seen(self.source.path());
        let is_new = self.pushed.as_ref() != Some(&seen);
        let is_quiet = self.pushed.is_none() || self.changing.as_ref() == Some(&seen);
        self.changing = Some(seen.clone());
        if is_new && is_quiet {
            self.pushed = Some(seen);
            if let Err(error) = self.push(None) {
                say(&format!(
                    "not pushed: {error:#}; what was pushed last goes on"
                ));
            }
        }
        let now = input::now();
        let Some(last) = &self.last else { return };
        if last.due.is_some_and(|due| now >= due) && now >= self.retry {
            let json = last.json.clone();
            if let Err(error) = self.push(Some(&json)) {
                self.retry = now.saturating_add(1);
                say(&format!("not issued anew: {error:#}; trying again"));
            }
        }
    }

    /// Pushes what the source says now, or issues `again` anew.
    fn push(&mut self, again: Option<&str>) -> Result<()> {
        let now = input::now();
        let _lock = lock(self.target)?;
        let found = self.target.find()?;
        let revision = next(held(found.configuration.as_deref()), now);
        let issue = issue(revision, now, self.allow_empty)?;
        let built = match again {
            None => self.source.build(Some(&issue))?,
            Some(json) => {
                let json = reissue(json, revision, now)?;
                let configuration = Configuration::from_json(json.as_bytes())?;
                Built {
                    json,
                    configuration,
                }
            }
        };
        let pushed = Pushed::of(&built.configuration, self.source)?;
        found.deliver(&found.with(&built.json, revision)?)?;
        self.last = Some(Last {
            due: due(&built.configuration),
            json: built.json,
        });
        let mut out = output::stdout();
        pushed.tell(&mut out, self.target)?;
        out.flush().context("standard output is closed")
    }
}

/// When it has to be issued anew: at half of what its age may be.
fn due(configuration: &Configuration) -> Option<u64> {
    let age = configuration.settings().max_snapshot_age?;
    let issued = configuration.snapshot()?.issued_at();
    Some(issued.saturating_add((age / 2).max(1)))
}

/// The source's files. One that is not there is none, and one that cannot be looked at is told when it is read.
fn seen(path: &Path) -> BTreeMap<PathBuf, Seen> {
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
            let seen = Seen {
                modified: found.modified().ok(),
                length: found.len(),
            };
            Some((path, seen))
        })
        .collect()
}

fn say(text: &str) {
    // Nowhere is left to say that standard error is closed.
    let _ = writeln!(output::stderr(), "keyward: {text}");
}
