//! Lists of sessions. Sessions have no number, so their order is that of their time in seconds, and then of their ids.

use rusqlite::Connection;

use super::{From, Listed, Page};
use crate::store::columns::signed;
use crate::store::error::Result;
use crate::store::records::sessions::{self, SessionAt, SessionKind, StoredSession};
use crate::store::scope::{Scope, Where};

/// A page of the sessions of a kind that are not over, and of links that can be used.
pub(in crate::store) fn sessions(
    connection: &Connection,
    scope: &Scope,
    kind: SessionKind,
    now: u64,
    page: Page<SessionAt>,
) -> Result<Listed<StoredSession>> {
    let mut limits = Where::new();
    scope.of_sessions(&mut limits);
    limits.and_is("kind =", sessions::kind_number(kind));
    let now = limits.value(signed(now)?);
    limits.and(&format!(
        "ended IS NULL AND coalesce(until, link_until) > {now}"
    ));
    let order = match &page.from {
        From::Newest => "made DESC, id",
        From::OlderThan(at) => {
            beyond(&mut limits, at, ["<", ">"])?;
            "made DESC, id"
        }
        From::NewerThan(at) => {
            beyond(&mut limits, at, [">", "<"])?;
            "made, id DESC"
        }
    };
    let more = page.limit.saturating_add(1);
    let tail = format!("ORDER BY {order} LIMIT {more}");
    Ok(page.of(sessions::all(connection, &limits, &tail)?))
}

/// Only those that come after that one. The first condition is for the index.
fn beyond(limits: &mut Where, at: &SessionAt, [made_is, id_is]: [&str; 2]) -> Result<()> {
    let made = limits.value(signed(at.made)?);
    let id = limits.value(at.id.clone());
    limits.and(&format!(
        "made {made_is}= {made} AND (made {made_is} {made} OR id {id_is} {id})"
    ));
    Ok(())
}
