//! A link from its creation to its use, and the end of a session.

use std::net::IpAddr;

use keyward::management::{NoRandomness, random_id};
use serde_json::json;

use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::randomness::System;
use crate::service::Sender;
use crate::service::failure::Stored;
use crate::service::once::{Kept, Once, Replayed};
use crate::session::{Cookie, Person, Role, Token};
use crate::store::activity::Entry;
use crate::store::{By, Opening, Scope, SessionKind, StoredSession, Tx};

/// How long a link can be used, in seconds, and the limits for its maker's choice of another time.
pub(crate) const LINK_LASTS: u64 = 300;
pub(crate) const LINK_BOUNDS: std::ops::RangeInclusive<u64> = 60..=900;

/// A new link.
pub(crate) struct Link {
    pub(crate) purpose: Purpose,
    pub(crate) person: Person,
    pub(crate) lasts: u64,
    /// The key or the local user that makes it.
    pub(crate) made_by: String,
    /// The session whose page makes it, if there is one.
    pub(crate) parent: Option<String>,
}

/// What a link opens.
pub(crate) enum Purpose {
    /// The console, with a role.
    Console(Role),
    /// The portal of an account.
    Portal {
        account: String,
        return_url: String,
        features: Option<Vec<String>>,
    },
}

/// Makes a link. The return value contains the token, but the store only its digest.
pub(crate) async fn new_link(
    app: &App,
    sender: Sender,
    link: Link,
    once: Once,
    now: u64,
) -> Result<Made, Failure> {
    let token = Token::new().map_err(no_randomness)?;
    let digest = token.digest();
    let random = random_id(&mut System).map_err(no_randomness)?;
    let (kind, account, role, return_url, features) = match link.purpose {
        Purpose::Console(role) => (SessionKind::Console, None, Some(role.name()), None, None),
        Purpose::Portal {
            account,
            return_url,
            features,
        } => (
            SessionKind::Portal,
            Some(account),
            None,
            Some(return_url),
            features,
        ),
    };
    let prefix = match kind {
        SessionKind::Console => "cs",
        SessionKind::Portal => "ps",
    };
    let session = StoredSession {
        id: format!("{prefix}_{random}"),
        kind,
        account,
        role: role.map(str::to_owned),
        return_url,
        features,
        actor: link.person.value(),
        made_by: link.made_by,
        parent: link.parent,
        made: now,
        link_until: now.saturating_add(link.lasts),
        opened: None,
        last_seen: None,
        until: None,
        ended: None,
        address: None,
    };
    let written: Result<_, Stored> = app
        .store
        .write(move |tx| {
            if let Some(replayed) = once.replay(tx)? {
                return Ok(Err(replayed));
            }
            let mut added = session.clone();
            if let Some(last) = end_of_parent(tx, &added, now)? {
                added.link_until = added.link_until.min(last);
            }
            tx.add_session(&added, &digest)?;
            let root = root_of(tx, &added)?;
            tx.record(row(&sender, Step::Created, &added, root, now))?;
            once.keep(tx, &Kept::Value(&added.id, None))?;
            Ok(Ok(added))
        })
        .await;
    Ok(match written.map_err(Failure::from)? {
        Err(replayed) => Made::Before(replayed),
        Ok(session) => Made::Now(Box::new(session), token),
    })
}

/// Returns when the session that made a link ends at the latest, if a session made it.
/// Fails if that session is over.
fn end_of_parent(
    tx: &mut Tx<'_>,
    session: &StoredSession,
    now: u64,
) -> Result<Option<u64>, Stored> {
    let Some(parent) = &session.parent else {
        return Ok(None);
    };
    let parent = tx.read().session(&Scope::everything(), parent)?;
    let parent = parent.filter(|parent| parent.ended.is_none());
    match parent
        .and_then(|parent| parent.until)
        .filter(|until| *until > now)
    {
        Some(until) => Ok(Some(until)),
        None => Err(Failure::new(
            Code::MorePermissionsRequired,
            "The session that made this link is over.",
        )
        .into()),
    }
}

fn no_randomness(_: NoRandomness) -> Failure {
    Failure::new(
        Code::StorageUnavailable,
        "The system gives no randomness. Please retry.",
    )
}

/// A link made by this request, or by an earlier attempt of the same request.
pub(crate) enum Made {
    Now(Box<StoredSession>, Token),
    Before(Replayed),
}

/// Why a link cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// The link does not exist.
    Unknown,
    /// It was already used.
    Used,
    /// It has expired.
    Over,
    /// It was revoked.
    Revoked,
}

/// Returns a usable link, or the reason why it cannot be used. Does not change the link.
pub(crate) async fn peek(
    app: &App,
    kind: SessionKind,
    token: &Token,
    now: u64,
) -> Result<Result<StoredSession, NotOpened>, Failure> {
    let digest = token.digest();
    let found: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(reader.session_of_digest(By::Link, &digest)?))
        .await;
    Ok(match found.map_err(Failure::from)? {
        None => Err(NotOpened::Unknown),
        // A link to the console opens no portal, and a link to a portal opens no console.
        Some(session) if session.kind != kind => Err(NotOpened::Unknown),
        Some(session) if session.opened.is_some() => Err(NotOpened::Used),
        Some(session) if session.ended.is_some() => Err(NotOpened::Revoked),
        Some(session) if session.link_until <= now => Err(NotOpened::Over),
        Some(session) => Ok(session),
    })
}

/// A session that was just opened.
pub(crate) struct Opened {
    pub(crate) session: StoredSession,
    pub(crate) cookie: Cookie,
}

/// Uses a link. The cookie is always new, whatever cookie the browser had before.
pub(crate) async fn open(
    app: &App,
    kind: SessionKind,
    lifetime: u64,
    token: &Token,
    address: Option<IpAddr>,
    request_id: &str,
    now: u64,
) -> Result<Result<Opened, NotOpened>, Failure> {
    let session = match peek(app, kind, token, now).await? {
        Ok(session) => session,
        Err(why) => return Ok(Err(why)),
    };
    if !super::found::is_open_to(app, &session, now).await? {
        return Ok(Err(NotOpened::Revoked));
    }
    let cookie = Cookie::new().map_err(no_randomness)?;
    let (link, of_cookie) = (token.digest(), cookie.digest());
    let until = now.saturating_add(lifetime);
    let address = address.map(|address| address.to_string());
    let request_id = request_id.to_owned();
    let written: Result<_, Stored> = app
        .store
        .write(move |tx| {
            let last = end_of_parent(tx, &session, now)?;
            let opened = tx.open_session(&Opening {
                link: &link,
                cookie: &of_cookie,
                now,
                until: last.map_or(until, |last| until.min(last)),
                address: address.as_deref(),
            })?;
            let Some(session) = opened else {
                return Ok(None);
            };
            let sender = Sender::of_session(&session, address.clone(), &request_id);
            let root = root_of(tx, &session)?;
            tx.record(row(&sender, Step::Opened, &session, root, now))?;
            Ok(Some(session))
        })
        .await;
    // If another request was faster, the link has been used.
    Ok(match written.map_err(Failure::from)? {
        Some(session) => Ok(Opened { session, cookie }),
        None => Err(NotOpened::Used),
    })
}

/// Ends a session, or revokes a link. Returns whether it was still open.
pub(crate) async fn end(
    app: &App,
    sender: Sender,
    session: StoredSession,
    now: u64,
) -> Result<bool, Failure> {
    let ended: Result<bool, Stored> = app
        .store
        .end(move |tx| {
            let is_new = tx.end_session(&session.id, now)?;
            if is_new {
                let root = root_of(tx, &session)?;
                tx.record(row(&sender, Step::Revoked, &session, root, now))?;
            }
            Ok(is_new)
        })
        .await;
    ended.map_err(Failure::from)
}

/// Ends the session of a person who signs out.
pub(crate) async fn leave(app: &App, sender: Sender, id: &str, now: u64) -> Result<(), Failure> {
    let id = id.to_owned();
    let found: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(reader.session(&Scope::everything(), &id)?))
        .await;
    if let Some(session) = found.map_err(Failure::from)? {
        end(app, sender, session, now).await?;
    }
    Ok(())
}

/// What happened to a session.
#[derive(Clone, Copy)]
enum Step {
    Created,
    Opened,
    Revoked,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Opened => "opened",
            Self::Revoked => "revoked",
        }
    }
}

/// Returns the root of the tree that a portal's session belongs to. Through it, the people of that
/// tree can find the row.
fn root_of(tx: &mut Tx<'_>, session: &StoredSession) -> crate::store::Result<Option<String>> {
    let Some(account) = &session.account else {
        return Ok(None);
    };
    let found = tx.read().account(&Scope::owner(account), account)?;
    Ok(found.map(|found| found.root))
}

/// Returns a row of the trail. It contains the session's id, which cannot open anything.
fn row(
    sender: &Sender,
    step: Step,
    session: &StoredSession,
    root: Option<String>,
    now: u64,
) -> Entry {
    let (what, details) = match session.kind {
        SessionKind::Console => (
            "console_session",
            json!({"actor": session.actor, "made_by": session.made_by, "role": session.role}),
        ),
        SessionKind::Portal => (
            "portal_session",
            json!({"account": session.account, "actor": session.actor, "made_by": session.made_by}),
        ),
    };
    Entry {
        group: what.to_owned(),
        context: session.account.clone(),
        root,
        object: Some((what.to_owned(), session.id.clone())),
        body: json!({"changes": [], "details": {"type": what, what: details}}),
        ..sender.of_many(&format!("{what}_{}", step.name()), 0, now)
    }
}
