//! The parts that grant sets and key policies share: there are few of each, they have unique names,
//! and they are replaced as a whole.

use std::sync::Arc;

use keyward::management::Command;
use serde_json::{Value, json};

use super::answers::DeletedName;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::service::failure::Stored;
use crate::service::{Guard, Outcome, Present, Shown, Work, carry_out, refusal};
use crate::shown::value;
use crate::store::{self, Reader};

/// An object with a name.
pub(super) trait Named: Sized + Send + 'static {
    /// The name of the type for people.
    const WHAT: &'static str;
    /// The value of `object`.
    const OBJECT: &'static str;

    /// Returns the object with this name.
    fn find(reader: &Reader<'_>, name: &str) -> store::Result<Option<Self>>;

    /// Returns all objects.
    fn all(reader: &Reader<'_>) -> store::Result<Vec<Self>>;

    /// Returns the version, which starts at 1 and rises with every change.
    fn version(&self) -> u64;

    /// Returns the object as the API shows it.
    fn object(&self, reader: &Reader<'_>) -> Result<Value, Stored>;

    /// Returns the command that removes it.
    fn removal(name: String) -> Command;
}

/// Rejects other callers than operators. These objects belong to the whole store: keys of every
/// tenant follow a set, and their number would reveal something about them.
pub(super) fn operators_only<T: Named>(call: &Call) -> Result<(), Failure> {
    let what = T::WHAT;
    call.operators_only(&format!(
        "Only the operator's keys may see or change a {what}."
    ))
}

/// Rejects the operator's test keys as well. The objects have no mode, so a change also reaches
/// live keys.
pub(super) fn live_operators_only<T: Named>(call: &Call) -> Result<(), Failure> {
    let what = T::WHAT;
    call.live_operators_only(
        &format!("Only the operator's keys may see or change a {what}."),
        &format!(
            "A {what} is changed by the operator's keys of live mode: a change reaches live keys."
        ),
    )
}

/// Lists all objects on one page.
pub(super) async fn list<T: Named>(app: &App, call: &Call) -> Result<Answer, Failure> {
    operators_only::<T>(call)?;
    call.no_parameters()?;
    let read = |reader: &Reader<'_>| -> Result<Vec<Value>, Stored> {
        let all = T::all(reader)?;
        all.iter().map(|one| one.object(reader)).collect()
    };
    let data = app.store.read(read).await.map_err(Failure::from)?;
    Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
}

/// Returns the object that the path names.
pub(super) async fn retrieve<T: Named>(app: &App, call: &Call) -> Result<Answer, Failure> {
    operators_only::<T>(call)?;
    let name = call.target.clone();
    let read = move |reader: &Reader<'_>| show::<T>(reader, &name);
    let shown = app.store.read(read).await.map_err(Failure::from)?;
    Ok(Answer {
        version: shown.version,
        ..Answer::of(&shown.object)?
    })
}

/// Removes the object that the path names.
pub(super) async fn delete<T: Named>(app: &Arc<App>, call: &Call) -> Result<Answer, Failure> {
    live_operators_only::<T>(call)?;
    call.no_parameters()?;
    let name = call.target.clone();
    let guard = is_at::<T>(&name, call.expected_version);
    let command = T::removal(name.clone());
    let present: Present = Arc::new(move |_: &Reader<'_>, _: &Outcome<'_>| {
        Ok(Shown {
            object: value(DeletedName {
                deleted: true,
                name: name.clone(),
                object: T::OBJECT,
            })?,
            id: None,
            version: None,
        })
    });
    carry_out(app, call, Work::of(command, present).guarded(guard)).await
}

/// Requires that the object exists in the version that the client has seen.
pub(super) fn is_at<T: Named>(name: &str, expected: Option<u64>) -> Guard {
    let name = name.to_owned();
    Arc::new(move |reader: &Reader<'_>| {
        let found = T::find(reader, &name)?;
        let found = found.ok_or_else(|| refusal::missing(T::WHAT, &name))?;
        refusal::is_version(found.version(), expected).map_err(Stored::from)
    })
}

/// Requires that no object has this name.
pub(super) fn is_new<T: Named>(name: &str) -> Guard {
    let name = name.to_owned();
    Arc::new(move |reader: &Reader<'_>| match T::find(reader, &name)? {
        None => Ok(()),
        Some(_) => {
            let what = T::WHAT;
            let message = format!("There is a {what} '{name}' already.");
            Err(Failure::new(Code::IdExists, message).at("name").into())
        }
    })
}

/// Shows the object with this name after a change.
pub(super) fn shown<T: Named>(name: &str) -> Present {
    let name = name.to_owned();
    Arc::new(move |reader: &Reader<'_>, _: &Outcome<'_>| show::<T>(reader, &name))
}

fn show<T: Named>(reader: &Reader<'_>, name: &str) -> Result<Shown, Stored> {
    let found = T::find(reader, name)?;
    let found = found.ok_or_else(|| refusal::missing(T::WHAT, name))?;
    Ok(Shown {
        object: found.object(reader)?,
        id: None,
        version: Some(found.version()),
    })
}
