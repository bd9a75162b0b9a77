//! `POST /v2/keyward/grant_sets/{name}/preview`: what a change of a grant set would have refused of the requests of the keys that follow it. It is
//! decided like the change of a key, and nothing is changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use keyward::management::{Command, Key, Override, RecordChange};

use super::grant_sets::GrantSet;
use super::named;
use super::new_key::grants;
use super::preview::{Around, Proposal, Sides, replayed};
use crate::app::App;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::store::lists::{KeyFilter, KeyState};
use crate::store::{Reader, Scope, StoredSet};

/// The requests of more keys than that are not decided.
const KEYS: usize = 10_000;

/// Handles `POST /v2/keyward/grant_sets/{name}/preview`.
pub(crate) fn preview(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        named::operators_only::<StoredSet>(&call)?;
        let body: GrantSet = call.members()?;
        let command = Command::PutGrantSet {
            grants: grants(&body.permissions, "permissions")?,
            name: call.target.clone(),
        };
        let wanted = Wanted {
            name: call.target.clone(),
            proposal: Proposal::of(&call, command, Override::None),
        };
        let now = wanted.proposal.now;
        // As many keys as follow a set take longer than a page of a list.
        let sides: Result<Sides, Stored> =
            app.store.read_all(move |reader| wanted.sides(reader)).await;
        replayed(&app, call.wait, sides.map_err(Failure::from)?, now).await
    })
}

/// What a preview is made of, on its way to a thread that reads the store.
struct Wanted {
    name: String,
    proposal: Proposal,
}

impl Wanted {
    fn sides(self, reader: &Reader<'_>) -> Result<Sides, Stored> {
        let found = reader.grant_set(&self.name)?;
        let found = found.ok_or_else(|| refusal::missing("grant set", &self.name))?;
        let decision = self.proposal.decided(reader, &Scope::everything())?;
        let after = decision.changes().iter().find_map(|change| {
            if let RecordChange::PutGrantSet { after, .. } = change {
                Some(after)
            } else {
                None
            }
        });
        let after = after.unwrap_or(&found.granted);
        let (keys, has_more) = self.keys(reader)?;
        let keys: Vec<&Key> = keys.iter().collect();
        let owners: BTreeSet<&str> = keys.iter().map(|key| key.owner.as_str()).collect();
        let around = Around::read(reader, owners)?;
        let mut left_out = around.left_out();
        if has_more {
            left_out.push(format!(
                "Only the first {KEYS} keys that follow the set were looked at."
            ));
        }
        Ok(Sides {
            before: around.with(&keys)?,
            after: around.with_set(&self.name, after).with(&keys)?,
            keys: keys.iter().map(|key| key.id.clone()).collect(),
            left_out,
        })
    }

    /// The keys that follow the set. Those that ended are denied with either set.
    fn keys(&self, reader: &Reader<'_>) -> Result<(Vec<Key>, bool), Stored> {
        let states = vec![KeyState::Active, KeyState::Inactive, KeyState::Suspended];
        let filter = KeyFilter {
            grant_set: Some(self.name.clone()),
            states: Some((states, self.proposal.now)),
            ..KeyFilter::default()
        };
        let (mut keys, mut has_more) = (Vec::new(), false);
        reader.each_key(&Scope::everything(), &filter, |stored| {
            if keys.len() < KEYS {
                keys.push(stored.key);
            } else {
                has_more = true;
            }
            Ok(())
        })?;
        Ok((keys, has_more))
    }
}
