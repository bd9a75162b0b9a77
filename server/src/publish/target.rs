//! A file that an Envoy watches, written by the code of `keyward push`. Its settings are the file's own; only the snapshot in them is ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keyward::configuration::Configuration;
use keyward_files::key_file::SourceName;
use keyward_files::publish::{Allowed, Found, Target, publish};
use keyward_files::snapshot::Built;
use serde_json::{Map, Value};

use crate::configuration::Group;

/// One target.
pub(super) struct File {
    path: PathBuf,
    template: Option<PathBuf>,
    group: Group,
    source: SourceName,
    /// All of the configuration but the snapshot.
    settings: Map<String, Value>,
    max_snapshot_age: Option<u64>,
}

impl File {
    /// A target that is there. One that another source writes, and one that is ahead of the store, is refused: a restored store must not revive keys that were
    /// revoked since.
    pub(super) fn open(path: &Path, group: Group, store_id: &str, revision: u64) -> Result<Self> {
        let source = source(store_id)?;
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
        {
            bail!(
                "`{}` holds revision {held}, and the store knows none above {revision}: it is older than what gateways serve, such as a restored backup. Nothing is published, for keys that were revoked since would work again",
                path.display()
            );
        }
        let mut settings: Map<String, Value> = serde_json::from_str(json)
            .with_context(|| format!("`{}`: the configuration in it", path.display()))?;
        settings.remove("snapshot");
        Self::of(path, None, group, source, settings)
    }

    /// A target that is not there yet, made of a template. It is the gateway's before the server: the caller's credential goes no further.
    pub(super) fn make(path: &Path, template: &Path, store_id: &str) -> Result<Self> {
        let mut settings = Map::new();
        settings.insert("forward_credential".to_owned(), Value::Bool(false));
        Self::of(
            path,
            Some(template),
            Group::Control,
            source(store_id)?,
            settings,
        )
    }

    fn of(
        path: &Path,
        template: Option<&Path>,
        group: Group,
        source: SourceName,
        settings: Map<String, Value>,
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
        })
    }

    pub(super) fn group(&self) -> Group {
        self.group
    }

    /// After how long it is issued anew: half of the age at which gateways stop to believe it.
    pub(super) fn reissue(&self) -> Option<Duration> {
        let age = self.max_snapshot_age?;
        Some(Duration::from_secs((age / 2).max(1)))
    }

    /// Puts a snapshot in. What the filter would not load is not written. Keys that are missing from it were purged: the store is the truth.
    pub(super) fn write(&self, snapshot: &Value, now: u64) -> Result<()> {
        let mut configuration = self.settings.clone();
        configuration.insert("snapshot".to_owned(), snapshot.clone());
        let json = Value::Object(configuration).to_string();
        let built = Built::of_json("the new snapshot", json, Some(self.source.clone()))?;
        let target = Target::ecds(&self.path, self.template.as_deref(), true);
        let allowed = Allowed {
            take_over: false,
            removals: true,
        };
        publish(&target, &built, &self.source, allowed, now)?;
        Ok(())
    }
}

fn source(store_id: &str) -> Result<SourceName> {
    SourceName::parse(&format!("server:{store_id}"))
        .context("the store's name is not one of a source")
}
