//! `POST /v2/keyward/api_keys/{id}/preview`: what a change of a key would have refused of the requests that the gateways' access logs have. Each is decided
//! by the key as it is and by the key as it would be, by the code that runs in Envoy, and nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use keyward::management::{
    Ceiling, Command, Context, Decision, Granted, Key, Limits, Override, decide, needs,
};
use keyward_files::key_file::{account_row, key_row, permissions_row};
use keyward_files::replay::{Change, Replay, Sum};
use keyward_files::snapshot::Checked;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::edit_key::Update;
use super::requests::{self, Read, USUAL_SPAN};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::randomness::System;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::store::DocumentName;
use crate::store::{Reader, Scope};
use crate::time;

/// What a change would do to the requests of the last 7 days.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Preview {
    /// Requests that did not pass, and would.
    allowed: u64,
    /// How many requests were decided by both: those of the key whose verdict the log explains.
    compared: u64,
    keyward: Read,
    /// Requests that were not decided, and why.
    not_compared: Vec<NotCompared>,
    object: &'static str,
    /// Requests that passed, and would be refused.
    refused: u64,
    /// The same by endpoint, the most requests first; at most 20 of them.
    refused_by: Vec<RefusedBy>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RefusedBy {
    count: u64,
    endpoint: String,
    last: String,
    /// The permission that would be missing: `charge_write`.
    missing_permission: Option<String>,
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct NotCompared {
    count: u64,
    why: String,
}

/// How many endpoints are named.
const NAMED: usize = 20;

/// More accounts than that are not read, except for owners and the accounts above them.
const ACCOUNTS: usize = 2_000;

/// `POST /v2/keyward/api_keys/{id}/preview`
pub(crate) fn preview(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Update = call.members()?;
        let (edit, passes_policy) = body.command(&call.target)?;
        let wanted = Wanted {
            scope: call.caller.scope(),
            id: call.target.clone(),
            proposal: Proposal::of(&call, Command::EditKey(edit), passes_policy),
        };
        let now = wanted.proposal.now;
        let sides: Result<Sides, Stored> = app.store.read(move |reader| wanted.sides(reader)).await;
        let sides = sides.map_err(Failure::from)?;
        replayed(&app, call.wait, sides, now).await
    })
}

/// Decides the requests of the keys that a change reaches, by what was and by what would be.
pub(super) async fn replayed(
    app: &App,
    wait: Option<Duration>,
    sides: Sides,
    now: u64,
) -> Result<Answer, Failure> {
    let since = now.saturating_sub(USUAL_SPAN);
    let read = requests::reading(app, wait, move |reading| {
        let replay = Replay::of(&sides.before, &sides.after)?;
        let mut sum = Sum::default();
        let mut read = reading.each(since, u64::MAX / 2_000, |record| {
            let key = record.state.as_ref().and_then(|state| state.key);
            let is_one = key.is_some_and(|key| sides.keys.contains(key.id));
            if is_one {
                replay.add(&mut sum, record, now);
            }
            is_one
        })?;
        for note in sides.left_out {
            read.leaves_out(note);
        }
        Ok(shown(&sum, read))
    });
    Answer::of(&read.await?)
}

/// What a preview is made of, on its way to a thread that reads the store.
struct Wanted {
    scope: Scope,
    id: String,
    proposal: Proposal,
}

/// A change that is decided and not made.
pub(super) struct Proposal {
    command: Command,
    ceiling: Ceiling,
    actor: String,
    pub(super) now: u64,
}

impl Proposal {
    pub(super) fn of(call: &Call, command: Command, passes_policy: Override) -> Self {
        Self {
            command,
            ceiling: call.caller.ceiling(passes_policy),
            actor: call.caller.name(),
            now: time::now(),
        }
    }

    /// Decides by the rules and the caller's bounds, as the change itself: what it would refuse is
    /// refused here.
    pub(super) fn decided(&self, reader: &Reader<'_>, scope: &Scope) -> Result<Decision, Stored> {
        let facts = reader.facts(scope, &needs(&self.command), self.now)?;
        let context = Context {
            now: self.now,
            actor: &self.actor,
            ceiling: &self.ceiling,
            limits: &Limits::none(),
            randomness: &mut System,
        };
        Ok(decide(&self.command, &facts, context)?)
    }
}

/// The keys before and after the change, each time in a separate snapshot.
pub(super) struct Sides {
    pub(super) before: Checked,
    pub(super) after: Checked,
    /// The ids of the keys whose requests are decided.
    pub(super) keys: BTreeSet<String>,
    /// What is not in the snapshots.
    pub(super) left_out: Vec<String>,
}

impl Wanted {
    fn sides(self, reader: &Reader<'_>) -> Result<Sides, Stored> {
        let stored = reader
            .key(&self.scope, &self.id)?
            .ok_or_else(|| refusal::missing("key", &self.id))?;
        let decision = self.proposal.decided(reader, &self.scope)?;
        let mut states = decision.changes().iter().filter_map(|one| one.key_states());
        let after = states.find_map(|(_, after)| after.filter(|key| key.id == self.id));
        let before = &stored.key;
        let after = after.unwrap_or(before);
        let around = Around::read(reader, [before.owner.as_str()])?;
        Ok(Sides {
            before: around.with(&[before])?,
            after: around.with(&[after])?,
            keys: [self.id].into(),
            left_out: around.left_out(),
        })
    }
}

/// What keys are decided by, except for themselves.
pub(super) struct Around {
    snapshot: Map<String, Value>,
    has_more_accounts: bool,
}

impl Around {
    /// All accounts of the owners' trees, because a request may be about any of them, all grant sets, and the endpoints,
    /// among which are those of this API.
    pub(super) fn read<'o>(
        reader: &Reader<'_>,
        owners: impl IntoIterator<Item = &'o str>,
    ) -> Result<Self, Stored> {
        // Those that must be there: the owners, and the accounts above them.
        let (mut needed, mut roots) = (BTreeSet::new(), BTreeSet::new());
        for owner in owners {
            let mut next = Some(owner.to_owned());
            while let Some(id) = next.filter(|id| !needed.contains(id)) {
                let found = reader.account(&Scope::everything(), &id)?;
                next = found.and_then(|stored| {
                    roots.insert(stored.root);
                    stored.account.parent
                });
                needed.insert(id);
            }
        }
        let (mut accounts, mut has_more_accounts) = (Vec::new(), false);
        for root in &roots {
            reader.each_account(&Scope::tree(root), |stored| {
                if accounts.len() < ACCOUNTS || needed.contains(&stored.account.id) {
                    accounts.push(account_row(&stored.account));
                } else {
                    has_more_accounts = true;
                }
                Ok(())
            })?;
        }
        let sets: Map<String, Value> = reader
            .grant_sets()?
            .into_iter()
            .map(|set| (set.name, json!(permissions_row(&set.granted))))
            .collect();
        let document = reader.document(DocumentName::Endpoints)?;
        let document = document.and_then(|stored| stored.body.as_object().cloned());
        let mut snapshot = document.unwrap_or_default();
        snapshot.insert("format".to_owned(), json!(keyward::snapshot::FORMAT));
        // None that a gateway ever had: the log's verdicts are of other revisions.
        snapshot.insert("revision".to_owned(), json!(1));
        snapshot.insert("issued_at".to_owned(), json!(1));
        snapshot.insert("accounts".to_owned(), json!(accounts));
        snapshot.insert(SETS.to_owned(), Value::Object(sets));
        Ok(Self {
            snapshot,
            has_more_accounts,
        })
    }

    /// The same with another grant set of that name.
    pub(super) fn with_set(&self, name: &str, granted: &Granted) -> Self {
        let mut snapshot = self.snapshot.clone();
        let sets = snapshot.entry(SETS).or_insert_with(|| json!({}));
        if let Some(sets) = sets.as_object_mut() {
            sets.insert(name.to_owned(), json!(permissions_row(granted)));
        }
        Self {
            snapshot,
            has_more_accounts: self.has_more_accounts,
        }
    }

    /// The snapshot of these keys.
    pub(super) fn with(&self, keys: &[&Key]) -> Result<Checked, Failure> {
        let mut snapshot = self.snapshot.clone();
        let rows: Vec<_> = keys.iter().map(|key| key_row(key)).collect();
        // A snapshot without keys must say that it is meant.
        if rows.is_empty() {
            snapshot.insert("empty".to_owned(), json!(true));
        }
        snapshot.insert("keys".to_owned(), json!(rows));
        Checked::read(
            "the preview",
            Value::Object(snapshot).to_string().as_bytes(),
        )
        .map_err(|error| {
            tracing::error!(%error, "a preview could not be made of the store's records");
            Failure::new(Code::Internal, "The preview could not be made.")
        })
    }

    pub(super) fn left_out(&self) -> Vec<String> {
        let note = || {
            format!(
                "Requests about accounts beyond the first {ACCOUNTS} count as refused before and after."
            )
        };
        self.has_more_accounts.then(note).into_iter().collect()
    }
}

/// The member of a snapshot.
const SETS: &str = "grant_sets";

/// What a request would be refused for: its endpoint, the reason, and the permission that would be missing.
type Refusal = (String, Option<&'static str>, Option<String>);

fn shown(sum: &Sum, read: Read) -> Preview {
    // The same endpoint may have been refused for one permission or another, on one account or another. By each, how many requests, and when the last.
    let mut by: BTreeMap<Refusal, (u64, u64)> = BTreeMap::new();
    for (group, extent) in sum.groups() {
        if group.change == Change::Breaks {
            let reason = group.after.reason().map(|reason| reason.name());
            let missing = group.after.missing().map(|name| name.replace('=', "_"));
            let of = by
                .entry((group.endpoint.clone(), reason, missing))
                .or_default();
            *of = (of.0.saturating_add(extent.count), of.1.max(extent.last));
        }
    }
    let mut refused_by: Vec<RefusedBy> = by
        .into_iter()
        .map(
            |((endpoint, reason, missing_permission), (count, last))| RefusedBy {
                count,
                endpoint,
                last: requests::written(last),
                missing_permission,
                reason,
            },
        )
        .collect();
    refused_by.sort_by(|a, b| b.count.cmp(&a.count).then(a.endpoint.cmp(&b.endpoint)));
    refused_by.truncate(NAMED);
    Preview {
        allowed: sum.opens,
        compared: sum.compared,
        keyward: read,
        not_compared: sum
            .unclear
            .iter()
            .map(|(why, count)| NotCompared {
                count: *count,
                why: why.text(),
            })
            .collect(),
        object: "keyward.preview",
        refused: sum.breaks,
        refused_by,
    }
}
