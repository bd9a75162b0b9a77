//! The session of a cookie, while it lasts: not idle, not over, not ended, and the key that made it still works.

use keyward::account::AccountStatus;
use keyward::management::{Granted, KeyGrants};

use crate::app::App;
use crate::console::Console;
use crate::http::failure::Failure;
use crate::service::failure::Stored;
use crate::session::{Cookie, FormToken, Person, Role, Session};
use crate::store::{By, Reader, Scope, StoredSession};

/// What a cookie leads to.
pub(crate) enum Found {
    /// A session that lasts.
    Session(Box<Session>),
    /// One that has ended, or none.
    Nothing,
}

/// Finds the session of a cookie, and notes that it is used.
pub(crate) async fn find(
    app: &App,
    settings: &Console,
    cookie: &Cookie,
    now: u64,
) -> Result<Found, Failure> {
    let digest = cookie.digest();
    let read: Result<_, Stored> = app
        .store
        .read(move |reader| {
            let Some(stored) = reader.session_of_digest(By::Cookie, &digest)? else {
                return Ok(None);
            };
            let held = held_by_maker(reader, &stored.made_by, now)?;
            Ok(Some((stored, held)))
        })
        .await;
    let Some((stored, Some(held))) = read.map_err(Failure::from)? else {
        return Ok(Found::Nothing);
    };
    let Some(session) = session(&stored, &held, cookie) else {
        return Ok(Found::Nothing);
    };
    let last = app.last_seen.of(&stored);
    let is_over = stored.ended.is_some()
        || session.until <= now
        || now.saturating_sub(last) >= settings.idle();
    if is_over {
        return Ok(Found::Nothing);
    }
    if app.last_seen.note(&stored, now) {
        let id = stored.id.clone();
        // On a full disk a session is as old as it was.
        let noted: Result<(), Stored> = app
            .store
            .write(move |tx| Ok(tx.session_seen(&id, now)?))
            .await;
        if let Err(error) = noted {
            tracing::warn!(?error, "the use of a session was not noted");
        }
    }
    Ok(Found::Session(Box::new(session)))
}

fn session(stored: &StoredSession, held: &Held, cookie: &Cookie) -> Option<Session> {
    let role = Role::of_name(stored.role.as_deref()?)?;
    Some(Session {
        id: stored.id.clone(),
        person: Person::of_stored(&stored.actor)?,
        granted: held.bound(role.granted()),
        role,
        opened: stored.opened?,
        until: stored.until?,
        form_token: FormToken::of(cookie).ok()?,
        made_by: stored.made_by.clone(),
    })
}

/// What the maker of a link holds, which bounds the session.
enum Held {
    /// A person on this machine: everything.
    Everything,
    /// A key.
    Grants(Granted),
}

impl Held {
    fn bound(&self, role: Granted) -> Granted {
        match self {
            Self::Everything => role,
            Self::Grants(held) => role
                .into_iter()
                .filter_map(|(name, level)| {
                    let held = held.get(&name)?;
                    Some((name, level.min(*held)))
                })
                .collect(),
        }
    }
}

/// What the key that made a link holds now; nothing, where it no longer works.
fn held_by_maker(
    reader: &Reader<'_>,
    made_by: &str,
    now: u64,
) -> crate::store::Result<Option<Held>> {
    if made_by.starts_with("local:") {
        return Ok(Some(Held::Everything));
    }
    let Some(stored) = reader.key(&Scope::everything(), made_by)? else {
        return Ok(None);
    };
    if !stored.key.is_live_at(now) {
        return Ok(None);
    }
    let mut next = Some(stored.key.owner.clone());
    // As many as accounts may lie above each other, and more.
    for _ in 0..64 {
        let Some(id) = next else { break };
        let account = reader.account(&Scope::everything(), &id)?;
        match account {
            Some(found) if found.account.status == AccountStatus::Active => {
                next = found.account.parent;
            }
            Some(_) | None => return Ok(None),
        }
    }
    let granted = match stored.key.grants {
        None => Granted::new(),
        Some(KeyGrants::Inline(granted)) => granted,
        Some(KeyGrants::Set(name)) => reader
            .grant_set(&name)?
            .map(|set| set.granted)
            .unwrap_or_default(),
    };
    Ok(Some(Held::Grants(granted)))
}

/// Whether the maker of a link still works.
pub(super) async fn is_maker_live(app: &App, made_by: &str, now: u64) -> Result<bool, Failure> {
    let made_by = made_by.to_owned();
    let held: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(held_by_maker(reader, &made_by, now)?.is_some()))
        .await;
    held.map_err(Failure::from)
}
