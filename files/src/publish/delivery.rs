//! The new content of a target. keyward rejects what the transport cannot carry before it writes
//! anything.

use std::path::Path;

use anyhow::{Result, bail};

use super::carried::Carried;
use super::ecds;
use super::found::{Content, Found};
use super::target::Destination;
use super::text_file::Form;
use super::version_info::VersionInfo;
use crate::key_file::SourceName;
use crate::replace::{Access, keep_before, replace, sweep};
use keyward::configuration::LARGEST;

/// The maximum size of a ConfigMap in Kubernetes.
///
/// Source: <https://kubernetes.io/docs/concepts/configuration/configmap/>
const LARGEST_CONFIG_MAP: usize = 1 << 20;

impl Found<'_> {
    /// Returns the target's new content with this source, if the transport can carry it.
    pub fn with(&self, json: &str, revision: u64, source: Option<&SourceName>) -> Result<Vec<u8>> {
        let target = self.target;
        let version = &VersionInfo {
            revision,
            source: source.cloned(),
        };
        if let (Destination::Manifest { kind, names, .. }, Content::Text(document)) =
            (&target.destination, &self.content)
        {
            return kind.place(document, names, json, source);
        }
        let carried = Carried::new(json, self.is_packed)?;
        let size = carried.bytes().len();
        if size > LARGEST {
            let instead = match carried {
                Carried::Text(_) => "push it packed (--packed)",
                Carried::Packed(_) => "split the keys over several gateways",
            };
            bail!(
                "the configuration has {size} bytes, and the filter takes at most {LARGEST}; {instead}"
            );
        }
        let content = match (&target.destination, &self.content) {
            (Destination::Ecds(path), Content::Text(document)) => {
                if ecds::form(path)?.is_none() {
                    ecds::place_binary(&ecds::to_binary(document)?, &carried, version)?
                } else {
                    ecds::place(document, &carried, version)?
                }
            }
            (_, Content::Binary(bytes)) => ecds::place_binary(bytes, &carried, version)?,
            (Destination::Manifest { .. }, Content::Text(_)) => bail!("expected an ECDS file"),
        };
        if let Some(path) = target.file() {
            self.is_of_its_form(path)?;
        }
        if target.in_config_map && content.len() > LARGEST_CONFIG_MAP {
            let instead = match (&carried, ecds::form(target.file().unwrap_or(Path::new("")))) {
                (Carried::Text(_), _) => "push it packed into a .pb file (--packed), ",
                // Base64 adds a third.
                (Carried::Packed(_), Ok(Some(_))) => "push it into a .pb file, ",
                (Carried::Packed(_), _) => "",
            };
            bail!(
                "the file has {} bytes, and a ConfigMap holds {LARGEST_CONFIG_MAP}; {instead}put it on a volume, or write it with `push --watch` next to Envoy",
                content.len()
            );
        }
        Ok(content)
    }

    /// Checks the formats: a YAML template cannot make a JSON file, or the reverse.
    fn is_of_its_form(&self, path: &Path) -> Result<()> {
        let template = self.target.template.as_deref().unwrap_or(path);
        let (of_file, of_template) = (ecds::form(path)?, ecds::form(template)?);
        let fits = match (of_file, of_template) {
            (None, _)
            | (Some(Form::Json), Some(Form::Json))
            | (Some(Form::Yaml), Some(Form::Yaml)) => true,
            (Some(_), _) => false,
        };
        if !fits {
            bail!(
                "`{}` and its template must be of one format",
                path.display()
            );
        }
        Ok(())
    }

    /// Writes the content to the target's file. Returns a note for people, if there is one.
    pub fn deliver(&self, content: &[u8]) -> Result<Option<String>> {
        let Some(path) = self.target.file() else {
            bail!("expected a file to write to");
        };
        sweep(path)?;
        let kept = match self.is_by_hand {
            true => Some(keep_before(path)?),
            false => None,
        };
        replace(path, Access::Shared, content)?;
        Ok(kept.map(|kept| {
            format!(
                "`{}` is JSON from now on, which is also YAML: every field stays, comments do not. `{}` is the file as it was",
                path.display(),
                kept.display()
            )
        }))
    }
}
