//! Publishes to a feed: verifies what is there, compares it with the new content, and writes
//! deltas, first the objects and then the head. If two publishers run at once, the slower one
//! begins again from the result of the faster one.

mod changed;
mod commit;
mod ends;
mod entry;
mod fold;
mod listing;
mod outcome;
mod parts;
mod ways;
mod when;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::content::Content;
use super::present::{Present, Reader};
use super::signing_key::SigningKey;
use super::store::FeedStore;
use crate::key_file::SourceName;
use crate::publish::{Allowed, Effect, Rejection};
pub use changed::{Changed, Taken};
use keyward::feed::Head;
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward::snapshot::delta::{Touched, Unwritten};
pub use outcome::{Published, Step};
use parts::Parts;
pub(super) use when::SKEW;
pub use when::{Ahead, Numbering, When};

/// How often a publisher begins again because another was faster.
const ATTEMPTS: usize = 5;

/// The properties of a publisher.
pub struct Settings {
    /// The feed's name.
    pub feed: String,
    /// The key that signs its heads.
    pub key: SigningKey,
    /// Other keys whose heads it builds on, such as the previous key during a rotation.
    pub trusted: Vec<PublicKey>,
    /// How many seconds an object stays after the last head that named it.
    pub retain: u64,
    /// A folder that caches objects which were read before.
    pub cache: Option<PathBuf>,
    /// Whether to compare all records after each step instead of a sample.
    pub verify_all: bool,
}

/// The options of one publication.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The source of these keys.
    pub source: Option<SourceName>,
    /// The permission to do more to the feed than to update it.
    pub allowed: Allowed,
    /// Begin a feed if the store has none.
    pub begin: bool,
    /// Begin a new line: no delta leads there, and every gateway loads the base.
    pub new_line: bool,
    /// Make a new base, whether or not it is due.
    pub base: bool,
    /// Use a revision above this one.
    pub above: Option<u64>,
    /// Write nothing.
    pub dry_run: bool,
}

/// Publishes to one feed. Remembers what it has read and written.
pub struct Publisher<'a> {
    store: &'a dyn FeedStore,
    settings: Settings,
    keys: Vec<PublicKey>,
    present: Option<Present>,
    when: When,
    /// Receives the revision of each head before the head is written.
    note: Option<Note<'a>>,
}

/// Notes a revision. If that fails, the head with this revision is not written.
pub type Note<'a> = Box<dyn Fn(u64) -> Result<()> + 'a>;

/// Another publisher was faster.
struct Lost;

impl<'a> Publisher<'a> {
    /// Creates a publisher for this store.
    pub fn new(store: &'a dyn FeedStore, settings: Settings) -> Result<Self> {
        let own = PublicKey::from_line(&settings.key.public_key());
        let own = own.context("the signing key has no public half that gateways take")?;
        let mut keys = vec![own];
        keys.extend(settings.trusted.iter().cloned());
        Ok(Self {
            store,
            settings,
            keys,
            present: None,
            when: When::default(),
            note: None,
        })
    }

    /// Adds a function that learns every revision before gateways can.
    #[must_use]
    pub fn noting(self, note: Note<'a>) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }

    /// Says how the next heads are numbered and dated.
    pub fn number(&mut self, when: When) {
        self.when = when;
    }

    fn note(&self, head: &Head) -> Result<()> {
        let noted = self.note.as_ref().map(|note| note(head.revision.number()));
        noted.unwrap_or(Ok(()))
    }

    /// Returns the keys whose heads it builds on: its own, and the trusted keys of its settings.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Reads and verifies the feed.
    pub fn read(&mut self, profile: &Profile) -> Result<Option<&Present>> {
        let before = self.present.take();
        let reader = Reader {
            store: self.store,
            feed: &self.settings.feed,
            keys: &self.keys,
            profile,
            cache: self.settings.cache.as_deref(),
        };
        self.present = reader.read(before)?;
        Ok(self.present.as_ref())
    }

    /// Updates the feed to this content.
    pub fn publish(&mut self, content: &Content, request: &Request, now: u64) -> Result<Published> {
        self.attempts(|publisher| publisher.attempt(content, request, now))
    }

    /// Signs the head again with the present time, so that gateways do not consider the feed
    /// frozen.
    pub fn renew(&mut self, profile: &Profile, now: u64) -> Result<Published> {
        self.attempts(|publisher| {
            publisher.read(profile)?;
            let present = publisher
                .present
                .as_ref()
                .context("there is no head to renew")?;
            let mut published = Published::of(present, Effect::default());
            let source = present.head.source.to_string();
            let renewed = publisher.sign_again(&source, now)?;
            Ok(renewed.map(|()| {
                publisher.finish(&mut published);
                published
            }))
        })
    }

    fn attempts<T>(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<Result<T, Lost>>,
    ) -> Result<T> {
        for _ in 0..ATTEMPTS {
            match act(self)? {
                Ok(done) => return Ok(done),
                // The next attempt reads the feed again.
                Err(Lost) => self.present = None,
            }
        }
        bail!(
            "other publishers wrote to `{}` in between, {ATTEMPTS} times; run this again",
            self.store.shown()
        )
    }

    fn attempt(
        &mut self,
        content: &Content,
        request: &Request,
        now: u64,
    ) -> Result<Result<Published, Lost>> {
        let source = source_of(content, request)?;
        let shown = self.store.shown();
        self.read(content.profile())?;
        let Some(present) = &self.present else {
            ensure!(
                request.begin,
                "there is no feed in `{shown}`; use --begin to begin one there"
            );
            return self.begin(content, &source, request, now);
        };
        ensure!(
            !request.begin,
            "there is a feed in `{shown}` already; leave --begin out"
        );
        let note = admit(self.store, present, &source, request.allowed.take_over)?;
        let (before, after) = (&present.snapshot, content.snapshot());
        let touched = Touched::between(before, after);
        let effect = Effect::among(before, after, &touched, now);
        let mut published = Published::of(present, effect);
        published.note = note;
        published.records = touched.len();
        if let (Some(mistake), false) = (published.effect.mistake(), request.allowed.removals) {
            let counts = published.effect.counts();
            let rejection = Rejection::Missing {
                target: shown,
                mistake,
                counts,
            };
            return Err(anyhow::Error::from(rejection).context(MissingAccounts(published.effect)));
        }
        if request.dry_run {
            return Ok(Ok(published));
        }
        if request.new_line {
            let begun = self.begin(content, &source, request, now)?;
            return Ok(begun.map(|begun| Published {
                effect: published.effect,
                ..begun
            }));
        }
        let is_empty = touched.is_empty();
        let changed = present.touched.len();
        let parts = match is_empty {
            true => Parts::default(),
            false => parts::split(before, after, touched.clone(), changed, now),
        };
        let steps = self.take(content, &parts, &source, now)?;
        let Ok(mut steps) = steps else {
            return Ok(Err(Lost));
        };
        published.steps.append(&mut steps);
        let reached = self.present.as_ref().context("there is no head")?;
        let left = touched.among(&reached.snapshot, content.snapshot()).len();
        ensure!(
            left == 0,
            "{left} of {} changed records are not published; please report this",
            touched.len()
        );
        // If another publisher was faster with a base, that base is just as good.
        let compacted = self.compact(content, &source, request.base, now)?;
        let is_compacted = compacted.is_some();
        published.steps.extend(compacted.and_then(Result::ok));
        if is_empty && !is_compacted {
            let Ok(()) = self.sign_again(&source, now)? else {
                return Ok(Err(Lost));
            };
        }
        self.finish(&mut published);
        Ok(Ok(published))
    }

    fn take(
        &mut self,
        content: &Content,
        parts: &Parts,
        source: &str,
        now: u64,
    ) -> Result<Result<Vec<Step>, Lost>> {
        let mut steps = Vec::new();
        let mut needs_base = parts.needs_base;
        for (number, part) in parts.deltas.iter().enumerate() {
            let is_last = !needs_base && number.saturating_add(1) == parts.deltas.len();
            match self.step(content, part, source, is_last, now) {
                Ok(Ok(step)) => steps.push(step),
                Ok(Err(Lost)) => return Ok(Err(Lost)),
                // The base also contains the remaining parts.
                Err(error) if error.downcast_ref() == Some(&Unwritten::TooLarge) => {
                    needs_base = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if needs_base {
            match self.jump(content, source, now)? {
                Ok(step) => steps.push(step),
                Err(Lost) => return Ok(Err(Lost)),
            }
        }
        Ok(Ok(steps))
    }
}

/// The error that a publication was rejected because it would remove accounts, for a caller that
/// reports them.
#[derive(Debug)]
pub struct MissingAccounts(pub Effect);

impl std::fmt::Display for MissingAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not published")
    }
}

/// Returns the source that heads name.
fn source_of(content: &Content, request: &Request) -> Result<String> {
    let source = match (content.source(), &request.source) {
        (Some(own), Some(said)) if own != said => bail!(
            "the key file is `{own}`, and --source says `{said}`; leave --source out, which is for a source without a name"
        ),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => bail!(
            "a feed carries the name of its source, and this one has none; say --source file:NAME, the same each time"
        ),
    };
    Ok(source.to_string())
}

/// Checks that this source may publish to the feed. Returns a note for people, if there is one.
fn admit(
    store: &dyn FeedStore,
    present: &Present,
    source: &str,
    takes_over: bool,
) -> Result<Option<String>> {
    let owner = &*present.head.source;
    if owner == source {
        return Ok(None);
    }
    if takes_over {
        let shown = store.shown();
        return Ok(Some(format!("`{source}` took {shown} over from `{owner}`")));
    }
    let owner = SourceName::parse(owner).context("the head names no source")?;
    Err(Rejection::OtherSource {
        target: store.shown(),
        owner,
        source: SourceName::parse(source),
    }
    .into())
}
