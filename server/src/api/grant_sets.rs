//! `/v2/keyward/grant_sets`: permissions by name, which keys follow.

use std::sync::Arc;

use keyward::management::Command;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{DeletedName, GrantSetObject};
use super::new_key::grants;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Guard, Outcome, Present, Shown, Work, carry_out, refusal};
use crate::shown::granted_names;
use crate::shown::value;
use crate::store::{Reader, StoredSet};

/// A new grant set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrantSet {
    name: String,
    permissions: Vec<String>,
}

/// All of a grant set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantSet {
    permissions: Vec<String>,
}

/// `GET /v2/keyward/grant_sets`: all of them, for there are few.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.no_parameters()?;
        let listed: Result<Vec<Value>, Stored> = app
            .store
            .read(|reader: &Reader<'_>| {
                let sets = reader.grant_sets()?;
                sets.iter().map(|set| object(reader, set)).collect()
            })
            .await;
        let data = listed.map_err(Failure::from)?;
        Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
    })
}

/// `GET /v2/keyward/grant_sets/{name}`
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let name = call.target.clone();
        let shown: Result<Shown, Stored> = app.store.read(move |reader| show(reader, &name)).await;
        let shown = shown.map_err(Failure::from)?;
        Ok(Answer {
            version: shown.version,
            ..Answer::of(&shown.object)?
        })
    })
}

/// `POST /v2/keyward/grant_sets`
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: NewGrantSet = call.members()?;
        let command = Command::PutGrantSet {
            grants: grants(&body.permissions, "permissions")?,
            name: body.name.clone(),
        };
        let name = body.name.clone();
        let guard: Guard = Arc::new(move |reader: &Reader<'_>| match reader.grant_set(&name)? {
            None => Ok(()),
            Some(_) => Err(exists(&name).into()),
        });
        let work = Work::of(command, set_of(&body.name)).guarded(guard);
        carry_out(&app, &call, work).await
    })
}

/// `PUT /v2/keyward/grant_sets/{name}`: all of it, so `If-Match` says which state was seen.
pub(crate) fn replace(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: GrantSet = call.members()?;
        let expected = call.required_version()?;
        let command = Command::PutGrantSet {
            grants: grants(&body.permissions, "permissions")?,
            name: call.target.clone(),
        };
        let work =
            Work::of(command, set_of(&call.target)).guarded(at(&call.target, Some(expected)));
        carry_out(&app, &call, work).await
    })
}

/// `DELETE /v2/keyward/grant_sets/{name}`
pub(crate) fn delete(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.no_parameters()?;
        let name = call.target.clone();
        let command = Command::RemoveGrantSet { name: name.clone() };
        let guard = at(&name, call.expected_version);
        let present: Present = Arc::new(move |_: &Reader<'_>, _: &Outcome<'_>| {
            Ok(Shown {
                object: value(DeletedName {
                    deleted: true,
                    name: name.clone(),
                    object: "keyward.grant_set",
                })?,
                id: None,
                version: None,
            })
        });
        carry_out(&app, &call, Work::of(command, present).guarded(guard)).await
    })
}

/// The set is there, in the state that was seen.
fn at(name: &str, expected: Option<u64>) -> Guard {
    let name = name.to_owned();
    Arc::new(move |reader: &Reader<'_>| {
        let set = reader.grant_set(&name)?;
        let set = set.ok_or_else(|| refusal::missing("grant set", &name))?;
        refusal::is_version(set.version, expected).map_err(Stored::from)
    })
}

fn exists(name: &str) -> Failure {
    Failure::new(
        Code::IdExists,
        format!("There is a grant set '{name}' already."),
    )
    .at("name")
}

fn set_of(name: &str) -> Present {
    let name = name.to_owned();
    Arc::new(move |reader: &Reader<'_>, _: &Outcome<'_>| show(reader, &name))
}

fn show(reader: &Reader<'_>, name: &str) -> Result<Shown, Stored> {
    let set = reader.grant_set(name)?;
    let set = set.ok_or_else(|| refusal::missing("grant set", name))?;
    Ok(Shown {
        object: object(reader, &set)?,
        id: None,
        version: Some(set.version),
    })
}

fn object(reader: &Reader<'_>, set: &StoredSet) -> Result<Value, Stored> {
    let object = value(GrantSetObject {
        name: set.name.clone(),
        object: "keyward.grant_set",
        permissions: granted_names(&set.granted),
        source: set.source.clone(),
        used_by: reader.uses_of_set(&set.name)?,
        version: set.version,
    })?;
    Ok(object)
}
