//! `POST /v2/keyward/api_keys/{id}/preview`: what a change of a key would have refused of the requests that the gateways' access logs have. Each is decided
//! by the key as it is and by the key as it would be, by the code that runs in Envoy, and nothing is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyward::management::{Command, Context, Key, Limits, decide, needs};
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

/// More accounts than that below one root are not read.
const ACCOUNTS: usize = 2_000;

/// `POST /v2/keyward/api_keys/{id}/preview`
pub(crate) fn preview(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Update = call.members()?;
        let (edit, passes_policy) = body.command(&call.target)?;
        let wanted = Wanted {
            scope: call.caller.scope(),
            id: call.target.clone(),
            command: Command::EditKey(edit),
            ceiling: call.caller.ceiling(passes_policy),
            actor: call.caller.name(),
            now: time::now(),
        };
        let now = wanted.now;
        let sides: Result<Sides, Stored> = app.store.read(move |reader| wanted.sides(reader)).await;
        let sides = sides.map_err(Failure::from)?;
        let id = call.target.clone();
        let since = now.saturating_sub(USUAL_SPAN);
        let read = requests::reading(&app, call.wait, move |reading| {
            let replay = Replay::of(&sides.before, &sides.after)?;
            let mut sum = Sum::default();
            let mut read = reading.each(since, u64::MAX / 2_000, |record| {
                let state = record.state.as_ref();
                let key = state.and_then(|state| state.key);
                if key.is_some_and(|key| key.id == id) {
                    replay.add(&mut sum, record, now);
                    return true;
                }
                false
            })?;
            if sides.has_more_accounts {
                read.leaves_out(format!(
                    "Requests about accounts beyond the first {ACCOUNTS} of the tree count as refused before and after."
                ));
            }
            Ok(shown(&sum, read))
        });
        Answer::of(&read.await?)
    })
}

/// What a preview is made of, on its way to a thread that reads the store.
struct Wanted {
    scope: Scope,
    id: String,
    command: Command,
    ceiling: keyward::management::Ceiling,
    actor: String,
    now: u64,
}

/// The key before and after the change, each in a separate snapshot.
struct Sides {
    before: Checked,
    after: Checked,
    has_more_accounts: bool,
}

impl Wanted {
    fn sides(self, reader: &Reader<'_>) -> Result<Sides, Stored> {
        let stored = reader
            .key(&self.scope, &self.id)?
            .ok_or_else(|| refusal::missing("key", &self.id))?;
        let facts = reader.facts(&self.scope, &needs(&self.command), self.now)?;
        // By the rules and the caller's bounds, as the change itself: what it would refuse is refused here.
        let context = Context {
            now: self.now,
            actor: &self.actor,
            ceiling: &self.ceiling,
            limits: &Limits::none(),
            randomness: &mut System,
        };
        let decision = decide(&self.command, &facts, context)?;
        let mut states = decision.changes().iter().filter_map(|one| one.key_states());
        let after = states.find_map(|(_, after)| after.filter(|key| key.id == self.id));
        let before = &stored.key;
        let after = after.unwrap_or(before);
        let around = Around::read(reader, before)?;
        Ok(Sides {
            before: around.with(before)?,
            after: around.with(after)?,
            has_more_accounts: around.has_more_accounts,
        })
    }
}

/// What a key is decided by, but for itself.
struct Around {
    snapshot: Map<String, Value>,
    has_more_accounts: bool,
}

impl Around {
    /// All accounts of the owner's tree, because a request may be about any of them, all grant sets, and the endpoints,
    /// among which are those of this API.
    fn read(reader: &Reader<'_>, key: &Key) -> Result<Self, Stored> {
        let owner = reader.account(&Scope::everything(), &key.owner)?;
        let root = owner.map_or_else(|| key.owner.clone(), |owner| owner.root);
        let (mut accounts, mut has_more_accounts) = (Vec::new(), false);
        reader.each_account(&Scope::tree(&root), |stored| {
            if accounts.len() < ACCOUNTS || stored.account.id == key.owner {
                accounts.push(account_row(&stored.account));
            } else {
                has_more_accounts = true;
            }
            Ok(())
        })?;
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
        snapshot.insert("grant_sets".to_owned(), Value::Object(sets));
        Ok(Self {
            snapshot,
            has_more_accounts,
        })
    }

    fn with(&self, key: &Key) -> Result<Checked, Failure> {
        let mut snapshot = self.snapshot.clone();
        snapshot.insert("keys".to_owned(), json!([key_row(key)]));
        Checked::read(
            "the preview",
            Value::Object(snapshot).to_string().as_bytes(),
        )
        .map_err(|error| {
            tracing::error!(%error, "a preview could not be made of the store's records");
            Failure::new(Code::Internal, "The preview could not be made.")
        })
    }
}

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
