//! `keyward-server import --ends-only`: what ended in a key file while the server was gone ends in
//! the store, and nothing else of the file is taken in.

use std::sync::Arc;

use anyhow::Result;

use keyward::management::{
    Ceiling, Command, Context, ExpireKey, Key, KeyTarget, Limits, NoRandomness, Randomness, decide,
    needs,
};
use keyward_files::key_file::KeyFile;

use super::local;
use crate::store::{Origin, Scope, Store, StoreError, StoredKey, Tx};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Keys that were deleted.
    pub deleted: Vec<String>,
    /// Keys that end now, or earlier than they did.
    pub expired: Vec<String>,
    /// Keys that a rule does not let end, and which rule.
    pub refused: Vec<(String, String)>,
}

/// Ends what ended in `file`.
pub async fn take_ends(store: &Store, file: KeyFile, now: u64) -> Result<Ends> {
    let file = Arc::new(file);
    let ended: std::result::Result<Ends, StoreError> = store
        .end(move |tx| {
            let mut ends = Ends::default();
            for key in file.keys() {
                let stored = tx.read().key(&Scope::everything(), &key.id)?;
                if let Some(stored) = stored.filter(|stored| stored.key.digest == key.digest) {
                    end(tx, key, &stored, now, &mut ends)?;
                }
            }
            Ok(ends)
        })
        .await;
    Ok(ended?)
}

fn end(
    tx: &mut Tx<'_>,
    in_file: &Key,
    stored: &StoredKey,
    now: u64,
    ends: &mut Ends,
) -> std::result::Result<(), StoreError> {
    let id = in_file.id.clone();
    let is_earlier = match (in_file.expires, stored.key.expires) {
        (Some(new), Some(old)) => new < old,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let (command, kind) = if stored.key.is_deleted() {
        return Ok(());
    } else if in_file.is_deleted() {
        let command = Command::DeleteKey(KeyTarget { id: id.clone() });
        (command, "api_key_deleted")
    } else if is_earlier {
        let command = Command::ExpireKey(ExpireKey {
            id: id.clone(),
            end: in_file.expires,
            revive: false,
        });
        (command, "api_key_expired")
    } else {
        return Ok(());
    };
    let facts = tx.facts(&Scope::everything(), &needs(&command), now)?;
    let context = Context {
        now,
        actor: &local::actor_name(),
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        randomness: &mut Nothing,
    };
    let decision = match decide(&command, &facts, context) {
        Ok(decision) => decision,
        Err(refusal) => {
            ends.refused.push((id, format!("{:?}", refusal.code())));
            return Ok(());
        }
    };
    let origin = Origin {
        source: "import",
        by: None,
        at: now,
    };
    tx.apply(decision.changes(), &origin)?;
    let context = Some((stored.key.owner.as_str(), stored.root.as_str()));
    let mode = Some(stored.key.mode.is_live());
    tx.record(local::entry(now, kind, ("api_key", &id), context, mode))?;
    if in_file.is_deleted() {
        ends.deleted.push(id);
    } else {
        ends.expired.push(id);
    }
    Ok(())
}

/// An end makes no value.
struct Nothing;

impl Randomness for Nothing {
    fn fill(&mut self, _: &mut [u8]) -> std::result::Result<(), NoRandomness> {
        Err(NoRandomness)
    }
}
