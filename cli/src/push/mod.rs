//! `keyward push`: builds a configuration, checks it as a gateway would, and delivers it to where
//! Envoy or a mesh reads it. Revisions increase automatically and never go back.

mod manifest;
mod metrics;
mod rejected;
pub(super) mod source_name;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::counted::counted;
use super::exit::Exit;
use super::snapshot::diff;
use super::source::{Source, SourceArguments};
use super::{input, output};
use keyward::snapshot::Revision;
use keyward_files::key_file::{Issue, SourceName};
use keyward_files::publish::{Allowed, Destination, Found, Kind, Publication, Published, Target};
use keyward_files::replace::folder_of;
use keyward_files::snapshot::Checked;
use keyward_files::snapshot::diff::{between, names};
use keyward_files::store::Store;
use manifest::NamesArguments;
pub(super) use metrics::path as metrics_path;
pub(super) use rejected::rejected;
pub(super) use watch::{Seen, seen};

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
    /// Take everything but the configuration from this file: your manifest or ECDS file (default: the target, if it exists)
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    #[command(flatten)]
    names: NamesArguments,
    /// Issue it under this number
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Issue a --configuration again, with the next revision and the present time
    #[arg(long, conflicts_with = "revision")]
    reissue: bool,
    /// The name of a source without one, such as a read-only key file: `file:ID`, or `server:ID`
    #[arg(long = "source", value_name = "NAME", value_parser = source_name::parse)]
    named: Option<SourceName>,
    /// Replace the keys of another source
    #[arg(long)]
    take_over: bool,
    /// Push although more than a tenth of the working keys, or an account, is missing from the source
    #[arg(long)]
    allow_removals: bool,
    /// Push a key file without keys, which denies every request
    #[arg(long)]
    allow_empty: bool,
    /// Reject an ECDS file that is too large for a ConfigMap
    #[arg(long, conflicts_with_all = ["wasm_plugin", "envoy_extension_policy"])]
    config_map: bool,
    /// Write the configuration packed, which is smaller and loads faster: as bytes in a `.pb` file, as base64 in JSON and YAML. A packed
    /// target stays packed. A manifest cannot carry it, because it contains a JSON object
    #[arg(long)]
    packed: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Keep running: push whenever the source changes, and issue the last good snapshot again at half of `max_snapshot_age`
    #[arg(long, conflicts_with_all = ["dry_run", "revision"])]
    watch: bool,
    /// Write the watcher's metrics to this file, `*.prom`, for the textfile collector of Prometheus's node exporter
    #[arg(long, value_name = "FILE", requires = "watch", value_parser = metrics::path)]
    metrics_file: Option<PathBuf>,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct To {
    /// The file that Envoy watches, JSON, YAML or binary protobuf by its ending (.json, .yaml, .pb). Default: `$KEYWARD_ECDS`, or `[push]` in the key file
    #[arg(long, value_name = "FILE")]
    ecds: Option<PathBuf>,
    /// An Istio WasmPlugin, into a file or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    wasm_plugin: Option<PathBuf>,
    /// An Envoy Gateway EnvoyExtensionPolicy, into a file or to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    envoy_extension_policy: Option<PathBuf>,
}

/// The revision for a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The revision and time in the configuration.
    AsWritten,
    Exactly(u64),
    /// The next revision.
    Next,
}

impl Arguments {
    /// Whether the command only prints what a push would do.
    pub(super) fn only_shows(&self) -> bool {
        self.dry_run
    }

    fn target(&self, source: &Source) -> Result<Target> {
        let manifest = |kind: Kind, path: &PathBuf| Destination::Manifest {
            kind,
            names: self.names.names(),
            file: (path != Path::new("-")).then(|| path.clone()),
        };
        let destination = if let Some(path) = &self.to.ecds {
            Destination::Ecds(path.clone())
        } else if let Some(path) = &self.to.wasm_plugin {
            manifest(Kind::WasmPlugin, path)
        } else if let Some(path) = &self.to.envoy_extension_policy {
            manifest(Kind::EnvoyExtensionPolicy, path)
        } else {
            Destination::Ecds(usual_target(source)?)
        };
        if let (Destination::Manifest { kind, .. }, true) = (&destination, self.packed) {
            bail!(
                "the {} contains a JSON object, and cannot carry the packed form; push to a file that Envoy reads (--ecds FILE.pb)",
                kind.name()
            );
        }
        Ok(Target {
            destination,
            template: self.template.clone(),
            in_config_map: self.config_map,
            packed: self.packed,
        })
    }

    fn allowed(&self) -> Allowed {
        Allowed {
            take_over: self.take_over,
            removals: self.allow_removals,
        }
    }

    fn asked(&self, source: &Source) -> Asked {
        match (self.revision, source) {
            (Some(number), _) => Asked::Exactly(number),
            (None, Source::Configuration(_)) if !self.reissue => Asked::AsWritten,
            (None, Source::Configuration(_) | Source::Keys(_)) => Asked::Next,
        }
    }
}

/// Returns the ECDS file that is pushed to by default.
fn usual_target(source: &Source) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("KEYWARD_ECDS").filter(|path| !path.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    if let Source::Keys(path) = source
        && let Some(ecds) = Store::open(path)?.read()?.usual_target()
    {
        let folder = match path.is_dir() {
            true => path,
            false => folder_of(path),
        };
        return Ok(folder.join(ecds));
    }
    bail!(
        "say where to: --ecds FILE, --wasm-plugin or --envoy-extension-policy; or name the file once, by `[push]` with `ecds = \"FILE\"` in the key file, or by KEYWARD_ECDS"
    )
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let source = arguments.source.source();
    let target = arguments.target(&source)?;
    if arguments.watch {
        let rules = watch::Rules {
            allow_empty: arguments.allow_empty,
            allowed: arguments.allowed(),
            named: arguments.named.clone(),
            metrics: arguments.metrics_file.clone(),
        };
        return watch::run(&source, &target, rules);
    }
    push(arguments, &source, &target).map_err(|error| rejected(error, &source))
}

fn push(arguments: &Arguments, source: &Source, target: &Target) -> Result<Exit> {
    let (asked, allowed) = (arguments.asked(source), arguments.allowed());
    let now = input::now();
    let _lock = target.lock()?;
    let found = Found::at(target)?;
    let before = found.configuration.as_deref();
    let built = match asked {
        Asked::AsWritten => source.build(None)?,
        Asked::Exactly(number) => {
            found.rises_to(number)?;
            source.build(Some(&issue(number, now, arguments.allow_empty)?))?
        }
        Asked::Next => {
            let next = found.next_revision(now);
            source.build(Some(&issue(next, now, arguments.allow_empty)?))?
        }
    };
    let name = source_name::of(&built, arguments.named.as_ref())?;
    let present = found.present();
    let publication = Publication::new(&found, present, &built, name.as_ref(), now)?;
    let mut out = messages(target);
    let admitted = found.admits(name.as_ref(), allowed.take_over);
    let is_the_same = asked == Asked::AsWritten && before == Some(&built.json);
    if is_the_same && found.source == name {
        writeln!(
            out,
            "{} holds revision {} already",
            target.shown(),
            publication.revision
        )?;
        return Ok(Exit::Good);
    }
    if asked == Asked::AsWritten && !is_the_same && admitted.is_ok() {
        found.rises_to(publication.revision)?;
    }
    publication.is_fresh(now)?;
    let content = publication.content()?;
    if arguments.dry_run {
        show(&publication, &found, &built.json, &mut out)?;
    }
    let note = admitted?;
    if let (Err(rejection), false) = (publication.is_complete(), allowed.removals) {
        publication.effect.name_accounts(&mut output::stderr())?;
        return Err(rejection.into());
    }
    let published = publication.published(note);
    if !arguments.dry_run {
        match target.file() {
            Some(_) => say(found.deliver(&content)?.as_deref())?,
            None => std::io::stdout().lock().write_all(&content)?,
        }
        tell(&published, target, &mut out)?;
    }
    say(published.note.as_deref())?;
    say(source_name::nameless(source, name.as_ref()).as_deref())?;
    Ok(Exit::Good)
}

/// Describes what a push would do.
fn show(
    publication: &Publication<'_>,
    found: &Found<'_>,
    json: &str,
    out: &mut impl Write,
) -> Result<()> {
    let held = found.revision();
    let held = held.map_or_else(|| "nothing".to_owned(), |held| format!("revision {held}"));
    writeln!(
        out,
        "{} holds {held}; revision {} would bring {}:",
        found.target.shown(),
        publication.revision,
        publication.effect.counts()
    )?;
    out.flush()?;
    // A gateway without a readable snapshot denies every request.
    let closed = || Checked::read("the target", b"{}");
    let before = match &found.configuration {
        Some(json) => Checked::read("the target", json.as_bytes()).or_else(|_| closed())?,
        None => closed()?,
    };
    let after = Checked::read("the push", json.as_bytes())?;
    diff::print(&between(&before, &after), &names(&before, &after))?;
    publication.effect.name_accounts(out)
}

/// Describes what was pushed.
fn tell(published: &Published, target: &Target, out: &mut impl Write) -> Result<()> {
    let (revision, keys) = (published.revision, counted(published.keys, "key", "keys"));
    writeln!(
        out,
        "pushed revision {revision} with {keys} to {} ({})",
        target.shown(),
        published.effect.counts()
    )?;
    published.effect.name_accounts(out)
}

/// Prints a note to standard error, which is the log of the process that runs this.
fn say(text: Option<&str>) -> Result<()> {
    if let Some(text) = text {
        writeln!(output::stderr(), "keyward: {text}")?;
    }
    Ok(())
}

/// Returns where messages go, so that they do not mix with a manifest on standard output.
fn messages(target: &Target) -> Box<dyn Write> {
    match target.file() {
        Some(_) => Box::new(output::stdout()),
        None => Box::new(output::stderr()),
    }
}

fn issue(revision: u64, now: u64, may_be_empty: bool) -> Result<Issue> {
    Revision::new(revision).context("revisions are below 10^15")?;
    Ok(Issue {
        revision,
        issued_at: now,
        may_be_empty,
    })
}
