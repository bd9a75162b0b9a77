//! A configuration that is about to be published to a target: whether it may be, its effect there,
//! and the whole publication in one call.

use anyhow::Result;

use super::effect::{Effect, Present};
use super::found::Found;
use super::rejection::Rejection;
use super::target::Target;
use crate::key_file::SourceName;
use crate::snapshot::Built;

/// What a publisher may do to a target apart from updating it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Replace the keys of another source.
    pub take_over: bool,
    /// Omit more than a tenth of the working keys, or an account.
    pub removals: bool,
}

/// One configuration for one target, compared with the present content.
pub struct Publication<'a> {
    found: &'a Found<'a>,
    built: &'a Built,
    source: Option<&'a SourceName>,
    present: Present,
    issued_at: u64,
    /// The revision.
    pub revision: u64,
    /// The number of keys.
    pub keys: usize,
    /// The effect on the keys at the target.
    pub effect: Effect,
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The revision.
    pub revision: u64,
    /// The number of keys.
    pub keys: usize,
    /// The effect on the keys at the target.
    pub effect: Effect,
    /// A note for people, for example that the target has another source now.
    pub note: Option<String>,
}

/// Publishes to a file under a lock, completely or not at all, and records the name of the source.
/// Revisions never go back. Unless `allowed` says otherwise, it does not change a target of another
/// source, or one that would lose keys by mistake. Such an error is a [`Rejection`]; other errors
/// concern the file or what it can contain.
pub fn publish(
    target: &Target,
    built: &Built,
    source: &SourceName,
    allowed: Allowed,
    now: u64,
) -> Result<Published> {
    let _lock = target.lock()?;
    let found = Found::at(target)?;
    let publication = Publication::new(&found, found.present(), built, Some(source), now)?;
    let note = found.admits(Some(source), allowed.take_over)?;
    found.rises_to(publication.revision)?;
    publication.is_fresh(now)?;
    if !allowed.removals {
        publication.is_complete()?;
    }
    let delivered = found.deliver(&publication.content()?)?;
    let notes: Vec<String> = note.into_iter().chain(delivered).collect();
    Ok(publication.published((!notes.is_empty()).then(|| notes.join("; "))))
}

impl<'a> Publication<'a> {
    /// Compares the configuration with `present`: the content that was found or, if that cannot be
    /// read, the earlier content.
    pub fn new(
        found: &'a Found<'a>,
        present: Present,
        built: &'a Built,
        source: Option<&'a SourceName>,
        now: u64,
    ) -> Result<Self, Rejection> {
        let snapshot = built.configuration.snapshot();
        let snapshot = snapshot.ok_or(Rejection::NoSnapshot)?;
        Ok(Self {
            found,
            built,
            source,
            issued_at: snapshot.issued_at(),
            revision: snapshot.revision().number(),
            keys: snapshot.key_count(),
            effect: Effect::between(present.snapshot(), snapshot, now),
            present,
        })
    }

    /// Checks that gateways would not reject it because of its age.
    pub fn is_fresh(&self, now: u64) -> Result<(), Rejection> {
        match self.built.configuration.settings().max_snapshot_age {
            Some(age) if self.issued_at.saturating_add(age) < now => Err(Rejection::Stale { age }),
            _ => Ok(()),
        }
    }

    /// Checks that it has everything that the target has, except what the source ended.
    pub fn is_complete(&self) -> Result<(), Rejection> {
        match self.mistake() {
            None => Ok(()),
            Some(mistake) => Err(Rejection::Missing {
                target: self.found.target.shown(),
                mistake,
                counts: self.effect.counts(),
            }),
        }
    }

    /// Returns why it looks like a mistake, if it does.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        match &self.present {
            Present::Unreadable => Some(
                "this version cannot read what is there now, so it does not know which keys would be lost"
                    .to_owned(),
            ),
            Present::Nothing | Present::Readable(_) => self.effect.mistake(),
        }
    }

    /// Returns the content that it was compared with.
    #[must_use]
    pub fn present(&self) -> &Present {
        &self.present
    }

    /// Returns the target's new content, if the transport can carry it.
    pub fn content(&self) -> Result<Vec<u8>> {
        self.found
            .with(&self.built.json, self.revision, self.source)
    }

    /// Returns the result to report after delivery.
    #[must_use]
    pub fn published(self, note: Option<String>) -> Published {
        Published {
            revision: self.revision,
            keys: self.keys,
            effect: self.effect,
            note,
        }
    }
}
