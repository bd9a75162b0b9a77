//! `/v2/keyward/portal_sessions`: links that let the people of an account manage its keys, and the
//! sessions that these links open.

use std::sync::Arc;

use keyward::management::is_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sessions::{self, Actor, NewLink};
use crate::app::App;
use crate::caller::Caller;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::session::Feature;
use crate::shown::{MadeBy, made_by};
use crate::sign_in::Purpose;
use crate::store::{SessionKind, StoredSession};
use crate::time;

/// A link for the people of an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPortalSession {
    /// The account. An operator's key says it; for every other key it is the one that the request is about.
    account: Option<String>,
    /// Who the caller says this is: it goes into the trail.
    actor: Actor,
    /// Where the portal leads back to. Its origin is one of `portal.return_origins` of the server's configuration.
    return_url: String,
    /// Where the portal begins: `keys`, `create`, or the page of a key, `key:mk_1`.
    sub_nav: Option<String>,
    /// With `key:mk_1`, the permission that the key lacks: `charge_write`. Its page highlights it.
    ask: Option<String>,
    /// Of `create`, `edit`, `rotate`, `delete`, `requests` and `activity`, what the portal offers; everything that the policy allows unless it is said. Keys are always shown, and can always be ended.
    features: Option<Vec<String>>,
    /// For how long the link can be used, 60 to 900 seconds.
    expires_in: Option<u64>,
}

/// A person's session in an account's portal, or the link that opens one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PortalSession {
    account: Option<String>,
    #[schema(value_type = Actor)]
    actor: Value,
    /// From where the link was used.
    address: Option<String>,
    created: String,
    /// What the maker of the link chose; null is everything.
    features: Option<Vec<String>>,
    /// Until when the link can be used, or the session lasts at most.
    expires_at: String,
    id: String,
    last_seen: Option<String>,
    made_by: Option<MadeBy>,
    object: &'static str,
    opened_at: Option<String>,
    return_url: Option<String>,
    /// `unopened`, `open` or `ended`.
    status: &'static str,
    /// The link, in the answer of create only.
    url: Option<String>,
}

fn object(session: &StoredSession, now: u64) -> PortalSession {
    PortalSession {
        account: session.account.clone(),
        actor: session.actor.clone(),
        address: session.address.clone(),
        created: time::written(session.made),
        features: session.features.clone(),
        expires_at: time::written(sessions::until(session)),
        id: session.id.clone(),
        last_seen: session.last_seen.map(time::written),
        made_by: made_by(Some(&session.made_by)),
        object: "keyward.portal_session",
        opened_at: session.opened.map(time::written),
        return_url: session.return_url.clone(),
        status: sessions::status(session, now),
        url: None,
    }
}

/// Returns the account of a new link, which must be one that the caller can see.
async fn account(app: &App, caller: &Caller, said: Option<String>) -> Result<String, Failure> {
    let wanted = match (said, caller.acting_account()) {
        (Some(said), _) => said,
        (None, Some(acting)) => acting.to_owned(),
        (None, None) => {
            return Err(Failure::new(
                Code::ParameterMissing,
                "An operator says whose portal it is: `account`.",
            )
            .at("account"));
        }
    };
    let is_own = caller
        .acting_account()
        .is_none_or(|acting| acting == wanted);
    let scope = caller.scope();
    let asked = wanted.clone();
    let found: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(reader.account(&scope, &asked)?.is_some()))
        .await;
    if !is_own || !found.map_err(Failure::from)? {
        return Err(refusal::missing("account", &wanted).at("account"));
    }
    Ok(wanted)
}

/// Returns where the portal begins, as the query of the page that a link opens.
fn begin(sub_nav: Option<&str>, ask: Option<&str>) -> Result<String, Failure> {
    let wrong =
        |param: &str, message: &str| Err(Failure::new(Code::ParameterInvalid, message).at(param));
    let key = match sub_nav {
        None | Some("keys") => None,
        Some("create") if ask.is_none() => return Ok("?begin=create".to_owned()),
        Some("create") => None,
        Some(text) => match text.strip_prefix("key:").filter(|id| is_id(id)) {
            Some(id) => Some(id),
            None => {
                return wrong(
                    "sub_nav",
                    "`sub_nav` is `keys`, `create`, or `key:` and the id of a key.",
                );
            }
        },
    };
    match (key, ask) {
        (None, None) => Ok(String::new()),
        (Some(id), None) => Ok(format!("?key={id}")),
        (Some(id), Some(ask)) if is_id(ask) => Ok(format!("?key={id}&ask={ask}")),
        (Some(_), Some(_)) => wrong(
            "ask",
            "`ask` is a permission with its level: `charge_write`.",
        ),
        (None, Some(_)) => wrong("ask", "`ask` is about a key: send `sub_nav` as `key:mk_1`."),
    }
}

fn is_known(features: Option<&[String]>) -> Result<(), Failure> {
    let mut all = features.unwrap_or_default().iter();
    if all.all(|name| Feature::of_name(name).is_some()) {
        return Ok(());
    }
    Err(Failure::new(
        Code::ParameterInvalid,
        "`features` are some of `create`, `edit`, `rotate`, `delete`, `requests` and `activity`.",
    )
    .at("features"))
}

/// Handles `POST /v2/keyward/portal_sessions`.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: NewPortalSession = call.members()?;
        let lasts = sessions::lasts(body.expires_in)?;
        if !app.portal.leads_to(&body.return_url) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "The origin of `return_url` is not among `portal.return_origins` in the server's configuration.",
            )
            .at("return_url"));
        }
        let base = sessions::base(&app)?;
        let begin = begin(body.sub_nav.as_deref(), body.ask.as_deref())?;
        is_known(body.features.as_deref())?;
        let account = account(&app, &call.caller, body.account).await?;
        let new = NewLink {
            purpose: Purpose::Portal {
                account,
                return_url: body.return_url,
                features: body.features,
            },
            actor: body.actor,
            lasts,
            page: &format!("{base}/portal/enter{begin}"),
        };
        sessions::create(&app, &call, new, object).await
    })
}

/// Handles `GET /v2/keyward/portal_sessions`: open sessions, and links that can still be used.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { sessions::list(&app, &call, SessionKind::Portal, object).await })
}

async fn found(app: &App, call: &Call) -> Result<StoredSession, Failure> {
    sessions::found(app, call, SessionKind::Portal, "portal session").await
}

/// Handles `GET /v2/keyward/portal_sessions/{id}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let session = found(&app, &call).await?;
        Answer::of(&object(&session, time::now()))
    })
}

/// Handles `POST /v2/keyward/portal_sessions/{id}/revoke`, which takes effect at once.
pub(crate) fn revoke(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        // For a caller that cannot see the session it does not exist, whatever the body contains.
        let session = found(&app, &call).await?;
        call.no_members()?;
        sessions::revoke(&app, &call, session, object).await
    })
}
