//! `/v2/keyward/changes`, `/v2/keyward/counts`, `/v2/keyward/snapshots`: how far a change has come,
//! and how many records there are.

use std::sync::Arc;
use std::time::Duration;

use keyward::snapshot::KeyStatus;
use serde::Deserialize;

use super::answers::{Change, CurrentSnapshot, Expiring, KeyCount, KeyCounts};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::query;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::hold;
use crate::service::refusal;
use crate::shown::{ChangeState, propagation};
use crate::store::lists::{KeyFilter, KeyState};
use crate::store::{Reader, Scope};
use crate::time;

/// Handles `GET /v2/keyward/changes/{number}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            wait: Option<String>,
        }
        let parameters: Parameters = query::read(call.pairs()?)?;
        let missing = || refusal::missing("change", &call.target);
        let number: u64 = call.target.parse().map_err(|_| missing())?;
        let scope = call.caller.scope();
        let rows: Result<_, Stored> = app
            .store
            .read(move |reader| Ok(reader.activity_after(&scope, number.saturating_sub(1), 1)?))
            .await;
        let rows = rows.map_err(Failure::from)?;
        let row = rows.first().filter(|row| row.sequence == number);
        let row = row.ok_or_else(missing)?;
        let longest = match parameters.wait.as_deref().map(str::parse) {
            None => call.wait,
            Some(Ok(seconds)) => Some(Duration::from_secs(u64::min(seconds, 30))),
            Some(Err(_)) => {
                return Err(
                    Failure::new(Code::ParameterInvalid, "Expected a number of seconds.")
                        .at("wait"),
                );
            }
        };
        let waited = hold::until_everywhere(&app, &call.caller, number, longest).await;
        let come = propagation(number, app.fleet.come(number));
        let object = Change {
            committed_at: time::written(row.entry.at),
            latest_by: come.latest_by,
            number,
            object: "keyward.change",
            revision: come.revision,
            state: come.state,
        };
        Ok(Answer {
            waited,
            ..Answer::of(&object)?
        })
    })
}

/// Handles `GET /v2/keyward/counts`.
pub(crate) fn counts(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            owner: Option<String>,
            scope: Option<String>,
        }
        let parameters: Parameters = query::read(call.pairs()?)?;
        let scope = match (parameters.owner, parameters.scope.as_deref()) {
            (None, None | Some("self")) => call.caller.scope(),
            (None, Some("tree")) => call.caller.tree().unwrap_or_else(|| call.caller.scope()),
            (Some(owner), None) => call.caller.scope_of(&owner),
            (_, Some(_)) => {
                return Err(Failure::new(
                    Code::ParameterInvalid,
                    "`scope` is `self` or `tree`, and not sent with `owner`.",
                )
                .at("scope"));
            }
        };
        let now = time::now();
        let counted: Result<_, Stored> = app
            .store
            .read(move |reader| Ok(counted(reader, &scope, now)?))
            .await;
        Answer::of(&counted.map_err(Failure::from)?)
    })
}

const DAY: u64 = 86_400;

fn counted(reader: &Reader<'_>, scope: &Scope, now: u64) -> crate::store::Result<KeyCounts> {
    let by: Vec<KeyCount> = reader
        .counts(scope)?
        .into_iter()
        .map(|count| KeyCount {
            kind: count.kind.name(),
            livemode: count.mode.is_live(),
            n: count.keys,
            state: match count.status {
                KeyStatus::Active => "in_use",
                KeyStatus::Deleted => "deleted",
            },
        })
        .collect();
    let expiring = |days: u64| -> crate::store::Result<u64> {
        let filter = KeyFilter {
            states: Some((vec![KeyState::Active], now)),
            expires_before: Some(now.saturating_add(days.saturating_mul(DAY))),
            ..KeyFilter::default()
        };
        let mut n = 0_u64;
        reader.each_key(scope, &filter, |_| {
            n = n.saturating_add(1);
            Ok(())
        })?;
        Ok(n)
    };
    Ok(KeyCounts {
        by,
        expiring: Expiring {
            in_14_days: expiring(14)?,
            in_a_day: expiring(1)?,
            in_7_days: expiring(7)?,
        },
        object: "keyward.counts",
    })
}

/// Handles `GET /v2/keyward/snapshots/current`.
pub(crate) fn snapshot(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        if !call.caller.is_operator() {
            return Err(Failure::new(
                Code::MorePermissionsRequired,
                "Snapshots are shown to the operator's keys.",
            ));
        }
        let published = app.publisher.state();
        let newest: Result<_, Stored> = app
            .store
            .read(|reader: &Reader<'_>| Ok(reader.head()?))
            .await;
        let head = newest.map_err(Failure::from)?;
        Answer::of(&CurrentSnapshot {
            behind: head.sequence.saturating_sub(published.through),
            object: "keyward.snapshot",
            restored: app.publisher.standing().restored().is_some(),
            revision: published.revision,
            source: format!("server:{}", head.store_id),
            state: ChangeState::Published,
            through: published.through,
        })
    })
}
