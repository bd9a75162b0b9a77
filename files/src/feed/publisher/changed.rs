//! Publishes a change by its records alone, for a caller that knows what has changed since its last publication. So a change of one key costs the same among a
//! million. As for the whole content, the delta is followed in memory before the head is written. In any doubt nothing is written, and the whole content is needed.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::commit::is_due;
use super::fold::Next;
use super::outcome::Published;
use super::parts::MOST_RECORDS;
use super::ways::SAMPLE;
use super::{Lost, Publisher};
use crate::feed::content::Content;
use crate::feed::present::Present;
use crate::key_file::SourceName;
use crate::publish::Effect;
use keyward::snapshot::delta::{MOST_CHANGED, Touched};

/// What has changed, and nothing else.
pub struct Changed<'a> {
    /// The records that changed, and all that they refer to, as a content of its own.
    pub content: &'a Content,
    /// The names of the records that changed. Those that the content does not have are gone.
    pub touched: &'a Touched,
    /// The revision of the feed that they have changed since.
    pub since: u64,
    /// How many keys there are now, changed or not.
    pub keys: usize,
    /// How many accounts there are now.
    pub accounts: usize,
}

/// What became of a changed.
pub enum Taken {
    /// The feed leads to it.
    Led {
        /// The outcome. Its effect is not counted.
        published: Published,
        /// Whether a new base is due, which only the whole content makes.
        is_base_due: bool,
    },
    /// Nothing was written. The whole content has to be published, for this reason.
    Whole(&'static str),
}

impl Publisher<'_> {
    /// Makes the feed lead to what it leads to now, with these records in place of theirs.
    pub fn publish_changed(
        &mut self,
        changed: &Changed<'_>,
        source: &SourceName,
        now: u64,
    ) -> Result<Taken> {
        let source = source.to_string();
        self.read(changed.content.profile())?;
        let Some(present) = &self.present else {
            return Ok(Taken::Whole("there is no feed yet"));
        };
        if let Some(why) = changed.refused(present, &source) {
            return Ok(Taken::Whole(why));
        }
        let mut published = Published::of(present, Effect::default());
        published.records = changed.touched.len();
        if changed.touched.is_empty() {
            // It changed nothing that gateways receive.
            let Ok(()) = self.sign_again(&source, now)? else {
                return Ok(Taken::Whole(FASTER));
            };
        } else {
            let (packed, issued_at) = self.numbered(changed.content, now)?;
            let next = self.next(&packed, changed.touched, changed.content.profile());
            let Ok(next) = next else {
                return Ok(Taken::Whole("no delta was possible"));
            };
            let present = self.present.as_ref().context("there is no head")?;
            if let Some(why) = changed.not_reached(&next, present, self.settings.verify_all) {
                return Ok(Taken::Whole(why));
            }
            let next = match next.listing.is_long() {
                true => self.fold(next, changed.content.profile())?,
                false => next,
            };
            match self.advance(next, &source, issued_at)? {
                Ok(step) => published.steps.push(step),
                Err(Lost) => return Ok(Taken::Whole(FASTER)),
            }
        }
        self.finish(&mut published);
        let present = self.present.as_ref().context("there is no head")?;
        let is_base_due = is_due(present, false, now);
        Ok(Taken::Led {
            published,
            is_base_due,
        })
    }
}

const FASTER: &str = "another publisher was faster";

impl Changed<'_> {
    /// How many records may change at once.
    pub const MOST: usize = MOST_RECORDS;

    /// Why it cannot be published onto what is there.
    fn refused(&self, present: &Present, source: &str) -> Option<&'static str> {
        let Touched {
            keys,
            accounts,
            grant_sets,
            contract,
        } = self.touched;
        let count = keys.len().saturating_add(accounts.len());
        if present.head.revision.number() != self.since {
            return Some("the feed leads to another revision than the last one");
        }
        if *present.head.source != *source {
            return Some("the feed is of another source");
        }
        if *contract || !grant_sets.is_empty() {
            return Some("more changed than keys and accounts");
        }
        if count > MOST_RECORDS || present.touched.len().saturating_add(count) > MOST_CHANGED {
            return Some("it is too large for one delta");
        }
        None
    }

    /// Why the next state is not what was meant: a changed record is another one, the numbers are
    /// others, or something else changed too. Of the rest a sample is compared, or all.
    fn not_reached(&self, next: &Next, present: &Present, all: bool) -> Option<&'static str> {
        let (is, before) = (&next.snapshot, &present.snapshot);
        if (is.key_count(), is.accounts().len()) != (self.keys, self.accounts) {
            return Some("the records are not as many as they were meant to be");
        }
        let meant = self.content.snapshot();
        if !self.touched.records_among(is, meant).is_empty() {
            return Some("a changed record is not as it was meant to be");
        }
        let differing = match all {
            true => Touched::between(before, is),
            false => {
                let keys: BTreeSet<_> = before.digests_all_over(SAMPLE).collect();
                let some = Touched {
                    keys,
                    ..Touched::default()
                };
                some.among(before, is)
            }
        };
        let is_as_meant = differing.keys.is_subset(&self.touched.keys)
            && differing.accounts.is_subset(&self.touched.accounts)
            && differing.grant_sets.is_empty()
            && !differing.contract;
        (!is_as_meant).then_some("more records changed than were meant to")
    }
}
