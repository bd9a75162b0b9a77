//! `/v2/keyward/console_sessions`: links that sign operators in to the console, and the sessions that they open.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::call::{Answer, Call, written};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::once::Once;
use crate::service::{Sender, refusal};
use crate::session::{Person, Role, WrongPerson};
use crate::shown::{MadeBy, made_by};
use crate::sign_in::{LINK_BOUNDS, LINK_LASTS, Link, Made, Purpose, end, new_link};
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

#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
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

/// How many are listed.
const MOST: u32 = 100;

fn object(session: &StoredSession, now: u64) -> ConsoleSession {
    let until = session.until.unwrap_or(session.link_until);
    let status = if session.ended.is_some() || until <= now {
        "ended"
    } else if session.opened.is_some() {
        "open"
    } else {
        "unopened"
    };
    ConsoleSession {
        actor: session.actor.clone(),
        address: session.address.clone(),
        created: time::written(session.made),
        expires_at: time::written(until),
        id: session.id.clone(),
        last_seen: session.last_seen.map(time::written),
        made_by: made_by(Some(&session.made_by)),
        object: "keyward.console_session",
        opened_at: session.opened.map(time::written),
        role: session.role.clone(),
        status,
        url: None,
    }
}

/// `POST /v2/keyward/console_sessions`
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        let body: NewConsoleSession = call.members()?;
        let role = Role::of_name(&body.role).ok_or_else(|| {
            let names = Role::ALL.map(Role::name).join("`, `");
            Failure::new(
                Code::ParameterInvalid,
                format!("`role` is one of `{names}`."),
            )
            .at("role")
        })?;
        let lasts = body.expires_in.unwrap_or(LINK_LASTS);
        if !LINK_BOUNDS.contains(&lasts) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "`expires_in` is a number of seconds from 60 to 900.",
            )
            .at("expires_in"));
        }
        // Nobody hands out more than they hold.
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
        let Some(base) = app.public_url.as_deref() else {
            return Err(Failure::new(
                Code::FeatureNotEnabled,
                "The configuration has no `public_url`, so the server cannot make a link.",
            ));
        };
        let actor = body.actor;
        let link = Link {
            purpose: Purpose::Console(role),
            person: Person::new(actor.id, actor.email, actor.name).map_err(
                |WrongPerson { param, message }| {
                    Failure::new(Code::ParameterInvalid, message).at(param)
                },
            )?,
            lasts,
            made_by: call.caller.maker(),
        };
        let now = time::now();
        let once = Once::of(&call, now);
        let (session, token) = match new_link(&app, Sender::of(&call), link, once, now).await? {
            Made::Now(session, token) => (session, token),
            Made::Before(replayed) => return replayed.answer(),
        };
        let url = Zeroizing::new(format!("{base}/console/enter#{}", token.expose()));
        let body = written(&WithUrl {
            object: &object(&session, now),
            url: &url,
        })?;
        Ok(Answer::written(body))
    })
}

/// The object with its link, which is put into no other structure first.
pub(super) struct WithUrl<'a, T> {
    pub(super) object: &'a T,
    pub(super) url: &'a str,
}

impl<T: Serialize> Serialize for WithUrl<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeMap};
        let Value::Object(members) = serde_json::to_value(self.object).map_err(S::Error::custom)?
        else {
            return Err(S::Error::custom("no object"));
        };
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in &members {
            if name == "url" {
                map.serialize_entry(name, self.url)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// `GET /v2/keyward/console_sessions`: those that are open, and links that can be used.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        call.no_parameters()?;
        let (now, scope) = (time::now(), call.caller.scope());
        let listed: Result<_, Stored> = app
            .store
            .read(move |reader| Ok(reader.sessions(&scope, SessionKind::Console, now, MOST)?))
            .await;
        let listed = listed.map_err(Failure::from)?;
        let data: Vec<ConsoleSession> = listed.iter().map(|one| object(one, now)).collect();
        Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
    })
}

async fn found(app: &App, call: &Call) -> Result<StoredSession, Failure> {
    call.operators_only(OPERATORS)?;
    let (scope, id) = (call.caller.scope(), call.target.clone());
    let found: Result<_, Stored> = app
        .store
        .read(move |reader| {
            let session = reader.session(&scope, &id)?;
            let session = session.filter(|one| one.kind == SessionKind::Console);
            session.ok_or_else(|| refusal::missing("console session", &id).into())
        })
        .await;
    found.map_err(Failure::from)
}

/// `GET /v2/keyward/console_sessions/{id}`
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let session = found(&app, &call).await?;
        Answer::of(&object(&session, time::now()))
    })
}

/// `POST /v2/keyward/console_sessions/{id}/revoke`: at once.
pub(crate) fn revoke(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        call.no_members()?;
        let mut session = found(&app, &call).await?;
        let now = time::now();
        end(&app, Sender::of(&call), session.clone(), now).await?;
        session.ended = session.ended.or(Some(now));
        Answer::of(&object(&session, now))
    })
}
