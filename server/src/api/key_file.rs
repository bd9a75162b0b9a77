//! `/v2/keyward/key_file/plan` and `…/apply`: a key file as the truth for the records that come from it. First a plan, which says what changes; then the plan
//! is carried out, if it still does the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyward::key::Livemode;
use keyward::management::{is_id, random_id};
use keyward_files::visible::is_line;
use serde::Deserialize;
use serde_json::Value as Json;

use super::answers::{AppliedFile, FilePlan, RevokedMembers};
use super::new_key::passes_policy;
use super::sent_file::Order;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::plans::{HOLDS, Plan, PlannedFile, Work};
use crate::publish::Haste;
use crate::randomness::System;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::filed::Filed;
use crate::service::hold;
use crate::service::once::{Kept, Once};
use crate::shown::{propagation, value};
use crate::store::{StoreError, Tx};
use crate::time;

const OPERATORS: &str = "Key files are planned, applied and exported with the operator's keys.";

/// How many changes a plan shows.
const SHOWN: usize = 100;

/// A key file, and its name here.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileToPlan {
    /// What the file is called: its records have the source `file:NAME`.
    r#as: String,
    /// The file, `keyward.keys/v1` in TOML: one text, or several that are read as one, by their names.
    files: BTreeMap<String, String>,
    /// Whether the policies of accounts are passed over. It needs `key_policy_write`, and a reason.
    #[serde(default)]
    override_policy: bool,
    reason: Option<String>,
}

/// A plan, and how many changes it said.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileToApply {
    plan: String,
    confirm: u64,
}

/// The answer, how much it presses, and the number of the change.
type Written = (AppliedFile, Option<Haste>, u64);

/// Why nothing of a file is kept.
enum Undone {
    Planned(Box<Filed>),
    Refused(Stored),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Stored> for Undone {
    fn from(why: Stored) -> Self {
        Self::Refused(why)
    }
}

/// A key file has live keys, so test keys neither see nor change them by one.
pub(super) fn live_operators_only(call: &Call) -> Result<(), Failure> {
    call.operators_only(OPERATORS)?;
    match call.caller.mode() {
        Some(Livemode::Live) | None => Ok(()),
        Some(Livemode::Test) => Err(Failure::new(
            Code::MorePermissionsRequired,
            "Key files are for the operator's keys of live mode: they have live keys.",
        )),
    }
}

/// `POST /v2/keyward/key_file/plan`
pub(crate) fn plan(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        let body: FileToPlan = call.members()?;
        if !is_id(&body.r#as) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "The name of a file is 1 to 64 letters, digits, `_`, `.` or `-`.",
            )
            .at("as"));
        }
        let is_name = |name: &String| !name.is_empty() && name.len() <= 200 && is_line(name);
        if body.files.is_empty() || !body.files.keys().all(is_name) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "Send the text of a key file by its name: `{\"keyward.toml\": \"format = …\"}`.",
            )
            .at("files"));
        }
        let once = Once::of(&call, time::now());
        if let Some(answer) = once.answered(&app).await? {
            return Ok(answer);
        }
        let planned = Arc::new(PlannedFile {
            name: body.r#as,
            texts: body.files.into_iter().collect(),
            passes_policy: passes_policy(body.override_policy, body.reason),
        });
        let order = Order::read(&app, &call, &planned).await?;
        let beginning = order.beginning();
        // Nothing of it is kept, so it needs no room, and a full disk does not stop it.
        let filed: Result<(), Undone> = app
            .store
            .end(move |tx: &mut Tx<'_>| Err(Undone::Planned(Box::new(order.carry_out(tx)?))))
            .await;
        let filed = match filed {
            Err(Undone::Planned(filed)) => *filed,
            Err(Undone::Refused(why)) => return Err(why.into()),
            Ok(()) => return Err(Failure::new(Code::Internal, "The plan was carried out.")),
        };
        let random = random_id(&mut System).map_err(|_| {
            Failure::new(
                Code::StorageUnavailable,
                "The system has no randomness to give.",
            )
        })?;
        let (id, now) = (format!("plan_{random}"), time::now());
        let count = u64::try_from(filed.changes.len()).unwrap_or(u64::MAX);
        let until = now.saturating_add(HOLDS);
        let file = planned.name.clone();
        let plan = Plan {
            principal: call.caller.id(),
            work: Work::File {
                file: planned,
                only_ends: filed.only_ends(),
            },
            set: filed.digest(),
            count,
            until,
        };
        app.plans.keep(id.clone(), plan, now);
        let mut changes = filed.changes;
        changes.truncate(SHOWN);
        let object = value(FilePlan {
            beginning: beginning.filter(|_| !filed.ended.is_empty()),
            changes,
            count,
            ended: filed.ended,
            expires_at: time::written(until),
            file,
            id: id.clone(),
            kept: filed.kept,
            kind: "key_file",
            object: "keyward.plan",
            plan: id,
            same: filed.same,
        })?;
        keep(&app, once, object.clone()).await?;
        Answer::of(&object)
    })
}

/// `POST /v2/keyward/key_file/apply`
pub(crate) fn apply(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        let body: FileToApply = call.members()?;
        let once = Once::of(&call, time::now());
        if let Some(answer) = once.answered(&app).await? {
            return Ok(answer);
        }
        let plan = app.plans.take(&body.plan, &call.caller.id());
        let expired = "There is no such plan any more. Plans hold for 10 minutes and are carried out once; those of large files make room for newer ones.";
        let plan = plan
            .filter(|plan| plan.until > time::now())
            .ok_or_else(|| Failure::new(Code::PlanExpired, expired).at("plan"))?;
        let Work::File {
            file: planned,
            only_ends,
        } = plan.work
        else {
            return Err(Failure::new(
                Code::PlanExpired,
                "This plan is to revoke keys. `/v2/keyward/api_keys/revoke` carries it out.",
            )
            .at("plan"));
        };
        if plan.count != body.confirm {
            return Err(Failure::new(
                Code::PlanChanged,
                format!("The plan is for {} changes.", plan.count),
            )
            .at("confirm"));
        }
        let order = Order::read(&app, &call, &planned).await?;
        let (id, set, file) = (body.plan, plan.set, planned.name.clone());
        let kept = once.clone();
        let carry_out = move |tx: &mut Tx<'_>| -> Result<Written, Stored> {
            let filed = order.carry_out(tx)?;
            // Only ends may take the room that is kept for ends.
            if filed.digest() != set || filed.only_ends() != only_ends {
                return Err(Failure::new(
                    Code::PlanChanged,
                    "The file changes something else than it did. Make a new plan.",
                )
                .at("plan")
                .into());
            }
            let count = u64::try_from(filed.changes.len()).unwrap_or(u64::MAX);
            let mut change = tx.head().sequence;
            if count > 0 {
                change = tx.record(order.row(count))?.sequence;
            }
            let applied = AppliedFile {
                applied: count,
                count,
                file: file.clone(),
                id: id.clone(),
                keyward: None,
                kind: "key_file",
                object: "keyward.plan",
            };
            kept.keep(tx, &Kept::Object(&value(&applied)?, None))?;
            Ok((applied, filed.haste, change))
        };
        let written = if only_ends {
            app.store.end(carry_out).await
        } else {
            app.store.write(carry_out).await
        };
        let (mut applied, haste, change) = written.map_err(Failure::from)?;
        if let Some(haste) = haste {
            app.publisher.wake(haste);
        }
        let waited = hold::as_preferred(&app, &call, change).await;
        applied.keyward = Some(RevokedMembers {
            propagation: propagation(change, app.fleet.come(change)),
        });
        Ok(Answer {
            change: Some(change),
            waited,
            ..Answer::of(&applied)?
        })
    })
}

async fn keep(app: &App, once: Once, object: Json) -> Result<(), Failure> {
    let written: Result<(), Stored> = app
        .store
        .end(move |tx: &mut Tx<'_>| once.keep(tx, &Kept::Object(&object, None)))
        .await;
    written.map_err(Failure::from)
}
