//! Lists of activity.

use rusqlite::Connection;

use super::{Listed, Page};
use crate::store::activity::{self, Row};
use crate::store::columns::signed;
use crate::store::error::Result;
use crate::store::scope::{Scope, Where};

/// The conditions for a list of activity. Without any, it contains all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Their types, or any type if empty.
    pub types: Vec<String>,
    /// Their groups, or any group if empty.
    pub groups: Vec<String>,
    /// The object that they concern.
    pub object: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// At this time or later, in Unix seconds.
    pub since: Option<u64>,
    /// Before this time, in Unix seconds.
    pub until: Option<u64>,
}

/// Returns a page of the activity in a scope that matches a filter.
pub(in crate::store) fn activity(
    connection: &Connection,
    scope: &Scope,
    filter: &ActivityFilter,
    page: Page,
) -> Result<Listed<Row>> {
    let ActivityFilter {
        types,
        groups,
        object,
        actor,
        since,
        until,
    } = filter;
    let mut limits = Where::new();
    scope.of_activity(&mut limits);
    for (column, words) in [("type", types), ("action_group", groups)] {
        if words.is_empty() {
            continue;
        }
        let places = words.iter().map(|word| limits.value(word.clone()));
        let places: Vec<String> = places.collect();
        limits.and(&format!("{column} IN ({})", places.join(", ")));
    }
    if let Some(id) = object {
        limits.and_is("object_id =", id.clone());
    }
    if let Some(id) = actor {
        limits.and_is("actor_id =", id.clone());
    }
    if let Some(time) = since {
        limits.and_is("at >=", signed(*time)?);
    }
    if let Some(time) = until {
        limits.and_is("at <", signed(*time)?);
    }
    let tail = page.limit(&mut limits, "seq")?;
    let mut rows = Vec::new();
    activity::rows(connection, &limits, &tail, |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(page.of(rows))
}
