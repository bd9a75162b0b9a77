//! `keyward push`: builds a configuration, checks it as a gateway would, and delivers it to where Envoy or a mesh takes it from. Revisions rise by
//! themselves and never go back.

mod block;
mod carried;
mod document;
mod ecds;
mod effect;
mod ends;
mod manifest;
mod metrics;
mod owner;
mod protobuf;
mod target;
mod version;
mod watch;
mod yaml;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::exit::Exit;
use super::snapshot::diff;
use super::source::{Source, SourceArguments};
use super::{input, output};
use effect::{Effect, Present};
use keyward::configuration::{Configuration, named_revision};
use keyward::snapshot::Revision;
use keyward_files::key_file::{Issue, SourceName};
use keyward_files::replace;
use keyward_files::snapshot::Checked;
use keyward_files::snapshot::diff::{between, names};
use manifest::{Kind, Names};
use target::{Place, Target};

#[derive(clap::Args)]
#[command(
    after_long_help = "Examples:\n  keyward push --ecds envoy/ecds/keyward.yaml\n  keyward push --ecds keyward.pb --dry-run\n  keyward push --wasm-plugin > wasm-plugin.yaml\n\nA revision is the time in Unix seconds, or one more than the target holds, whichever is higher; that of a --configuration is its own, unless \
--reissue or --revision says otherwise. A push that would take a target back is refused.\n\nA push is rejected if more than a tenth of the keys that work at the target, or an account, is missing from the source: it is the wrong key file, or half of one. \
Keys that the source ends never count. --allow-removals pushes it anyway. A target carries the name of its source; --take-over replaces the keys of another one.\n\nExit codes: 0 good, 1 a --watch ended while it held a push back, 2 usage, 4 invalid input, a push that was rejected, or more than the way to Envoy can carry"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    to: To,
    /// Take everything but the configuration from this file: your own manifest or ECDS file (default: the target itself, if it is there)
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    #[command(flatten)]
    names: Names,
    /// Issue it under this number
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Issue a --configuration anew: with the next revision and the present time
    #[arg(long, conflicts_with = "revision")]
    reissue: bool,
    /// The name of a source that has none of its own, such as a read-only key file: `file:ID`, or `server:ID`
    #[arg(long = "source", value_name = "NAME", value_parser = owner::parse)]
    named: Option<SourceName>,
    /// Replace the keys of another source
    #[arg(long)]
    take_over: bool,
    /// Push although more than a tenth of the working keys, or an account, is missing from the source
    #[arg(long)]
    allow_removals: bool,
    /// Push a key file without keys, which denies everybody
    #[arg(long)]
    allow_empty: bool,
    /// The ECDS file goes into a ConfigMap: refuse what that cannot hold
    #[arg(long, requires = "ecds")]
    config_map: bool,
    /// Carry the configuration packed, which is smaller and loads faster: in a `.pb` file as it is, in JSON and YAML as base64. A target that
    /// is packed stays so. A manifest has no place for it: it carries a JSON object
    #[arg(long)]
    packed: bool,
    /// Say what would alter, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on: push whenever the source changes, and issue the last good snapshot anew at half of `max_snapshot_age`
    #[arg(long, conflicts_with_all = ["dry_run", "revision"])]
    watch: bool,
    /// Write metrics of the watcher into this file, `*.prom`, for the textfile collector of Prometheus's node exporter
    #[arg(long, value_name = "FILE", requires = "watch", value_parser = metrics::path)]
    metrics_file: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct To {
    /// The file that Envoy watches, JSON, YAML or binary protobuf by its ending (.json, .yaml, .pb)
    #[arg(long, value_name = "FILE")]
    ecds: Option<PathBuf>,
    /// An Istio WasmPlugin, into a file or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    wasm_plugin: Option<PathBuf>,
    /// An Envoy Gateway EnvoyExtensionPolicy, into a file or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    envoy_extension_policy: Option<PathBuf>,
}

/// Which revision a push is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// What the configuration says, and its time of issue.
    AsWritten,
    Exactly(u64),
    /// The next one.
    Next,
}

impl Arguments {
    /// Whether it prints what a push would do, and pushes nothing.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }

    fn target(&self) -> Result<Target> {
        let output = |path: &PathBuf| (path != Path::new("-")).then(|| path.clone());
        let place = if let Some(path) = &self.to.ecds {
            Place::Ecds(path.clone())
        } else if let Some(path) = &self.to.wasm_plugin {
            Place::Manifest(Kind::WasmPlugin, output(path))
        } else if let Some(path) = &self.to.envoy_extension_policy {
            Place::Manifest(Kind::EnvoyExtensionPolicy, output(path))
        } else {
            bail!("expected `--ecds`, `--wasm-plugin` or `--envoy-extension-policy`");
        };
        if let (Place::Manifest(kind, _), true) = (&place, self.packed) {
            bail!(
                "the {} carries a JSON object, and has no place for the packed form; push to a file that Envoy reads (--ecds FILE.pb)",
                kind.name()
            );
        }
        Ok(Target {
            place,
            template: self.template.clone(),
            names: self.names.clone(),
            in_config_map: self.config_map,
            packed: self.packed,
        })
    }

    fn asked(&self, source: &Source) -> Asked {
        match (self.revision, source) {
            (Some(number), _) => Asked::Exactly(number),
            (None, Source::Configuration(_)) if !self.reissue => Asked::AsWritten,
            (None, Source::Configuration(_) | Source::Keys(_)) => Asked::Next,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (source, target) = (arguments.source.source(), arguments.target()?);
    if arguments.watch {
        let rules = watch::Rules {
            allow_empty: arguments.allow_empty,
            allow_removals: arguments.allow_removals,
            take_over: arguments.take_over,
            named: arguments.named.clone(),
            metrics: arguments.metrics_file.clone(),
        };
        return watch::run(&source, &target, rules);
    }
    let asked = arguments.asked(&source);
    let now = input::now();
    let _lock = lock(&target)?;
    let found = target.find()?;
    let before = found.configuration.as_deref();
    let held = held(before);
    let built = match asked {
        Asked::AsWritten => source.build(None)?,
        Asked::Exactly(number) => {
            rises(number, held, &target)?;
            source.build(Some(&issue(number, now, arguments.allow_empty)?))?
        }
        Asked::Next => source.build(Some(&issue(next(held, now), now, arguments.allow_empty)?))?,
    };
    let name = owner::name(&built, arguments.named.as_ref())?;
    let pushed = Pushed::of(&built.configuration, &source)?;
    let mut out = messages(&target);
    let admitted = owner::admit(&found, &target, name.as_ref(), arguments.take_over);
    let is_the_same = asked == Asked::AsWritten && before == Some(&built.json);
    if is_the_same && found.source == name {
        writeln!(
            out,
            "{} holds revision {} already",
            target.shown(),
            pushed.revision
        )?;
        return Ok(Exit::Good);
    }
    if asked == Asked::AsWritten && !is_the_same && admitted.is_ok() {
        rises(pushed.revision, held, &target)?;
    }
    pushed.is_fresh(&built.configuration, now)?;
    let content = found.with(&built.json, pushed.revision, name.as_ref())?;
    let present = found.present();
    let effect = pushed.effect(&built.configuration, &present, now);
    if arguments.dry_run {
        let held = held.map_or_else(|| "nothing".to_owned(), |held| format!("revision {held}"));
        writeln!(
            out,
            "{} holds {held}; revision {} would bring {}:",
            target.shown(),
            pushed.revision,
            effect.counts()
        )?;
        out.flush()?;
        // Without a readable snapshot there, everybody is denied there.
        let closed = || Checked::read("the target", b"{}");
        let before = before.map_or_else(closed, |json| {
            Checked::read("the target", json.as_bytes()).or_else(|_| closed())
        })?;
        let after = Checked::read("the push", built.json.as_bytes())?;
        diff::print(&between(&before, &after), &names(&before, &after))?;
        effect.name_accounts(&mut out)?;
    }
    let admitted = admitted?;
    if !arguments.allow_removals
        && let Some(mistake) = mistake(&effect, &present)
    {
        effect.name_accounts(&mut output::stderr())?;
        bail!(
            "{}: {mistake}, so nothing was written ({}). Put `{}` right, or say --allow-removals if that is meant",
            target.shown(),
            effect.counts(),
            source.path().display()
        );
    }
    if !arguments.dry_run {
        found.deliver(&content)?;
        pushed.tell(&mut out, &target, &effect)?;
    }
    note(admitted.as_deref())?;
    note(owner::nameless(&source, name.as_ref()).as_deref())?;
    Ok(Exit::Good)
}

/// Says what a person should know, on standard error: the log of whoever runs this.
fn note(text: Option<&str>) -> Result<()> {
    if let Some(text) = text {
        writeln!(output::stderr(), "keyward: {text}")?;
    }
    Ok(())
}

/// Why a push is held back, if it is.
fn mistake(effect: &Effect, present: &Present) -> Option<String> {
    match present {
        Present::Unreadable => Some(
            "this version cannot read what is there now, so it cannot tell which keys would be lost"
                .to_owned(),
        ),
        Present::Nothing | Present::Readable(_) => effect.mistake(),
    }
}

/// Where messages go: not among the manifest's lines.
fn messages(target: &Target) -> Box<dyn Write> {
    match target.file() {
        Some(_) => Box::new(output::stdout()),
        None => Box::new(output::stderr()),
    }
}

/// Held while a target is read and written, so that of two pushes at once the later sees the revision of the earlier.
fn lock(target: &Target) -> Result<Option<File>> {
    let Some(path) = target.file() else {
        return Ok(None);
    };
    let folder = replace::resolved(path)
        .and_then(|path| File::open(replace::folder_of(&path)))
        .with_context(|| format!("the folder of `{}` cannot be opened", path.display()))?;
    folder.lock()?;
    Ok(Some(folder))
}

/// The revision that a configuration at a target has.
fn held(configuration: Option<&str>) -> Option<u64> {
    named_revision(configuration?.as_bytes())
}

fn next(held: Option<u64>, now: u64) -> u64 {
    held.map_or(now, |held| now.max(held.saturating_add(1)))
}

fn issue(revision: u64, now: u64, may_be_empty: bool) -> Result<Issue> {
    Revision::new(revision).context("revisions are below 10^15")?;
    Ok(Issue {
        revision,
        issued_at: now,
        may_be_empty,
    })
}

fn rises(revision: u64, held: Option<u64>, target: &Target) -> Result<()> {
    match held {
        Some(held) if held >= revision => bail!(
            "{} holds revision {held}, and this push has {revision}: revisions never go back, or an Envoy that is late could not be told from one that is up to date. Push with --revision {} or higher, or with --reissue, which takes the next one",
            target.shown(),
            held.saturating_add(1)
        ),
        _ => Ok(()),
    }
}

/// What is pushed.
struct Pushed {
    revision: u64,
    issued_at: u64,
    keys: usize,
}

impl Pushed {
    fn of(configuration: &Configuration, source: &Source) -> Result<Self> {
        let Some(snapshot) = configuration.snapshot() else {
            bail!(
                "`{}` has no snapshot: every request would be denied",
                source.path().display()
            );
        };
        Ok(Self {
            revision: snapshot.revision().number(),
            issued_at: snapshot.issued_at(),
            keys: snapshot.key_count(),
        })
    }

    fn is_fresh(&self, configuration: &Configuration, now: u64) -> Result<()> {
        match configuration.settings().max_snapshot_age {
            Some(age) if self.issued_at.saturating_add(age) < now => bail!(
                "the snapshot is older than `max_snapshot_age`, {age} s: every request would be denied. Push with --reissue"
            ),
            _ => Ok(()),
        }
    }

    /// What becomes of the keys at the target.
    fn effect(&self, configuration: &Configuration, present: &Present, now: u64) -> Effect {
        let after = configuration.snapshot();
        let effect = after.map(|after| Effect::between(present.snapshot(), after, now));
        effect.unwrap_or_default()
    }

    fn tell(&self, out: &mut impl Write, target: &Target, effect: &Effect) -> Result<()> {
        let (revision, keys) = (self.revision, self.keys);
        writeln!(
            out,
            "pushed revision {revision} with {keys} keys to {} ({})",
            target.shown(),
            effect.counts()
        )?;
        effect.name_accounts(out)
    }
}
