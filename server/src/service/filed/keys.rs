//! The keys of a file. They come in as the file has them, so that what goes in comes out again; the rules ask what each may do.

use keyward::key::KeyKind;
use keyward::management::{
    Command, Context, ExpireKey, Facts, Key, KeyTarget, RecordChange, may_be_kept, needs_of_record,
};

use super::super::entry;
use super::super::failure::Stored;
use super::super::step::{facts, limits, no_room};
use super::super::target::haste;
use super::{Done, EndedRecord, Filing, refused};
use crate::publish::Haste;
use crate::randomness::System;
use crate::store::lists::{ActivityFilter, From, KeyFilter, Page};
use crate::store::{Origin, Scope, StoredKey};
use crate::time;

/// The type of the row that ends a key by request.
const ENDED: &str = "api_key_expired";

impl Filing<'_, '_> {
    pub(super) fn put_keys(&mut self) -> Done {
        let mut changes = Vec::new();
        let file = self.file;
        for key in file.keys() {
            let stored = self.tx.read().key(&Scope::everything(), &key.id)?;
            let change = match stored {
                None => self.added(key)?,
                Some(stored) => match self.changed(key, stored)? {
                    Some(change) => change,
                    None => continue,
                },
            };
            changes.push(change);
        }
        if let Some(quota) = self.bounds.quota
            && !quota.has_room(self.tx, &changes)?
        {
            return Err(no_room(quota).into());
        }
        // A key may not do anything before the rules have seen it: they look at each before any is written.
        let mut rows = Vec::with_capacity(changes.len());
        for change in &changes {
            let (kind, facts) = self.allowed(change)?;
            rows.push(entry::of_record(kind, change, &facts, self.bounds));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let origin = Origin {
            source: self.bounds.source,
            by: None,
            at: self.bounds.now,
        };
        self.tx.apply(&changes, &origin)?;
        for row in rows {
            self.tx.record(row)?;
        }
        Ok(())
    }

    /// A key that the store does not have.
    fn added(&mut self, key: &Key) -> Result<RecordChange, Stored> {
        let everything = Scope::everything();
        for other in [&key.replaces, &key.replaced_by].into_iter().flatten() {
            let is_known = self.keys.contains_key(other.as_str())
                || self.tx.read().key(&everything, other)?.is_some();
            if !is_known {
                return Err(refused(format!(
                    "The key '{}' names '{other}' as the other half of a rotation, and there is none.",
                    key.id
                )));
            }
        }
        self.change("add", "api_key", &key.id, Vec::new(), 0);
        Ok(RecordChange::AddKey {
            key: Box::new(key.clone()),
            beside: None,
        })
    }

    /// A key that the store has, if the file says something else of it.
    fn changed(&mut self, key: &Key, stored: StoredKey) -> Result<Option<RecordChange>, Stored> {
        let mut wanted = key.clone();
        if self.is_own(&stored.source) && self.has_ended(key, &stored.key)? {
            wanted.status = stored.key.status;
            wanted.expires = stored.key.expires;
            self.done.ended.push(EndedRecord {
                expires_at: wanted.expires.map(time::written),
                id: key.id.clone(),
                object: "api_key",
                status: wanted.status.name(),
            });
        }
        for (link, kept) in [
            (&mut wanted.replaces, &stored.key.replaces),
            (&mut wanted.replaced_by, &stored.key.replaced_by),
        ] {
            if kept.is_none()
                && let Some(other) = link.as_deref()
                && self.was_deleted(&key.id, other)?
            {
                // A rotation is taken back where one half is deleted.
                *link = None;
            }
        }
        if wanted == stored.key {
            self.done.is_same();
            return Ok(None);
        }
        if !self.is_own(&stored.source) {
            return Err(self.another("key", &key.id, &stored.source));
        }
        let members = wanted.differences(&stored.key);
        let fixed = ["kind", "mode", "owner", "sha256", "value"];
        if members.iter().any(|name| fixed.contains(name)) {
            return Err(refused(format!(
                "The kind, mode, owner and value of the key '{}' never change. Give the new one another id.",
                key.id
            )));
        }
        let is_over = wanted.is_deleted() || wanted.is_expired(self.bounds.now);
        let only_ends = members
            .iter()
            .all(|name| ["expires", "status"].contains(name));
        if is_over && only_ends {
            self.end("change", "api_key", &key.id, members, stored.version);
        } else {
            self.change("change", "api_key", &key.id, members, stored.version);
        }
        Ok(Some(RecordChange::PutKey {
            before: Box::new(stored.key),
            after: Box::new(wanted),
        }))
    }

    /// Whether one of two keys that the file joins was deleted elsewhere.
    fn was_deleted(&self, one: &str, other: &str) -> Result<bool, Stored> {
        for id in [one, other] {
            let stored = self.tx.read().key(&Scope::everything(), id)?;
            let is_in_use = self.keys.get(id).is_some_and(|key| !key.is_deleted());
            if is_in_use && stored.is_some_and(|stored| stored.key.is_deleted()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a key has ended otherwise than by its file, which has it in use for longer. No file lets such a key work again.
    fn has_ended(&self, wanted: &Key, stored: &Key) -> Result<bool, Stored> {
        // It does not have a key in use that it deletes.
        if wanted.is_deleted() {
            return Ok(false);
        }
        if stored.is_deleted() {
            return Ok(true);
        }
        let is_longer = match (stored.expires, wanted.expires) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(stored), Some(wanted)) => wanted > stored,
        };
        if !is_longer {
            return Ok(false);
        }
        if stored.is_expired(self.bounds.now) {
            return Ok(true);
        }
        // It ends later on: by a request, or because the file said so before.
        let filter = ActivityFilter {
            object: Some(stored.id.clone()),
            types: vec![ENDED.to_owned()],
            ..ActivityFilter::default()
        };
        let page = Page {
            from: From::Newest,
            limit: 1,
        };
        let rows = self
            .tx
            .read()
            .activity(&Scope::everything(), &filter, page)?;
        Ok(!rows.records.is_empty())
    }

    /// Refuses what the caller may not bring about. The kind of its row, and the facts that it was decided by.
    fn allowed(&mut self, change: &RecordChange) -> Result<(&'static str, Facts), Stored> {
        let (before, after, kind) = match change.key_states() {
            Some((None, Some(after))) => (None, after, "api_key_imported"),
            Some((Some(before), Some(after))) if after.is_deleted() && !before.is_deleted() => {
                (Some(before), after, "api_key_deleted")
            }
            Some((Some(before), Some(after))) => (Some(before), after, "api_key_updated"),
            Some((_, None)) | None => {
                return Err(refused("A record of the file is no key.".to_owned()));
            }
        };
        if haste(std::slice::from_ref(change)) == Haste::AtOnce {
            self.done.haste = Some(Haste::AtOnce);
        }
        let mut facts = facts(self.tx, &needs_of_record(after), self.bounds)?;
        // Those before it in the file are not written yet, and count.
        for fact in &mut facts.accounts {
            let (live, test) = self
                .coming
                .get(&fact.account.id)
                .copied()
                .unwrap_or_default();
            fact.keys.live = fact.keys.live.saturating_add(live);
            fact.keys.test = fact.keys.test.saturating_add(test);
        }
        if before.is_none() && !after.is_deleted() && !after.is_expired(self.bounds.now) {
            let (live, test) = self.coming.entry(after.owner.clone()).or_default();
            let count = if after.mode.is_live() { live } else { test };
            *count = count.saturating_add(1);
        }
        let context = Context {
            now: self.bounds.now,
            actor: &self.bounds.sender.actor_name,
            ceiling: self.bounds.ceiling,
            limits: &limits(),
            randomness: &mut System,
        };
        may_be_kept(before, after, &facts, &context)?;
        Ok((kind, facts))
    }

    /// Deletes the keys that the file leaves out. Their records stay, so that their users learn why.
    pub(super) fn end_keys(&mut self) -> Done {
        let filter = KeyFilter {
            file: Some(self.bounds.source.to_owned()),
            ..KeyFilter::default()
        };
        let (mut gone, now) = (Vec::new(), self.bounds.now);
        self.tx
            .read()
            .each_key(&Scope::everything(), &filter, |stored| {
                let is_over = stored.key.is_deleted() || stored.key.is_expired(now);
                if !is_over && !self.keys.contains_key(stored.key.id.as_str()) {
                    gone.push((stored.key.id, stored.key.kind, stored.version));
                }
                Ok(())
            })?;
        for (id, kind, version) in gone {
            let (command, member) = match kind {
                // It cannot be deleted.
                KeyKind::Publishable => {
                    let (id, end) = (id.clone(), Some(now));
                    let revive = false;
                    (Command::ExpireKey(ExpireKey { id, end, revive }), "expires")
                }
                KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => {
                    (Command::DeleteKey(KeyTarget { id: id.clone() }), "status")
                }
            };
            self.step(&command)?;
            self.end("end", "api_key", &id, vec![member], version);
        }
        Ok(())
    }
}
