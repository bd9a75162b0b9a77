//! Publishes only what a source ends, from what gateways serve: every other record, and everything
//! else about an ended key, stays as it is.

use anyhow::{Context, Result, ensure};

use super::entry::entry;
use super::fold::Next;
use super::listing::Listing;
use super::outcome::{Published, Step};
use super::parts::MOST_RECORDS;
use super::{Lost, Publisher, Request, admit, source_of, ways};
use crate::feed::content::Content;
use crate::publish::{Effect, ends_among};
use keyward::digest::KeyDigest;
use keyward::snapshot::delta::{Delta, End, Ends, Touched, Unwritten};

impl Publisher<'_> {
    /// Publishes only what the content revokes or suspends. Keys that are missing from it stay, as
    /// does everything else. `None` if it ends nothing. Fails unless gateways get every end.
    pub fn publish_ends(
        &mut self,
        content: &Content,
        request: &Request,
        now: u64,
    ) -> Result<Option<Published>> {
        let source = source_of(content, request)?;
        self.attempts(|publisher| publisher.end(content, request, &source, now))
    }

    fn end(
        &mut self,
        content: &Content,
        request: &Request,
        source: &str,
        now: u64,
    ) -> Result<Result<Option<Published>, Lost>> {
        self.read(content.profile())?;
        let present = self.present.as_ref().context("there is no head")?;
        admit(self.store, present, source, request.allowed.take_over)?;
        let (before, after) = (&present.snapshot, content.snapshot());
        let touched = Touched::between(before, after);
        let ends = ends_among(before, after, &touched, now);
        if ends.is_empty() {
            return Ok(Ok(None));
        }
        let effect = Effect::among(before, after, &ends.touched(), now);
        let mut published = Published::of(present, effect);
        published.records = ends.len();
        match self.end_in_parts(content, &ends, source, now, &mut published) {
            Ok(Ok(())) => {}
            Ok(Err(Lost)) => return Ok(Err(Lost)),
            Err(error) => {
                let left = self.left(content, &touched, now);
                return Err(error.context(format!("{left} ends are not published")));
            }
        }
        let left = self.left(content, &touched, now);
        ensure!(
            left == 0,
            "{left} ends are not published; please report this"
        );
        self.finish(&mut published);
        Ok(Ok(Some(published)))
    }

    /// The number of ends that gateways do not get.
    fn left(&self, content: &Content, touched: &Touched, now: u64) -> usize {
        let present = self.present.as_ref();
        let ends = present.map(|it| ends_among(&it.snapshot, content.snapshot(), touched, now));
        ends.map_or(touched.len(), |ends| ends.len())
    }

    /// Publishes ends as several revisions if there are many: first the accounts, each of which
    /// stops many keys.
    fn end_in_parts(
        &mut self,
        content: &Content,
        ends: &Ends,
        source: &str,
        now: u64,
        published: &mut Published,
    ) -> Result<Result<(), Lost>> {
        // The next part is the last one.
        let mut parts = parts(ends, MOST_RECORDS);
        parts.reverse();
        while let Some(part) = parts.pop() {
            match self.end_step(content, &part, source, now) {
                Ok(Ok(step)) => published.steps.push(step),
                Ok(Err(Lost)) => return Ok(Err(Lost)),
                Err(error)
                    if part.len() > 1 && error.downcast_ref() == Some(&Unwritten::TooLarge) =>
                {
                    let mut halves = self::parts(&part, part.len().div_ceil(2));
                    halves.reverse();
                    parts.append(&mut halves);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(()))
    }

    fn end_step(
        &mut self,
        content: &Content,
        ends: &Ends,
        source: &str,
        now: u64,
    ) -> Result<Result<Step, Lost>> {
        let present = self.present.as_ref().context("there is no head")?;
        let from = present.head.revision;
        let to = self.when.next(Some(from.number()), now)?;
        let issued_at = self.when.issue_after(present, now)?;
        let bytes = Delta::of_ends(&present.snapshot, ends, to)?;
        let snapshot = ways::walk(&present.snapshot, &bytes, content.profile())?;
        let part = ends.touched();
        let changed = match self.settings.verify_all {
            true => Touched::between(&present.snapshot, &snapshot),
            false => part.among(&present.snapshot, &snapshot),
        };
        ensure!(
            changed == part,
            "the new delta does not change what ends, and nothing else; nothing was written, please report this"
        );
        let mut touched = present.touched.clone();
        touched.add(part.clone());
        let objects = vec![bytes];
        let listing = Listing::of(present.head.base.revision, &present.head.deltas);
        let mut next = Next {
            listing: listing.with(entry(from, to, &objects)?),
            snapshot,
            part,
            touched,
            objects,
        };
        if next.listing.is_long() {
            next = self.fold(next, content.profile())?;
        }
        self.advance(next, source, issued_at)
    }
}

/// Splits ends into parts of at most this many records.
fn parts(ends: &Ends, most: usize) -> Vec<Ends> {
    let accounts: Vec<&String> = ends.accounts.iter().collect();
    let keys: Vec<(&KeyDigest, &End)> = ends.keys.iter().collect();
    let accounts = accounts.chunks(most).map(|accounts| Ends {
        accounts: accounts.iter().copied().cloned().collect(),
        ..Ends::default()
    });
    let keys = keys.chunks(most).map(|keys| Ends {
        keys: keys.iter().map(|(digest, end)| (**digest, **end)).collect(),
        ..Ends::default()
    });
    accounts.chain(keys).collect()
}
