//! Where a configuration goes: what is there now, and what is to be there. What the way there cannot carry is refused before anything is written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::carried::Carried;
use super::document::{Document, Form};
use super::ecds;
use super::effect::Present;
use super::manifest::{Kind, Names};
use super::version::Version;
use crate::input;
use keyward::configuration::{LARGEST, named_revision};
use keyward_files::key_file::SourceName;
use keyward_files::replace::{Access, replace, sweep};

/// What Kubernetes keeps in one ConfigMap.
///
/// Source: <https://kubernetes.io/docs/concepts/configuration/configmap/>
const LARGEST_CONFIG_MAP: usize = 1 << 20;

/// One target of a push.
pub(super) struct Target {
    pub(super) place: Place,
    /// What everything but the configuration is taken from, where that is not the target itself.
    pub(super) template: Option<PathBuf>,
    pub(super) names: Names,
    pub(super) in_config_map: bool,
    /// Whether the configuration is to be packed. What is packed at the target stays so.
    pub(super) packed: bool,
}

pub(super) enum Place {
    Ecds(PathBuf),
    /// A file, or standard output.
    Manifest(Kind, Option<PathBuf>),
}

/// What was found at the target, to put a configuration into.
pub(super) struct Found<'a> {
    target: &'a Target,
    content: Content,
    /// The JSON of the configuration that is there now.
    pub(super) configuration: Option<String>,
    /// Whose keys it holds.
    pub(super) source: Option<SourceName>,
    /// Whether something is there that is no configuration this version reads.
    is_unreadable: bool,
    is_packed: bool,
}

/// What was read of a file.
struct Read {
    content: Content,
    carried: Option<Carried>,
    source: Option<SourceName>,
    /// Whether it holds something that is no configuration.
    is_foreign: bool,
}

enum Content {
    Document(Document),
    Binary(Vec<u8>),
}

impl Target {
    /// The file that is written; none for standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Ecds(path) => Some(path),
            Place::Manifest(_, path) => path.as_deref(),
        }
    }

    pub(super) fn shown(&self) -> String {
        let path = self.file().map(|path| path.display().to_string());
        path.unwrap_or_else(|| "standard output".to_owned())
    }

    /// Reads what is there.
    pub(super) fn find(&self) -> Result<Found<'_>> {
        let existing = self.file().filter(|path| path.exists());
        // The file itself holds the revision that must not be undercut; the template, where there is one, everything else.
        let current = existing.map(|path| self.read(path)).transpose()?;
        let found = match (&self.template, current) {
            (Some(template), Some(current)) => Read {
                content: self.content(template)?,
                ..current
            },
            (Some(template), None) => self.read(template)?,
            (None, Some(current)) => current,
            (None, None) => Read {
                content: self.plain()?,
                carried: None,
                source: None,
                is_foreign: false,
            },
        };
        let (content, carried, source) = (found.content, found.carried, found.source);
        let is_packed = self.packed || carried.as_ref().is_some_and(Carried::is_packed);
        // What cannot be read has no revision, either.
        let configuration = carried.map(Carried::into_json);
        Ok(Found {
            target: self,
            content,
            is_unreadable: found.is_foreign || matches!(configuration, Some(Err(_))),
            configuration: configuration.and_then(Result::ok),
            source,
            is_packed,
        })
    }

    fn read(&self, path: &Path) -> Result<Read> {
        let content = self.content(path)?;
        let carried = self.configuration(&content)?;
        let is_ecds = matches!(self.place, Place::Ecds(_));
        Ok(Read {
            // A manifest without a configuration has none; an ECDS file has a message of another kind.
            is_foreign: is_ecds && carried.is_none(),
            carried,
            source: self.source(&content)?,
            content,
        })
    }

    fn source(&self, content: &Content) -> Result<Option<SourceName>> {
        Ok(match (&self.place, content) {
            (Place::Ecds(_), Content::Document(document)) => ecds::version(document).source,
            (_, Content::Binary(bytes)) => ecds::binary_version(bytes)?.source,
            (Place::Manifest(..), Content::Document(document)) => Kind::source(document),
        })
    }

    fn content(&self, path: &Path) -> Result<Content> {
        let bytes = input::read(path)?;
        let read = || -> Result<Content> {
            Ok(match (&self.place, ecds::form(path)?) {
                (Place::Ecds(_), None) => Content::Binary(bytes),
                (Place::Ecds(_), Some(form)) => Content::Document(Document::read(bytes, form)?),
                (Place::Manifest(..), None) => bail!("expected a manifest in YAML or JSON"),
                (Place::Manifest(kind, _), Some(form)) => {
                    Content::Document(kind.read(bytes, form, &self.names)?)
                }
            })
        };
        read().with_context(|| format!("`{}` is no file of keyward's", path.display()))
    }

    fn plain(&self) -> Result<Content> {
        match &self.place {
            Place::Ecds(path) => bail!(
                "there is no `{}` to put a configuration into; `--template envoy/ecds/keyward.yaml` makes it",
                path.display()
            ),
            Place::Manifest(kind, _) => Ok(Content::Document(kind.plain(&self.names)?)),
        }
    }

    fn configuration(&self, content: &Content) -> Result<Option<Carried>> {
        match (&self.place, content) {
            (Place::Ecds(_), Content::Document(document)) => ecds::configuration(document),
            (_, Content::Binary(bytes)) => ecds::binary_configuration(bytes),
            (Place::Manifest(kind, _), Content::Document(document)) => {
                let json = kind.configuration(document, &self.names)?;
                Ok(json.map(Carried::Text))
            }
        }
    }
}

impl Found<'_> {
    /// What it holds.
    pub(super) fn present(&self) -> Present {
        match &self.configuration {
            Some(json) => Present::of(json),
            None if self.is_unreadable => Present::Unreadable,
            None => Present::Nothing,
        }
    }

    /// Whether it names a snapshot, good or not.
    pub(super) fn holds_keys(&self) -> bool {
        let json = self.configuration.as_deref().unwrap_or_default();
        self.is_unreadable || named_revision(json.as_bytes()).is_some()
    }

    /// The target's new content, of this source, if the way there can carry it.
    pub(super) fn with(
        &self,
        json: &str,
        revision: u64,
        source: Option<&SourceName>,
    ) -> Result<Vec<u8>> {
        let target = self.target;
        let version = &Version {
            revision,
            source: source.cloned(),
        };
        if let (Place::Manifest(kind, _), Content::Document(document)) =
            (&target.place, &self.content)
        {
            return kind.place(document, &target.names, json, source);
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
        let content = match (&target.place, &self.content) {
            (Place::Ecds(path), Content::Document(document)) => {
                if ecds::form(path)?.is_none() {
                    ecds::place_binary(&ecds::to_binary(document)?, &carried, version)?
                } else {
                    ecds::place(document, &carried, version)?
                }
            }
            (_, Content::Binary(bytes)) => ecds::place_binary(bytes, &carried, version)?,
            (Place::Manifest(..), Content::Document(_)) => bail!("expected an ECDS file"),
        };
        if let Some(path) = target.file() {
            self.is_of_its_form(path)?;
        }
        if target.in_config_map && content.len() > LARGEST_CONFIG_MAP {
            let instead = match (&carried, ecds::form(target.file().unwrap_or(Path::new("")))) {
                (Carried::Text(_), _) => "push it packed into a .pb file (--packed), ",
                // Base64 is a third larger.
                (Carried::Packed(_), Ok(Some(_))) => "push it into a .pb file, ",
                (Carried::Packed(_), _) => "",
            };
            bail!(
                "the file has {} bytes, and a ConfigMap holds {LARGEST_CONFIG_MAP}; {instead}put it on a volume, or write it with `push --watch` beside Envoy",
                content.len()
            );
        }
        Ok(content)
    }

    /// A template in YAML makes no JSON file, nor the other way round.
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

    /// Writes it.
    pub(super) fn deliver(&self, content: &[u8]) -> Result<()> {
        match self.target.file() {
            Some(path) => {
                sweep(path)?;
                replace(path, Access::Shared, content)
            }
            None => {
                use std::io::Write;
                std::io::stdout().lock().write_all(content)?;
                Ok(())
            }
        }
    }
}
