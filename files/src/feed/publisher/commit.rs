//! The steps of a publication, each of which ends with a new head. If a step is interrupted at any
//! point, gateways can still follow the feed.

use anyhow::{Context, Result, ensure};

use super::entry::{entry, size};
use super::fold::Next;
use super::listing::{Conditions, Listing};
use super::outcome::{Published, Step};
use super::{Lost, Publisher, Request, ways};
use crate::feed::content::{Content, base_bytes};
use crate::feed::garbage::sweep;
use crate::feed::present::{Present, count};
use crate::feed::store::{Mutable, ObjectKind, ObjectName, Swap};
use crate::publish::Effect;
use crate::randomness::new_random_id;
use keyward::feed::head::{LARGEST_WRITTEN, MOST_WRITTEN_DELTAS, PACKED, Sha256};
use keyward::feed::{BaseEntry, Head};
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched, Unwritten};
use keyward::snapshot::packed::{Packed, Trust};

/// The comment above a signature.
const COMMENT: &str = "keyward feed";

/// What a new head leads to.
struct State {
    base: Snapshot,
    snapshot: Snapshot,
    touched: Touched,
}

impl Publisher<'_> {
    /// Begins a feed or a new line. Every gateway loads the base.
    pub(super) fn begin(
        &mut self,
        content: &Content,
        source: &str,
        request: &Request,
        now: u64,
    ) -> Result<Result<Published, Lost>> {
        let held = self
            .present
            .as_ref()
            .map(|present| present.head.revision.number());
        let revision = self.when.next(held.max(request.above), now)?;
        let issued_at = match &self.present {
            Some(present) => self.when.issue_after(present, now)?,
            None => now,
        };
        let packed = content.issued(revision, issued_at)?;
        let (base, entry) = self.put_base(&packed, content, true)?;
        let head = Head {
            feed: self.settings.feed.as_str().into(),
            source: source.into(),
            line: new_random_id()?.into(),
            packed: PACKED,
            revision,
            issued_at,
            keys: count(base.key_count()),
            accounts: count(base.accounts().len()),
            base: entry,
            deltas: Vec::new(),
        };
        let effect = Effect::between(None, &base, now);
        let state = State {
            snapshot: base.clone(),
            base,
            touched: Touched::default(),
        };
        let size = entry.size.into();
        let Ok(()) = self.swap(head, state)? else {
            return Ok(Err(Lost));
        };
        let present = self.present.as_ref().context("there is no head")?;
        let mut published = Published::of(present, effect);
        published.steps.push(Step::Begun(size));
        self.finish(&mut published);
        Ok(Ok(published))
    }

    /// Writes one revision as a delta. After the last delta of a change, the feed leads to the
    /// content.
    pub(super) fn step(
        &mut self,
        content: &Content,
        part: &Touched,
        source: &str,
        is_last: bool,
        now: u64,
    ) -> Result<Result<Step, Lost>> {
        let (packed, issued_at) = self.numbered(content, now)?;
        let mut next = self.next(&packed, part, content.profile())?;
        if is_last {
            let present = self.present.as_ref().context("there is no head")?;
            let (base, profile) = (present.head.base.revision, content.profile());
            let all = self.settings.verify_all;
            let (meant, touched) = (content.snapshot(), &next.touched);
            ways::compare(&next.snapshot, meant, touched, all, "the new delta")?;
            if next.listing.is_long() {
                let to = next.snapshot.revision();
                let bytes = Delta::write(&packed, touched, base)?;
                for before in [&present.base, &present.snapshot] {
                    let reached = ways::walk(before, &bytes, profile)?;
                    ways::compare(&reached, meant, touched, all, "the cumulative delta")?;
                }
                next.objects.push(bytes);
                next.listing = next.listing.folded(entry(base, to, &next.objects)?);
            }
        } else if next.listing.is_long() {
            next = self.fold(next, content.profile())?;
        }
        self.advance(next, source, issued_at)
    }

    /// Returns the content as the revision after the present one, and when that is issued.
    pub(super) fn numbered(&self, content: &Content, now: u64) -> Result<(Packed, u64)> {
        let present = self.present.as_ref().context("there is no head")?;
        let to = self.when.next(Some(present.head.revision.number()), now)?;
        let issued_at = self.when.issue_after(present, now)?;
        Ok((content.issued(to, issued_at)?, issued_at))
    }

    /// Returns the state to which the records of `part`, as they are in `packed`, lead from the present one.
    pub(super) fn next(&self, packed: &Packed, part: &Touched, profile: &Profile) -> Result<Next> {
        let present = self.present.as_ref().context("there is no head")?;
        let (from, to) = (present.head.revision, packed.revision()?);
        let bytes = Delta::write(packed, part, from)?;
        let snapshot = ways::walk(&present.snapshot, &bytes, profile)?;
        let mut touched = present.touched.clone();
        touched.add(part.clone());
        let objects = vec![bytes];
        let listing = Listing::of(present.head.base.revision, &present.head.deltas);
        Ok(Next {
            snapshot,
            part: part.clone(),
            touched,
            listing: listing.with(entry(from, to, &objects)?),
            objects,
        })
    }

    /// Writes a revision, first its objects and then the head.
    pub(super) fn advance(
        &mut self,
        next: Next,
        source: &str,
        issued_at: u64,
    ) -> Result<Result<Step, Lost>> {
        let present = self.present.as_ref().context("there is no head")?;
        let head = Head {
            source: source.into(),
            revision: next.snapshot.revision(),
            issued_at,
            keys: count(next.snapshot.key_count()),
            accounts: count(next.snapshot.accounts().len()),
            deltas: next.listing.entries(),
            ..present.head.clone()
        };
        // Without a head, no objects may be left.
        json_of(&head)?;
        for bytes in &next.objects {
            let name = ObjectName::of(ObjectKind::Delta, bytes);
            self.store.put_new(&name, bytes)?;
        }
        let size = next.objects.first().map_or(0, |bytes| count(bytes.len()));
        let state = State {
            base: present.base.clone(),
            snapshot: next.snapshot,
            touched: next.touched,
        };
        Ok(self.swap(head, state)?.map(|()| Step::Delta(size)))
    }

    /// Writes one revision as a base, for a change that is too large for deltas.
    pub(super) fn jump(
        &mut self,
        content: &Content,
        source: &str,
        now: u64,
    ) -> Result<Result<Step, Lost>> {
        let (packed, issued_at) = self.numbered(content, now)?;
        let (base, base_entry) = self.put_base(&packed, content, true)?;
        let present = self.present.as_ref().context("there is no head")?;
        let head = Head {
            source: source.into(),
            revision: base.revision(),
            issued_at,
            keys: count(base.key_count()),
            accounts: count(base.accounts().len()),
            base: base_entry,
            deltas: Vec::new(),
            ..present.head.clone()
        };
        let size = base_entry.size.into();
        let state = State {
            snapshot: base.clone(),
            base,
            touched: Touched::default(),
        };
        Ok(self.swap(head, state)?.map(|()| Step::Jump(size)))
    }

    /// Writes a new base for the present revision. Returns `None` if it is not due.
    pub(super) fn compact(
        &mut self,
        content: &Content,
        source: &str,
        is_forced: bool,
        now: u64,
    ) -> Result<Option<Result<Step, Lost>>> {
        let present = self.present.as_ref().context("there is no head")?;
        if !is_due(present, is_forced, now) {
            return Ok(None);
        }
        let listing = Listing::of(present.head.base.revision, &present.head.deltas);
        let (from, at) = (present.head.base.revision, present.head.revision);
        // Gateways that are at this revision do not load its base: they must have its content.
        let all = self.settings.verify_all;
        let (meant, touched) = (content.snapshot(), &present.touched);
        ways::compare(&present.snapshot, meant, touched, all, "the feed")?;
        // A head of the same revision must be newer.
        let newer = now.max(present.head.issued_at.saturating_add(1));
        let issued_at = self.when.issue_after(present, newer)?;
        let packed = content.issued(at, issued_at)?;
        let bridge = match Delta::write(&packed, touched, from) {
            Ok(bytes) => Some(bytes),
            // Then gateways load the base, each at its own time.
            Err(Unwritten::TooLarge) => None,
            Err(refused) => return Err(refused.into()),
        };
        if let Some(bytes) = &bridge {
            let reached = ways::walk(&present.base, bytes, content.profile())?;
            ways::compare(&reached, meant, touched, all, "the delta to the new base")?;
            let name = ObjectName::of(ObjectKind::Delta, bytes);
            self.store.put_new(&name, bytes)?;
        }
        let (base, base_entry) = self.put_base(&packed, content, false)?;
        let bridge_entry = match &bridge {
            Some(bytes) => Some(entry(from, at, std::slice::from_ref(bytes))?),
            None => None,
        };
        let present = self.present.as_ref().context("there is no head")?;
        let head = Head {
            source: source.into(),
            issued_at,
            base: base_entry,
            deltas: listing.rebased(at, bridge_entry).entries(),
            ..present.head.clone()
        };
        let size = base_entry.size.into();
        let state = State {
            snapshot: base.clone(),
            base,
            touched: Touched::default(),
        };
        let swapped = self.swap(head, state)?;
        Ok(Some(
            swapped.map(|()| Step::Compacted(size, bridge.is_some())),
        ))
    }

    /// Signs the same head with another time.
    pub(super) fn sign_again(&mut self, source: &str, now: u64) -> Result<Result<(), Lost>> {
        let present = self.present.as_ref().context("there is no head")?;
        // Gateways accept another head of the same revision only if it is newer.
        let now = match *present.head.source == *source {
            true => now,
            false => now.max(present.head.issued_at.saturating_add(1)),
        };
        let head = Head {
            source: source.into(),
            issued_at: self.when.issue_after(present, now)?,
            ..present.head.clone()
        };
        let state = State {
            base: present.base.clone(),
            snapshot: present.snapshot.clone(),
            touched: present.touched.clone(),
        };
        self.swap(head, state)
    }

    /// Puts a base into the store, after reading it from its bytes and comparing it.
    fn put_base(
        &self,
        packed: &Packed,
        content: &Content,
        urgent: bool,
    ) -> Result<(Snapshot, BaseEntry)> {
        let bytes = base_bytes(packed)?;
        let name = ObjectName::of(ObjectKind::Base, &bytes);
        let read = Packed::from_bytes(&bytes)?;
        // Its rows were copied from the content, which has passed every check.
        let base = read.snapshot(content.profile(), Trust::Content)?;
        let all = self.settings.verify_all;
        let (meant, nothing) = (content.snapshot(), Touched::default());
        ways::compare(&base, meant, &nothing, all, "the new base")?;
        self.store.put_new(&name, &bytes)?;
        let entry = BaseEntry {
            revision: base.revision(),
            size: size(&bytes)?,
            sha256: Sha256::new(name.sha256),
            urgent,
        };
        Ok((base, entry))
    }

    /// Replaces the head, after all objects that it names are in the store.
    fn swap(&mut self, head: Head, state: State) -> Result<Result<(), Lost>> {
        let json = json_of(&head)?;
        let signed = self.settings.key.sign(COMMENT, &json);
        // Read the head as a gateway does.
        let (read, key) = Head::open(&signed, &self.keys, &self.settings.feed)?;
        ensure!(
            read == head,
            "the head does not read as it was written; please report this"
        );
        let signed_by = key.clone();
        self.note(&head)?;
        let expected = self.present.as_ref().map(|present| &present.version);
        match self.store.swap(Mutable::Head, expected, &signed)? {
            Swap::Lost => Ok(Err(Lost)),
            Swap::Done(version) => {
                let State {
                    base,
                    snapshot,
                    touched,
                } = state;
                self.present = Some(Present {
                    head,
                    signed_by,
                    version,
                    base,
                    snapshot,
                    touched,
                });
                Ok(Ok(()))
            }
        }
    }

    /// Reports the result and collects garbage. If collecting fails, the publication is still
    /// valid.
    pub(super) fn finish(&self, published: &mut Published) {
        if let Some(present) = &self.present {
            published.revision = present.head.revision.number();
            published.issued_at = present.head.issued_at;
            published.keys = present.head.keys;
            published.accounts = present.head.accounts;
            match self.collect(present) {
                Ok(removed) => published.removed = removed,
                Err(error) => published.uncollected = Some(format!("{error:#}")),
            }
        }
    }

    /// Removes objects that no head has named for long enough. The time is the head's `issued_at`,
    /// which is this machine's time or later.
    fn collect(&self, present: &Present) -> Result<usize> {
        let now = present.head.issued_at;
        sweep(self.store, &present.named(), now, self.settings.retain)
    }
}

/// Whether a new base is due.
pub(super) fn is_due(present: &Present, is_forced: bool, now: u64) -> bool {
    Listing::of(present.head.base.revision, &present.head.deltas).is_due(&Conditions {
        base_size: present.head.base.size.into(),
        base_age: now.saturating_sub(present.base.issued_at()),
        records: present.touched.len(),
        is_forced,
    })
}

/// Returns the JSON of a head that every signer can sign.
fn json_of(head: &Head) -> Result<Vec<u8>> {
    let count = head.deltas.len();
    ensure!(
        count <= MOST_WRITTEN_DELTAS,
        "the head would name {count} deltas"
    );
    let json = head.to_json()?;
    let size = json.len();
    ensure!(size <= LARGEST_WRITTEN, "the head would have {size} bytes");
    Ok(json)
}
