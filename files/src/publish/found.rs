//! The present state of a target.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::carried::Carried;
use super::ecds;
use super::effect::Present;
use super::rejection::Rejection;
use super::target::{Destination, Target};
use super::template::Kind;
use super::text_file::TextFile;
use crate::key_file::SourceName;
use keyward::configuration::named_revision;

/// What was found at a target, which will receive a configuration.
pub struct Found<'a> {
    /// The target.
    pub target: &'a Target,
    pub(super) content: Content,
    /// The JSON of its present configuration.
    pub configuration: Option<String>,
    /// The source of its keys.
    pub source: Option<SourceName>,
    /// Whether it contains something that this version cannot read as a configuration.
    pub(super) is_unreadable: bool,
    pub(super) is_packed: bool,
    /// Whether writing loses the comments of the present file.
    pub(super) is_by_hand: bool,
}

pub(super) enum Content {
    Text(TextFile),
    Binary(Vec<u8>),
}

/// The result of reading a file.
struct Read {
    content: Content,
    carried: Option<Carried>,
    source: Option<SourceName>,
    /// Whether it contains something other than a configuration.
    is_foreign: bool,
}

impl<'a> Found<'a> {
    /// Reads the target.
    pub fn at(target: &'a Target) -> Result<Self> {
        let existing = target.file().filter(|path| path.exists());
        // The target's file has the revision, which must not decrease. Everything else comes from
        // the template, if there is one.
        let current = existing.map(|path| read(target, path)).transpose()?;
        let is_by_hand = current
            .as_ref()
            .is_some_and(|read| is_by_hand(target, &read.content));
        let found = match (&target.template, current) {
            (Some(template), Some(current)) => Read {
                content: content(target, template)?,
                ..current
            },
            (Some(template), None) => read(target, template)?,
            (None, Some(current)) => current,
            (None, None) => Read {
                content: plain(target)?,
                carried: None,
                source: None,
                is_foreign: false,
            },
        };
        let (content, carried, source) = (found.content, found.carried, found.source);
        let is_packed = target.packed || carried.as_ref().is_some_and(Carried::is_packed);
        // Unreadable content has no revision either.
        let configuration = carried.map(Carried::into_json);
        Ok(Self {
            target,
            content,
            is_unreadable: found.is_foreign || matches!(configuration, Some(Err(_))),
            configuration: configuration.and_then(Result::ok),
            source,
            is_packed,
            is_by_hand,
        })
    }

    /// Returns the present content.
    #[must_use]
    pub fn present(&self) -> Present {
        match &self.configuration {
            Some(json) => Present::of(json),
            None if self.is_unreadable => Present::Unreadable,
            None => Present::Nothing,
        }
    }

    /// Returns the present revision.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        named_revision(self.configuration.as_deref()?.as_bytes())
    }

    /// Returns the revision of a push that chooses its own, which always increases.
    #[must_use]
    pub fn next_revision(&self, now: u64) -> u64 {
        next_revision(self.revision(), now)
    }

    /// Checks that a push with this revision would not take the target back.
    pub fn rises_to(&self, revision: u64) -> Result<(), Rejection> {
        match self.revision() {
            Some(held) if held >= revision => Err(Rejection::Older {
                target: self.target.shown(),
                held,
                revision,
            }),
            _ => Ok(()),
        }
    }

    /// Checks that this source may push to the target. Returns a note for people, if there is one.
    pub fn admits(
        &self,
        source: Option<&SourceName>,
        takes_over: bool,
    ) -> Result<Option<String>, Rejection> {
        let shown = self.target.shown();
        match (&self.source, source) {
            (Some(owner), Some(source)) if owner == source => Ok(None),
            (Some(owner), source) if takes_over => Ok(Some(match source {
                Some(source) => format!("`{source}` took {shown} over from `{owner}`"),
                None => format!("{shown} was taken over from `{owner}`, and has no name now"),
            })),
            (Some(owner), source) => Err(Rejection::OtherSource {
                target: shown,
                owner: owner.clone(),
                source: source.cloned(),
            }),
            (None, Some(source)) if self.holds_keys() => Ok(Some(format!(
                "warning: {shown} had keys without the name of a source; it is `{source}`'s from now on"
            ))),
            (None, _) => Ok(None),
        }
    }

    /// Whether it contains a snapshot, valid or not.
    #[must_use]
    pub fn holds_keys(&self) -> bool {
        let json = self.configuration.as_deref().unwrap_or_default();
        self.is_unreadable || named_revision(json.as_bytes()).is_some()
    }
}

/// Returns the current time as a revision, but always more than the present revision.
#[must_use]
pub fn next_revision(held: Option<u64>, now: u64) -> u64 {
    held.map_or(now, |held| now.max(held.saturating_add(1)))
}

fn read(target: &Target, path: &Path) -> Result<Read> {
    let content = content(target, path)?;
    let carried = configuration(target, &content)?;
    let is_ecds = matches!(target.destination, Destination::Ecds(_));
    Ok(Read {
        // A manifest may lack a configuration. An ECDS file without one has another kind of
        // message.
        is_foreign: is_ecds && carried.is_none(),
        carried,
        source: source(target, &content)?,
        content,
    })
}

fn is_by_hand(target: &Target, content: &Content) -> bool {
    match (&target.destination, content) {
        (Destination::Manifest { kind, .. }, Content::Text(document)) => {
            document.is_by_hand() && !kind.is_plain(document)
        }
        (Destination::Ecds(_), Content::Text(document)) => document.is_by_hand(),
        (_, Content::Binary(_)) => false,
    }
}

fn source(target: &Target, content: &Content) -> Result<Option<SourceName>> {
    Ok(match (&target.destination, content) {
        (Destination::Ecds(_), Content::Text(document)) => ecds::version(document).source,
        (_, Content::Binary(bytes)) => ecds::binary_version(bytes)?.source,
        (Destination::Manifest { .. }, Content::Text(document)) => Kind::source(document),
    })
}

fn content(target: &Target, path: &Path) -> Result<Content> {
    let bytes = fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let read = || -> Result<Content> {
        Ok(match (&target.destination, ecds::form(path)?) {
            (Destination::Ecds(_), None) => Content::Binary(bytes),
            (Destination::Ecds(_), Some(form)) => Content::Text(TextFile::read(bytes, form)?),
            (Destination::Manifest { .. }, None) => bail!("expected a manifest in YAML or JSON"),
            (Destination::Manifest { kind, names, .. }, Some(form)) => {
                Content::Text(kind.read(bytes, form, names)?)
            }
        })
    };
    read().with_context(|| format!("`{}` is not a file of keyward's", path.display()))
}

fn plain(target: &Target) -> Result<Content> {
    match &target.destination {
        Destination::Ecds(path) => bail!(
            "there is no `{}` to put a configuration into; `--template envoy/ecds/keyward.yaml` makes it",
            path.display()
        ),
        Destination::Manifest { kind, names, .. } => Ok(Content::Text(kind.plain(names)?)),
    }
}

fn configuration(target: &Target, content: &Content) -> Result<Option<Carried>> {
    match (&target.destination, content) {
        (Destination::Ecds(_), Content::Text(document)) => ecds::configuration(document),
        (_, Content::Binary(bytes)) => ecds::binary_configuration(bytes),
        (Destination::Manifest { kind, names, .. }, Content::Text(document)) => {
            let json = kind.configuration(document, names)?;
            Ok(json.map(Carried::Text))
        }
    }
}
