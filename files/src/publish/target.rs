//! Where a configuration goes.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::template::{Kind, Names};
use crate::replace;

/// One target of a push.
pub struct Target {
    /// Where it is.
    pub destination: Destination,
    /// What everything but the configuration is taken from, where that is not the target itself.
    pub template: Option<PathBuf>,
    /// Whether the file goes into a ConfigMap: what that cannot hold is refused.
    pub in_config_map: bool,
    /// Whether the configuration is to be packed. A configuration that is packed at the target stays packed.
    pub packed: bool,
}

/// What kind of file takes the configuration.
pub enum Destination {
    /// The file that Envoy watches, JSON, YAML or binary protobuf by its ending.
    Ecds(PathBuf),
    /// A manifest.
    Manifest {
        /// Which kind.
        kind: Kind,
        /// What a manifest without a template is made of, and which one is meant where a file has several.
        names: Names,
        /// The file; none for standard output.
        file: Option<PathBuf>,
    },
}

impl Target {
    /// A file that Envoy watches. Everything but the configuration comes from the file itself, or from `template`, which it
    /// needs where it is not there yet.
    #[must_use]
    pub fn ecds(file: &Path, template: Option<&Path>, packed: bool) -> Self {
        Self {
            destination: Destination::Ecds(file.to_owned()),
            template: template.map(Path::to_owned),
            in_config_map: false,
            packed,
        }
    }

    /// The file that is written; none for standard output.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.destination {
            Destination::Ecds(path) => Some(path),
            Destination::Manifest { file, .. } => file.as_deref(),
        }
    }

    /// What messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        let path = self.file().map(|path| path.display().to_string());
        path.unwrap_or_else(|| "standard output".to_owned())
    }

    /// Held while a target is read and written, so that of two pushes at once the later sees the revision of the earlier.
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
