//! One command, decided and carried out within a transaction: facts, decision, records, and its row of the trail.

use keyward::management::{
    Command, Context, Facts, Limits, Most, Needs, Note, RecordChange, Secret, decide, needs,
};

use super::bounds::Bounds;
use super::entry;
use super::failure::Stored;
use super::target::haste;
use crate::http::failure::{Code, Failure};
use crate::publish::Haste;
use crate::quota::Quota;
use crate::randomness::System;
use crate::store::{Origin, StoreError, Tx};

/// What came of it.
pub(crate) struct Done {
    /// The key that the answer shows.
    pub(crate) key: Option<String>,
    pub(crate) minted: Option<Secret>,
    pub(crate) notes: Vec<Note>,
    pub(crate) change: u64,
    pub(crate) haste: Haste,
}

/// Carries it out, or refuses it.
pub(crate) fn step(
    tx: &mut Tx<'_>,
    command: &Command,
    bounds: &Bounds<'_>,
) -> Result<Done, Stored> {
    let facts = facts(tx, &needs(command), bounds)?;
    let context = Context {
        now: bounds.now,
        actor: &bounds.sender.actor_name,
        ceiling: bounds.ceiling,
        limits: &limits(),
        randomness: &mut System,
    };
    let mut decision = decide(command, &facts, context)?;
    let minted = decision.take_minted();
    if let Some(quota) = bounds.quota
        && !quota.has_room(tx, decision.changes())?
    {
        return Err(no_room(quota).into());
    }
    let applied = tx.apply(
        decision.changes(),
        &Origin {
            source: bounds.source,
            by: Some(&bounds.sender.actor_name),
            at: bounds.now,
        },
    )?;
    let row = || entry::of(command, &decision, &facts, bounds);
    let mut change = tx.record(row())?.sequence;
    // Each new record after the first has its own number, and so a row.
    while change < applied.last {
        change = tx.record(row())?.sequence;
    }
    if minted.is_some()
        && let Some(row) = entry::of_viewed(&decision, &facts, bounds)
    {
        tx.record(row)?;
    }
    Ok(Done {
        key: decision.key().map(str::to_owned),
        minted,
        notes: decision.notes().to_vec(),
        change,
        haste: haste(decision.changes()),
    })
}

/// Reads the facts for a decision. A file may change its own records.
pub(super) fn facts(
    tx: &mut Tx<'_>,
    needs: &Needs,
    bounds: &Bounds<'_>,
) -> Result<Facts, StoreError> {
    let mut facts = tx.facts(bounds.scope, needs, bounds.now)?;
    let Some(file) = bounds.file else {
        return Ok(facts);
    };
    let keys = facts.keys.iter_mut().map(|fact| &mut fact.file);
    let accounts = facts.accounts.iter_mut().map(|fact| &mut fact.file);
    let sets = facts.grant_sets.iter_mut().map(|fact| &mut fact.file);
    for owner in keys.chain(accounts).chain(sets) {
        if owner.as_deref() == Some(file) {
            *owner = None;
        }
    }
    Ok(facts)
}

pub(super) fn no_room(quota: &Quota) -> Failure {
    Failure::new(
        Code::MaxKeys,
        format!(
            "The server keeps {} API keys at most (`limits.keys`). Purge keys that have ended.",
            quota.most()
        ),
    )
}

/// Decides a command without carrying it out: what it would write.
pub(crate) fn decided(
    tx: &mut Tx<'_>,
    command: &Command,
    bounds: &Bounds<'_>,
    forget_digests: bool,
) -> Result<Vec<RecordChange>, Stored> {
    let mut facts = tx.facts(bounds.scope, &needs(command), bounds.now)?;
    if forget_digests {
        facts.digests.clear();
    }
    let context = Context {
        now: bounds.now,
        actor: &bounds.sender.actor_name,
        ceiling: bounds.ceiling,
        limits: &limits(),
        randomness: &mut System,
    };
    Ok(decide(command, &facts, context)?.changes().to_vec())
}

/// How much the store keeps of texts and lists.
pub(super) fn limits() -> Limits {
    Limits::of(Most {
        name: 128,
        note: 1_000,
        labels: 20,
        label: 128,
        ips: 200,
        permissions: 300,
        is_line: keyward_files::visible::is_line,
    })
}
