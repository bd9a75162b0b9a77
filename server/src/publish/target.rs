//! A file that an Envoy watches, written by the code of `keyward push`. Its settings belong to the file; only the snapshot in them is ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keyward::configuration::Configuration;
use keyward::snapshot::Snapshot;
use keyward_files::key_file::{Issue, SourceName};
use keyward_files::publish::{Allowed, Ends, Found, Target, publish};
use keyward_files::snapshot::{Built, reissue};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::{Manner, RESTORED};
use crate::configuration::{self, Group};
use crate::profile::MEMBER;
use crate::store::Snapshot as Records;

/// One target.
pub(super) struct File {
    path: PathBuf,
    template: Option<PathBuf>,
    group: Group,
    source: SourceName,
    /// The configuration without the snapshot.
    settings: Map<String, Value>,
    max_snapshot_age: Option<u64>,
    manner: Manner,
}

impl File {
    /// Opens an existing target. Refuses one that another source writes, and one that is ahead of the store: a restored store must not revive keys that were
    /// revoked since.
    pub(super) fn open(
        target: &configuration::Target,
        store_id: &str,
        revision: u64,
        manner: Manner,
        profile: Option<&Value>,
    ) -> Result<Self> {
        let (path, group, source) = (target.file.as_path(), target.group, source(store_id)?);
        let target = Target::ecds(path, None, true);
        let found = Found::at(&target)?;
        if let Some(other) = &found.source
            && *other != source
        {
            bail!(
                "`{}` holds keys of `{other}`, and this store is `{source}`; push to it with another target, or remove it and run `init` again",
                path.display()
            );
        }
        let json = found.configuration.as_deref().unwrap_or("{}");
        if let Some(held) = found.revision()
            && held > revision
            && manner == Manner::Snapshot
        {
            bail!("`{}` holds revision {held}, {RESTORED}", path.display());
        }
        let mut settings: Map<String, Value> = serde_json::from_str(json)
            .with_context(|| format!("`{}`: the configuration in it", path.display()))?;
        settings.remove("snapshot");
        put_profile(&mut settings, profile);
        Self::of(path, None, group, source, settings, manner)
    }

    /// Creates a missing target from a template. It is for the gateway in front of the server: the caller's credential goes no further.
    pub(super) fn make(
        path: &Path,
        template: &Path,
        store_id: &str,
        profile: Option<&Value>,
    ) -> Result<Self> {
        let mut settings = Map::new();
        put_profile(&mut settings, profile);
        settings.insert("forward_credential".to_owned(), Value::Bool(false));
        Self::of(
            path,
            Some(template),
            Group::Control,
            source(store_id)?,
            settings,
            Manner::Snapshot,
        )
    }

    fn of(
        path: &Path,
        template: Option<&Path>,
        group: Group,
        source: SourceName,
        settings: Map<String, Value>,
        manner: Manner,
    ) -> Result<Self> {
        let text = Value::Object(settings.clone()).to_string();
        let read = Configuration::from_json(text.as_bytes())
            .with_context(|| format!("`{}`: its settings", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            template: template.map(Path::to_owned),
            group,
            source,
            max_snapshot_age: read.settings().max_snapshot_age,
            settings,
            manner,
        })
    }

    pub(super) fn group(&self) -> Group {
        self.group
    }

    /// The interval after which it is issued again: half of the age at which gateways stop trusting it.
    pub(super) fn reissue(&self) -> Option<Duration> {
        let age = self.max_snapshot_age?;
        Some(Duration::from_secs((age / 2).max(1)))
    }

    /// Puts a snapshot in. It writes only what the filter would load. Missing keys were purged: the store is the truth.
    pub(super) fn write(&self, snapshot: Records<'_>, issue: &Issue) -> Result<()> {
        let now = issue.issued_at;
        let json = serde_json::to_string(&Whole {
            settings: &self.settings,
            snapshot,
        })?;
        let built = Built::of_json("the new snapshot", json, Some(self.source.clone()))?;
        let target = Target::ecds(&self.path, self.template.as_deref(), true);
        let built = match self.manner {
            Manner::Snapshot => built,
            Manner::Ends => self.ends(&target, &built, issue.revision, now)?,
        };
        let allowed = Allowed {
            take_over: false,
            removals: true,
        };
        publish(&target, &built, &self.source, allowed, now)?;
        Ok(())
    }
}

/// A gateway finds keys by the profile that they were made by.
fn put_profile(settings: &mut Map<String, Value>, profile: Option<&Value>) {
    if let Some(members) = profile {
        settings.insert(MEMBER.to_owned(), members.clone());
    }
}

/// A configuration, written member by member.
struct Whole<'a> {
    settings: &'a Map<String, Value>,
    snapshot: Records<'a>,
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, member) in self.settings {
            map.serialize_entry(name, member)?;
        }
        map.serialize_entry("snapshot", &self.snapshot)?;
        map.end()
    }
}

impl File {
    /// The contents of the target, with the ends of `new` in it.
    fn ends(&self, target: &Target, new: &Built, revision: u64, now: u64) -> Result<Built> {
        let found = Found::at(target)?;
        let held = found.configuration.as_deref();
        let held = held.context("the target holds nothing that this version reads")?;
        let configuration = Configuration::from_json(held.as_bytes())?;
        let (Some(before), Some(after)) = (configuration.snapshot(), new.configuration.snapshot())
        else {
            bail!("the target holds no snapshot to end keys in");
        };
        let ends = Ends::of(held, before, after, now)?;
        let json = ends.as_ref().map_or(held, |ends| ends.json.as_str());
        let revision = found.next_revision(now).max(revision);
        let json = reissue(json, revision, now)?;
        Built::of_json("what the target holds", json, Some(self.source.clone()))
    }
}

/// The records of this store that a target contains.
pub(crate) struct Held {
    pub(crate) revision: u64,
    pub(crate) snapshot: Snapshot,
}

/// Reads them. Refuses a target of another source.
pub(crate) fn held(target: &configuration::Target, store_id: &str) -> Result<Held> {
    let path = target.file.display();
    let (target, source) = (Target::ecds(&target.file, None, true), source(store_id)?);
    let found = Found::at(&target)?;
    if found.source.as_ref() != Some(&source) {
        bail!("`{path}` does not hold keys of `{source}`");
    }
    let (Some(revision), Some(json)) = (found.revision(), &found.configuration) else {
        bail!("`{path}` holds no snapshot");
    };
    let configuration =
        Configuration::from_json(json.as_bytes()).with_context(|| format!("`{path}`"))?;
    let snapshot = configuration.snapshot().cloned();
    Ok(Held {
        revision,
        snapshot: snapshot.with_context(|| format!("`{path}` holds no snapshot"))?,
    })
}

pub(super) fn source(store_id: &str) -> Result<SourceName> {
    SourceName::parse(&format!("server:{store_id}"))
        .context("the store's name is not one of a source")
}
