//! `/v2/keyward/console_sessions`: links that sign operators in to the console, and the sessions
//! that they open.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sessions::{self, Actor, NewLink};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::session::Role;
use crate::shown::{MadeBy, made_by};
use crate::sign_in::Purpose;
use crate::store::{SessionKind, StoredSession};
use crate::time;

const OPERATORS: &str = "Sessions of the console are made and shown for the operator's keys.";

/// A link for an operator.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConsoleSession {
    /// `viewer`, `auditor`, `operator` or `admin`.
    role: String,
    /// Who the caller says this is: it goes into the trail.
    actor: Actor,
    /// For how long the link can be used, 60 to 900 seconds.
    expires_in: Option<u64>,
}

/// A session of an operator, or the link that opens one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConsoleSession {
    #[schema(value_type = Actor)]
    actor: Value,
    /// From where the link was used.
    address: Option<String>,
    created: String,
    /// Until when the link can be used, or the session lasts at most.
    expires_at: String,
    id: String,
    last_seen: Option<String>,
    made_by: Option<MadeBy>,
    object: &'static str,
    opened_at: Option<String>,
    role: Option<String>,
    /// `unopened`, `open` or `ended`.
    status: &'static str,
    /// The link, only in the answer of create.
    url: Option<String>,
}

fn object(session: &StoredSession, now: u64) -> ConsoleSession {
    ConsoleSession {
        actor: session.actor.clone(),
        address: session.address.clone(),
        created: time::written(session.made),
        expires_at: time::written(sessions::until(session)),
        id: session.id.clone(),
        last_seen: session.last_seen.map(time::written),
        made_by: made_by(Some(&session.made_by)),
        object: "keyward.console_session",
        opened_at: session.opened.map(time::written),
        role: session.role.clone(),
        status: sessions::status(session, now),
        url: None,
    }
}

/// Handles `POST /v2/keyward/console_sessions`.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.live_operators_only(
            OPERATORS,
            "Links to the console are made by the operator's keys of live mode: it shows live keys.",
        )?;
        let body: NewConsoleSession = call.members()?;
        let role = Role::of_name(&body.role).ok_or_else(|| {
            let names = Role::ALL.map(Role::name).join("`, `");
            Failure::new(
                Code::ParameterInvalid,
                format!("`role` is one of `{names}`."),
            )
            .at("role")
        })?;
        let lasts = sessions::lasts(body.expires_in)?;
        // No one hands out more than they have.
        for (name, level) in role.granted() {
            if !call.caller.holds(&name, level) {
                return Err(Failure::new(
                    Code::MorePermissionsRequired,
                    format!(
                        "To make a link with the role `{}`, the caller needs `{name}_{}` itself.",
                        role.name(),
                        level.name()
                    ),
                )
                .at("role"));
            }
        }
        let base = sessions::base(&app)?;
        let new = NewLink {
            purpose: Purpose::Console(role),
            actor: body.actor,
            lasts,
            page: &format!("{base}/console/enter"),
        };
        sessions::create(&app, &call, new, object).await
    })
}

/// Handles `GET /v2/keyward/console_sessions`: open sessions, and links that can still be used.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        sessions::list(&app, &call, SessionKind::Console, object).await
    })
}

async fn found(app: &App, call: &Call) -> Result<StoredSession, Failure> {
    call.operators_only(OPERATORS)?;
    sessions::found(app, call, SessionKind::Console, "console session").await
}

/// Handles `GET /v2/keyward/console_sessions/{id}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let session = found(&app, &call).await?;
        Answer::of(&object(&session, time::now()))
    })
}

/// Handles `POST /v2/keyward/console_sessions/{id}/revoke`, which takes effect at once.
pub(crate) fn revoke(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let session = found(&app, &call).await?;
        call.no_members()?;
        sessions::revoke(&app, &call, session, object).await
    })
}
