//! Whether a session is still what it was when its cookie was read.

use super::found::{held_now, session as session_of};
use crate::app::App;
use crate::session::Session;
use crate::store::{Holds, Reader, Result, Scope};
use crate::time;

/// Asks it, for the work of a request.
pub(crate) fn holds(app: &App, session: &Session) -> Holds {
    let (operator, session) = (app.operator_account.clone(), session.clone());
    std::sync::Arc::new(move |reader| is_as_it_was(reader, &operator, &session, time::now()))
}

fn is_as_it_was(reader: &Reader<'_>, operator: &str, session: &Session, now: u64) -> Result<bool> {
    let Some(stored) = reader.session(&Scope::everything(), &session.id)? else {
        return Ok(false);
    };
    let Some((held, place)) = held_now(reader, operator, &stored, now)? else {
        return Ok(false);
    };
    let again = session_of(&stored, &held, place, session.form_token.clone());
    Ok(again.is_some_and(|again| {
        stored.ended.is_none()
            && again.until > now
            && again.granted == session.granted
            && again.reach == session.reach
    }))
}
