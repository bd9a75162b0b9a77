//! The parts that sessions of the console and of the portal share: the link that opens one, the
//! list, and the end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::call::{Answer, Call, written};
use crate::http::failure::{Code, Failure};
use crate::http::paging::Paging;
use crate::service::failure::Stored;
use crate::service::once::Once;
use crate::service::{Sender, refusal};
use crate::session::{Person, WrongPerson};
use crate::shown::value;
use crate::sign_in::{LINK_BOUNDS, LINK_LASTS, Link, Made, Purpose, end, new_link};
use crate::store::lists::Listed;
use crate::store::{SessionAt, SessionKind, StoredSession};
use crate::time;

#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    id: String,
    email: Option<String>,
    name: Option<String>,
}

/// Makes the object of a session for the API, at a time.
pub(super) type Object<T> = fn(&StoredSession, u64) -> T;

/// Returns the status of a session.
pub(super) fn status(session: &StoredSession, now: u64) -> &'static str {
    if session.ended.is_some() || until(session) <= now {
        "ended"
    } else if session.opened.is_some() {
        "open"
    } else {
        "unopened"
    }
}

/// Returns when the link expires, or when the session ends at the latest.
pub(super) fn until(session: &StoredSession) -> u64 {
    session.until.unwrap_or(session.link_until)
}

/// Returns how long a link can be used, in seconds.
pub(super) fn lasts(expires_in: Option<u64>) -> Result<u64, Failure> {
    let lasts = expires_in.unwrap_or(LINK_LASTS);
    if LINK_BOUNDS.contains(&lasts) {
        return Ok(lasts);
    }
    Err(Failure::new(
        Code::ParameterInvalid,
        "`expires_in` is a number of seconds from 60 to 900.",
    )
    .at("expires_in"))
}

/// Returns the beginning of the address in links.
pub(super) fn base(app: &App) -> Result<&str, Failure> {
    app.public_url.as_deref().ok_or_else(|| {
        Failure::new(
            Code::FeatureNotEnabled,
            "The configuration has no `public_url`, so the server cannot make a link.",
        )
    })
}

/// A new link.
pub(super) struct NewLink<'a> {
    pub(super) purpose: Purpose,
    pub(super) actor: Actor,
    pub(super) lasts: u64,
    /// The page that the link opens, without its token.
    pub(super) page: &'a str,
}

/// Makes a link, and shows it once.
pub(super) async fn create<T: Serialize>(
    app: &Arc<App>,
    call: &Call,
    new: NewLink<'_>,
    object: Object<T>,
) -> Result<Answer, Failure> {
    let Actor { id, email, name } = new.actor;
    let person = Person::new(id, email, name).map_err(|WrongPerson { param, message }| {
        Failure::new(Code::ParameterInvalid, message).at(param)
    })?;
    let link = Link {
        purpose: new.purpose,
        person,
        lasts: new.lasts,
        made_by: call.caller.maker(),
        parent: call.caller.session().map(str::to_owned),
    };
    let now = time::now();
    let once = Once::of(call, now);
    let (session, token) = match new_link(app, Sender::of(call), link, once, now).await? {
        Made::Now(session, token) => (session, token),
        Made::Before(replayed) => return replayed.answer(),
    };
    let url = Zeroizing::new(format!("{}#{}", new.page, token.expose()));
    let body = written(&WithUrl {
        object: &object(&session, now),
        url: &url,
    })?;
    Ok(Answer::written(body))
}

/// The object with its link. It is serialized directly, so that no other structure contains the
/// link.
struct WithUrl<'a, T> {
    object: &'a T,
    url: &'a str,
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

/// Lists open sessions, and links that can still be used.
pub(super) async fn list<T: Serialize>(
    app: &App,
    call: &Call,
    kind: SessionKind,
    object: Object<T>,
) -> Result<Answer, Failure> {
    let mut pairs = call.pairs()?;
    let paging = Paging::<SessionAt>::take(call, &mut pairs)?;
    let (now, scope, page) = (time::now(), call.caller.scope(), paging.page.clone());
    let listed: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(reader.sessions(&scope, kind, now, page)?))
        .await;
    let Listed {
        records,
        has_older,
        has_newer,
    } = listed.map_err(Failure::from)?;
    let shown: Result<Vec<_>, Failure> = records
        .iter()
        .map(|one| Ok((one.at(), value(object(one, now))?)))
        .collect();
    Answer::of(&paging.list(Listed {
        records: shown?,
        has_older,
        has_newer,
    }))
}

/// Returns the session that the path names. `what` is its name for people.
pub(super) async fn found(
    app: &App,
    call: &Call,
    kind: SessionKind,
    what: &'static str,
) -> Result<StoredSession, Failure> {
    let (scope, id) = (call.caller.scope(), call.target.clone());
    let found: Result<_, Stored> = app
        .store
        .read(move |reader| {
            let session = reader.session(&scope, &id)?;
            let session = session.filter(|one| one.kind == kind);
            session.ok_or_else(|| refusal::missing(what, &id).into())
        })
        .await;
    found.map_err(Failure::from)
}

/// Ends a session at once.
pub(super) async fn revoke<T: Serialize>(
    app: &Arc<App>,
    call: &Call,
    mut session: StoredSession,
    object: Object<T>,
) -> Result<Answer, Failure> {
    let now = time::now();
    end(app, Sender::of(call), session.clone(), now).await?;
    session.ended = session.ended.or(Some(now));
    Answer::of(&object(&session, now))
}
