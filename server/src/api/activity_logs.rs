//! `/v2/iam/activity_logs`: the trail, as Stripe shows its own.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};
use zeroize::Zeroizing;

use super::answers::{
    ActivityActor, ActivityHead, ActivityLog, ActivityMembers, ActivityObject, ActorKey, ActorUser,
};
use super::new_key::instant;
use crate::app::App;
use crate::caller::Caller;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::paging::Paging;
use crate::http::query::{self, Pairs};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::shown::value;
use crate::store::activity::Row;
use crate::store::lists::{ActivityFilter, Listed};
use crate::store::{Reader, Scope};
use crate::time;

/// The maximum number of rows in an export. The next export begins after its last row.
const EXPORTED: u32 = 10_000;

/// The time between two looks of a waiting list. The store's changes wake it, and most are not its
/// own.
const BETWEEN: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    logs_from: Option<String>,
    object: Option<String>,
    actor: Option<String>,
    since: Option<String>,
    until: Option<String>,
    /// Only rows after this number, oldest first: a feed to poll.
    after: Option<String>,
    /// Seconds, up to 30, to wait for such a row.
    wait: Option<String>,
}

/// Handles `GET /v2/iam/activity_logs`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let mut pairs = call.pairs()?;
        let mut paging = Paging::take(&call, &mut pairs)?;
        let types = several(&mut pairs, "actions");
        let groups = several(&mut pairs, "action_groups");
        let parameters: Parameters = query::read(pairs)?;
        let scope = scope(&call.caller, parameters.logs_from.as_deref())?;
        if let Some(after) = &parameters.after {
            let after = number(after, "after")?;
            let longest = match &parameters.wait {
                Some(text) => Duration::from_secs(number(text, "wait")?.min(30)),
                None => Duration::ZERO,
            };
            return feed(&app, &call.caller, scope, after, paging.page.limit, longest).await;
        }
        let time = |text: &Option<String>, name: &str| {
            text.as_deref().map(|text| instant(text, name)).transpose()
        };
        let filter = ActivityFilter {
            types,
            groups,
            since: time(&parameters.since, "since")?,
            until: time(&parameters.until, "until")?,
            object: parameters.object,
            actor: parameters.actor,
        };
        paging.page.limit = paging.page.limit.min(100);
        let page = paging.page;
        let listed: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let listed = reader.activity(&scope, &filter, page)?;
                Ok(Listed {
                    records: listed
                        .records
                        .iter()
                        .map(|row| Ok((row.sequence, value(object(row))?)))
                        .collect::<Result<_, Stored>>()?,
                    has_older: listed.has_older,
                    has_newer: listed.has_newer,
                })
            })
            .await;
        Answer::of(&paging.list(listed.map_err(Failure::from)?))
    })
}

/// Returns rows after a number, oldest first, as soon as there are any.
async fn feed(
    app: &Arc<App>,
    caller: &Caller,
    scope: Scope,
    after: u64,
    limit: u32,
    longest: Duration,
) -> Result<Answer, Failure> {
    // Without a place, it is answered with what is there.
    let place = app.waits.enter(&caller.id()).filter(|_| !longest.is_zero());
    let mut changes = app.store.changes();
    let until = Instant::now()
        .checked_add(longest)
        .filter(|_| place.is_some());
    let mut next_look = Instant::now();
    loop {
        changes.borrow_and_update();
        let rows = rows_after(app, &scope, after, limit).await?;
        let until = until.filter(|until| Instant::now() < *until);
        let Some(until) = until.filter(|_| rows.is_empty()) else {
            let data: Vec<ActivityLog> = rows.iter().map(object).collect();
            return Answer::of(
                &json!({"data": data, "next_page_url": null, "previous_page_url": null}),
            );
        };
        // The last look is at the end of the time.
        let _ = timeout_at(until, changes.changed()).await;
        sleep_until(next_look.min(until)).await;
        next_look = Instant::now().checked_add(BETWEEN).unwrap_or(until);
    }
}

async fn rows_after(
    app: &Arc<App>,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Result<Vec<Row>, Failure> {
    let scope = scope.clone();
    let rows: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(reader.activity_after(&scope, after, limit)?))
        .await;
    rows.map_err(Failure::from)
}

/// Handles `GET /v2/iam/activity_logs/{id}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let found: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let row = reader.activity_row(&scope, &id)?;
                row.ok_or_else(|| refusal::missing("activity log", &id).into())
            })
            .await;
        Answer::of(&object(&found.map_err(Failure::from)?))
    })
}

/// Handles `GET /v2/keyward/activity_logs/export?after=N`: one line for each row, as
/// `keyward-server audit verify` reads them.
pub(crate) fn export(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Export {
            after: Option<String>,
        }
        let parameters: Export = query::read(call.pairs()?)?;
        let after = match &parameters.after {
            Some(text) => number(text, "after")?,
            None => 0,
        };
        let rows = rows_after(&app, &call.caller.scope(), after, EXPORTED).await?;
        let mut body = Zeroizing::new(Vec::new());
        for row in rows {
            body.extend_from_slice(row.line().as_bytes());
            body.push(b'\n');
        }
        Ok(Answer {
            content_type: HeaderValue::from_static("application/x-ndjson"),
            ..Answer::written(body)
        })
    })
}

/// Handles `GET /v2/keyward/activity_logs/head`. A note of the head, kept elsewhere, reveals later
/// changes of the trail.
pub(crate) fn head(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        // The chain contains every tenant's rows, so its end is useful only to operators.
        if !call.caller.is_operator() {
            return Err(Failure::new(
                Code::MorePermissionsRequired,
                "The end of the trail is shown to the operator's keys.",
            ));
        }
        let head: Result<_, Stored> = app
            .store
            .read(|reader: &Reader<'_>| Ok(reader.head()?))
            .await;
        let head = head.map_err(Failure::from)?;
        Answer::of(&ActivityHead {
            at: time::written(time::now()),
            object: "keyward.activity_head",
            sequence: head.sequence,
            sha256: hex::encode(head.sha256),
        })
    })
}

fn scope(caller: &Caller, logs_from: Option<&str>) -> Result<Scope, Failure> {
    match logs_from {
        None | Some("@self") => Ok(caller.scope()),
        Some("@organization_members") => Ok(caller.tree().unwrap_or_else(|| caller.scope())),
        Some(_) => Err(Failure::new(
            Code::ParameterInvalid,
            "`logs_from` is `@self` or `@organization_members`.",
        )
        .at("logs_from")),
    }
}

/// Takes `actions[0]=…`, as Stripe's SDKs write an array.
fn several(pairs: &mut Pairs, name: &str) -> Vec<String> {
    let is_one = |given: &str| {
        given == name
            || given
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('['))
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let names: Vec<String> = pairs
        .keys()
        .filter(|given| is_one(given))
        .cloned()
        .collect();
    names.iter().filter_map(|name| pairs.remove(name)).collect()
}

fn number(text: &str, param: &str) -> Result<u64, Failure> {
    let number: Option<u64> = text.parse().ok();
    number
        .filter(|number| i64::try_from(*number).is_ok())
        .ok_or_else(|| Failure::new(Code::ParameterInvalid, "Expected a number.").at(param))
}

fn object(row: &Row) -> ActivityLog {
    let entry = &row.entry;
    let member = |name: &str| entry.body.get(name).cloned().unwrap_or(Value::Null);
    let (mut actor, id) = (ActivityActor::default(), entry.actor.id.clone());
    actor.r#type.clone_from(&entry.actor.kind);
    match (entry.actor.kind.as_str(), id) {
        ("api_key", Some(id)) => actor.api_key = Some(ActorKey { id }),
        ("user", Some(email)) => actor.user = Some(ActorUser { email }),
        (_, id) => actor.id = Some(id),
    }
    ActivityLog {
        actor,
        context: entry.context.clone(),
        created: time::written(entry.at),
        details: member("details"),
        id: row.id.clone(),
        keyward: ActivityMembers {
            address: entry.address.clone(),
            changes: entry
                .body
                .get("changes")
                .cloned()
                .unwrap_or_else(|| json!([])),
            object: entry
                .object
                .clone()
                .map(|(kind, id)| ActivityObject { id, r#type: kind }),
            previous_sha256: hex::encode(row.previous),
            reason: member("reason"),
            request_id: entry.request_id.clone(),
            sequence: row.sequence,
            session: entry.session.clone(),
            sha256: hex::encode(row.sha256),
            via: via(entry.session.as_deref()),
        },
        livemode: entry.livemode,
        object: "v2.iam.activity_log",
        r#type: entry.kind.clone(),
    }
}

/// Returns the request's interface: the API, the console or the portal.
fn via(session: Option<&str>) -> &'static str {
    match session {
        None => "api",
        Some(id) if id.starts_with("ps_") => "portal",
        Some(_) => "console",
    }
}
