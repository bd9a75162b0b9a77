//! `POST /v2/keyward/api_keys/revoke`: ends many keys at the same time. The first request makes a
//! plan, which contains the number of keys. The second one carries it out, if it is still valid.

use std::sync::Arc;

use keyward::key::KeyKind;
use keyward::management::{Command, ExpireKey, Override, random_id};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answers::{PlanObject, RevokedMembers, RevokedPlan, Skipped};
use super::key::KeyView;
use super::list_keys::{kind, reach};
use super::new_key::instant;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::plans::{HOLDS, Plan, Work};
use crate::publish::Haste;
use crate::randomness::System;
use crate::route::Pending;
use crate::service::Sender;
use crate::service::bounds::Bounds;
use crate::service::failure::Stored;
use crate::service::hold;
use crate::service::once::{Kept, Once};
use crate::service::refusal::mode;
use crate::service::step::step;
use crate::shown::value;
use crate::store::lists::{KeyFilter, KeyState};
use crate::store::{Reader, Scope, Tx};
use crate::time;

/// How many keys a plan shows.
const SAMPLE: usize = 10;

/// Either a filter, for a plan, or a plan and the number of keys that it said.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    filter: Option<Filter>,
    dry_run: Option<bool>,
    plan: Option<String>,
    confirm: Option<u64>,
}

/// Which keys. Without any condition it is refused.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    owner: Option<String>,
    scope: Option<String>,
    kind: Vec<String>,
    livemode: Option<bool>,
    label: Option<String>,
    /// A key without a known age counts as old.
    created_before: Option<String>,
    created_by: Option<String>,
}

/// The keys that a filter finds.
struct Found {
    ids: Vec<String>,
    set: [u8; 32],
    publishable: u64,
    file: u64,
}

pub(crate) fn revoke(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Revocation = call.members()?;
        let once = Once::of(&call, time::now()).of_an_end();
        if let Some(answer) = once.answered(&app).await? {
            return Ok(answer);
        }
        match (body.filter, body.plan, body.confirm) {
            (Some(filter), None, None) if body.dry_run == Some(true) => {
                // It ends nothing yet, and may look at every key.
                app.buckets.take_usual(&call.caller.id())?;
                plan(&app, &call, once, filter).await
            }
            (None, Some(plan), Some(count)) if body.dry_run != Some(true) => {
                carry_out(&app, &call, once, &plan, count).await
            }
            _ => Err(Failure::new(
                Code::ParameterInvalid,
                "Send `filter` with `dry_run: true`, which answers with a plan; then `plan` with `confirm`, the number of keys that it said.",
            )
            .at("filter")),
        }
    })
}

impl Filter {
    /// The account whose tree is named.
    fn root(&self) -> Option<String> {
        let is_tree = self.scope.as_deref() == Some("tree");
        self.owner.clone().filter(|_| is_tree)
    }

    fn read(self, call: &Call, now: u64) -> Result<(Scope, KeyFilter), Failure> {
        let is_empty = self.owner.is_none()
            && self.kind.is_empty()
            && self.livemode.is_none()
            && self.label.is_none()
            && self.created_before.is_none()
            && self.created_by.is_none();
        if is_empty {
            return Err(Failure::new(
                Code::ParameterMissing,
                "A filter without a condition would end every key. Name one, such as `owner`.",
            )
            .at("filter"));
        }
        let (scope, owner) = reach(&call.caller, self.owner, self.scope.as_deref())
            .map_err(|failure| failure.at("filter.scope"))?;
        let kinds: Result<Vec<KeyKind>, Failure> =
            self.kind.iter().map(|word| kind(word)).collect();
        let before = self.created_before.as_deref();
        let filter = KeyFilter {
            owner,
            kinds: kinds?,
            mode: self.livemode.map(mode),
            states: Some((
                vec![KeyState::Active, KeyState::Inactive, KeyState::Suspended],
                now,
            )),
            label: self.label.map(|text| match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (text, None),
            }),
            created_before: before
                .map(|text| instant(text, "filter.created_before"))
                .transpose()?,
            created_by: self.created_by,
            ..KeyFilter::default()
        };
        Ok((scope, filter))
    }
}

/// Refuses a tree that is not named by its root: it would have no keys, and look as if they had ended.
fn is_root(reader: &Reader<'_>, scope: &Scope, account: &str) -> Result<(), Stored> {
    let stored = reader.account(scope, account)?;
    if stored.is_some_and(|stored| stored.root == account) {
        return Ok(());
    }
    Err(Failure::new(
        Code::ParameterInvalid,
        "`scope=tree` is for the account at the root of a tree.",
    )
    .at("filter.owner")
    .into())
}

/// Finds all keys that match the filter, except those that are rotated and not ended here.
fn found(reader: &Reader<'_>, scope: &Scope, filter: &KeyFilter) -> Result<Found, Stored> {
    let (mut ids, mut publishable, mut file) = (Vec::new(), 0_u64, 0_u64);
    reader.each_key(scope, filter, |stored| {
        if stored.key.kind == KeyKind::Publishable {
            publishable = publishable.saturating_add(1);
        } else if stored.source.starts_with("file:") {
            file = file.saturating_add(1);
        } else {
            ids.push(stored.key.id);
        }
        Ok(())
    })?;
    let mut hash = Sha256::new();
    for id in &ids {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    Ok(Found {
        ids,
        set: hash.finalize().into(),
        publishable,
        file,
    })
}

async fn plan(app: &Arc<App>, call: &Call, once: Once, filter: Filter) -> Result<Answer, Failure> {
    let (now, of_app) = (time::now(), Arc::clone(app));
    let root = filter.root().filter(|_| call.caller.is_operator());
    let (scope, filter) = filter.read(call, now)?;
    let (of, by) = (scope.clone(), filter.clone());
    let looked: Result<(Found, Vec<Value>), Stored> = app
        .store
        .read_all(move |reader| {
            if let Some(root) = root {
                is_root(reader, &of, &root)?;
            }
            let found = found(reader, &of, &by)?;
            let mut sample = Vec::new();
            for id in found.ids.iter().take(SAMPLE) {
                if let Some(stored) = reader.key(&of, id)? {
                    sample.push(KeyView::read(reader, stored)?.object(now, &of_app)?);
                }
            }
            Ok((found, sample))
        })
        .await;
    let (found, sample) = looked.map_err(Failure::from)?;
    let random = random_id(&mut System).map_err(|_| {
        Failure::new(
            Code::StorageUnavailable,
            "The system has no randomness to give.",
        )
    })?;
    let id = format!("plan_{random}");
    let count = u64::try_from(found.ids.len()).unwrap_or(u64::MAX);
    let until = now.saturating_add(HOLDS);
    app.plans.keep(
        id.clone(),
        Plan {
            principal: call.caller.id(),
            work: Work::Revoke(scope, Box::new(filter)),
            set: found.set,
            count,
            until,
        },
        now,
    );
    let object = value(PlanObject {
        count,
        expires_at: time::written(until),
        id: id.clone(),
        kind: "revoke",
        object: "keyward.plan",
        plan: id,
        sample,
        skipped: Skipped {
            file: found.file,
            publishable: found.publishable,
        },
    })?;
    let kept = object.clone();
    let written: Result<(), Stored> = app
        .store
        .end(move |tx: &mut Tx<'_>| once.keep(tx, &Kept::Object(&kept, None)))
        .await;
    written.map_err(Failure::from)?;
    Answer::of(&object)
}

async fn carry_out(
    app: &Arc<App>,
    call: &Call,
    once: Once,
    id: &str,
    confirm: u64,
) -> Result<Answer, Failure> {
    let now = time::now();
    let plan = app.plans.take(id, &call.caller.id()).ok_or_else(|| {
        Failure::new(
            Code::PlanExpired,
            "This plan no longer exists. A plan is valid for 10 minutes, and can be carried out once.",
        )
        .at("plan")
    })?;
    if plan.until <= now {
        return Err(Failure::new(Code::PlanExpired, "The plan held for 10 minutes.").at("plan"));
    }
    if plan.count != confirm {
        return Err(Failure::new(
            Code::PlanChanged,
            format!("The plan is for {} keys.", plan.count),
        )
        .at("confirm"));
    }
    let Work::Revoke(scope, mut filter) = plan.work else {
        return Err(Failure::new(
            Code::PlanExpired,
            "This plan is for a key file. `/v2/keyward/key_file/apply` carries it out.",
        )
        .at("plan"));
    };
    // States are those of the moment at which the plan was made: a key that ended since changes the set.
    if let Some((_, at)) = &mut filter.states {
        *at = now;
    }
    let set = plan.set;
    let ceiling = call.caller.ceiling(Override::None);
    let sender = Sender::of(call);
    let plan = id.to_owned();
    let ended: Result<(u64, u64), Stored> = app
        .store
        .end(move |tx: &mut Tx<'_>| {
            let found = found(&tx.read(), &scope, &filter)?;
            if found.set != set {
                return Err(Failure::new(
                    Code::PlanChanged,
                    "The filter finds other keys than it did. Make a new plan.",
                )
                .at("plan")
                .into());
            }
            let bounds = Bounds {
                scope: &scope,
                ceiling: &ceiling,
                sender: &sender,
                reason: None,
                quota: None,
                source: "api",
                file: None,
                now,
            };
            let mut change = tx.head().sequence;
            for id in &found.ids {
                let command = Command::ExpireKey(ExpireKey {
                    id: id.clone(),
                    end: Some(time::at_once()),
                    revive: false,
                });
                change = step(tx, &command, &bounds)?.change;
            }
            let count = u64::try_from(found.ids.len()).unwrap_or(u64::MAX);
            if count > 0 {
                change = tx
                    .record(sender.of_many("keys_revoked", count, now))?
                    .sequence;
            }
            let object = json!({
                "count": count,
                "id": plan,
                "keyward": {},
                "kind": "revoke",
                "object": "keyward.plan",
                "revoked": count,
            });
            once.keep(tx, &Kept::Object(&object, None))?;
            Ok((count, change))
        })
        .await;
    let (count, change) = ended.map_err(Failure::from)?;
    app.publisher.wake(Haste::AtOnce);
    let waited = hold::as_preferred(app, call, change).await;
    Ok(Answer {
        change: Some(change),
        waited,
        ..Answer::of(&RevokedPlan {
            count,
            id: id.to_owned(),
            keyward: RevokedMembers {
                propagation: crate::shown::propagation(change, app.fleet.come(change)),
            },
            kind: "revoke",
            object: "keyward.plan",
            revoked: count,
        })?
    })
}
