//! Where a configuration is published.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::template::{Kind, Names};
use crate::replace;

/// One target of a push.
pub struct Target {
    /// Where it is.
    pub destination: Destination,
    /// The file for everything except the configuration, if it is not the target itself.
    pub template: Option<PathBuf>,
    /// Whether the file goes into a ConfigMap. Then keyward rejects content that is too large for
    /// one.
    pub in_config_map: bool,
    /// Whether to pack the configuration. A target whose configuration is packed stays packed.
    pub packed: bool,
}

/// The kind of file that receives the configuration.
pub enum Destination {
    /// The file that Envoy watches: JSON, YAML or binary protobuf, depending on its extension.
    Ecds(PathBuf),
    /// A manifest.
    Manifest {
        /// The kind of manifest.
        kind: Kind,
        /// The names for a manifest that is made without a template. They also select one of
        /// several manifests in a file.
        names: Names,
        /// The file. `None` for standard output.
        file: Option<PathBuf>,
    },
}

impl Target {
    /// Returns a target that Envoy watches. Everything except the configuration comes from the file
    /// itself or from `template`, which is required if the file does not exist yet.
    #[must_use]
    pub fn ecds(file: &Path, template: Option<&Path>, packed: bool) -> Self {
        Self {
            destination: Destination::Ecds(file.to_owned()),
            template: template.map(Path::to_owned),
            in_config_map: false,
            packed,
        }
    }

    /// Returns the file to write. `None` for standard output.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.destination {
            Destination::Ecds(path) => Some(path),
            Destination::Manifest { file, .. } => file.as_deref(),
        }
    }

    /// Returns the target's name in messages.
    #[must_use]
    pub fn shown(&self) -> String {
        let path = self.file().map(|path| path.display().to_string());
        path.unwrap_or_else(|| "standard output".to_owned())
    }

    /// Locks the target. Hold the lock from reading to writing, so that if two pushes run at once,
    /// the second sees the first one's revision.
    pub fn lock(&self) -> Result<Option<File>> {
        let Some(path) = self.file() else {
            return Ok(None);
        };
        let folder = replace::resolved(path)
            .and_then(|path| File::open(replace::folder_of(&path)))
            .with_context(|| format!("the folder of `{}` cannot be opened", path.display()))?;
        folder.lock()?;
        Ok(Some(folder))
    }
}
