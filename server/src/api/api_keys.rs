//! `/v2/iam/api_keys`: Stripe's resource.

use std::sync::Arc;

use keyward::management::{Command, ExpireKey, KeyTarget, Note};
use serde_json::{Value, json};

use super::answers::DeletedId;
use super::edit_key::{Duplicate, Rotation, Update};
use super::key::KeyView;
use super::list_keys::Parameters;
use super::new_key::{Asked, NewKey};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::paging::Paging;
use crate::http::query;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Outcome, Present, Shown, Work, carry_out, refusal};
use crate::shown::value;
use crate::store::lists::{KeyFilter, Listed};
use crate::store::{Reader, Scope};

/// `POST /v2/iam/api_keys`
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: NewKey = call.members()?;
        let Asked {
            create,
            passes_policy,
        } = body.command(&call.caller)?;
        let command = Command::CreateKey(create);
        let work = Work::passing(command, passes_policy, key_of(&app));
        carry_out(&app, &call, work).await
    })
}

/// `GET /v2/iam/api_keys`
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (now, fleet) = (crate::time::now(), Arc::clone(&app.fleet));
        let mut pairs = call.pairs()?;
        let paging = Paging::take(&call, &mut pairs)?;
        let parameters: Parameters = query::read(pairs)?;
        let scope = parameters.scope(&call.caller)?;
        let filter = KeyFilter {
            query_is_of_names: call.caller.is_in_portal(),
            ..parameters.filter(now)?
        };
        let page = paging.page;
        let listed: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let listed = reader.keys(&scope, &filter, page)?;
                let objects = listed.records.into_iter().map(|stored| {
                    let number = stored.sequence;
                    let object = KeyView::read(reader, stored)?.object(now, &fleet)?;
                    Ok((number, object))
                });
                Ok(Listed {
                    records: objects.collect::<Result<_, Stored>>()?,
                    has_older: listed.has_older,
                    has_newer: listed.has_newer,
                })
            })
            .await;
        Answer::of(&paging.list(listed.map_err(Failure::from)?))
    })
}

/// `GET /v2/iam/api_keys/{id}`
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let (now, fleet) = (crate::time::now(), Arc::clone(&app.fleet));
        let found: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let stored = reader.key(&scope, &id)?;
                let stored = stored.ok_or_else(|| refusal::missing("key", &id))?;
                let version = stored.version;
                let object = KeyView::read(reader, stored)?.object(now, &fleet)?;
                Ok((object, version))
            })
            .await;
        let (object, version) = found.map_err(Failure::from)?;
        Ok(Answer {
            version: Some(version),
            ..Answer::of(&object)?
        })
    })
}

/// `POST /v2/iam/api_keys/{id}/expire`: at once.
pub(crate) fn expire(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.no_members()?;
        let command = Command::ExpireKey(ExpireKey {
            id: call.target.clone(),
            end: Some(crate::time::now()),
            revive: false,
        });
        let work = Work::of(command, key_of(&app));
        carry_out(&app, &call, work).await
    })
}

/// `POST /v2/iam/api_keys/{id}`
pub(crate) fn update(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Update = call.members()?;
        let reason = body.reason()?;
        let (edit, passes_policy) = body.command(&call.target)?;
        let command = Command::EditKey(edit);
        let work = Work::passing(command, passes_policy, key_of(&app)).because(reason);
        carry_out(&app, &call, work).await
    })
}

/// `POST /v2/iam/api_keys/{id}/rotate`: answers with the new key.
pub(crate) fn rotate(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Rotation = call.members()?;
        let reason = body.reason()?;
        let (rotate, passes_policy) = body.command(&call.target, &call.caller)?;
        let command = Command::RotateKey(rotate);
        let work = Work::passing(command, passes_policy, key_of(&app)).because(reason);
        carry_out(&app, &call, work).await
    })
}

/// `POST /v2/keyward/api_keys/{id}/duplicate`: answers with the new key, and with what it does not have of the other one.
pub(crate) fn duplicate(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Duplicate = call.members()?;
        let (duplicate, passes_policy) = body.command(&call.target)?;
        let show = key_of(&app);
        let present: Present = Arc::new(move |reader: &Reader<'_>, outcome: &Outcome<'_>| {
            let mut shown = show(reader, outcome)?;
            let members = shown.object.get_mut("keyward");
            if let Some(members) = members.and_then(Value::as_object_mut) {
                let names = json!(left_behind(outcome.notes));
                members.insert("left_behind".to_owned(), names);
            }
            Ok(shown)
        });
        let command = Command::DuplicateKey(duplicate);
        carry_out(&app, &call, Work::passing(command, passes_policy, present)).await
    })
}

fn left_behind(notes: &[Note]) -> Vec<&'static str> {
    let names = notes.iter().filter_map(|note| match note {
        Note::IpsLeftBehind(_) => Some("ip_allowlist"),
        Note::ExpiryLeftBehind => Some("expires_at"),
        Note::NoLongerFollows { .. }
        | Note::FirstLimit
        | Note::OldKeyEnds { .. }
        | Note::RotationTakenBack { .. }
        | Note::ShortKey => None,
    });
    names.collect()
}

/// `DELETE /v2/keyward/api_keys/{id}`: its users then learn that the key is deleted; with `purge`, that it is unknown.
pub(crate) fn delete(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            purge: Option<String>,
        }
        let parameters: Parameters = query::read(call.pairs()?)?;
        let target = KeyTarget {
            id: call.target.clone(),
        };
        let (command, present) = match parameters.purge.as_deref() {
            None | Some("false") => (Command::DeleteKey(target), key_of(&app)),
            Some("true") => (Command::PurgeKey(target), purged(&call.target)),
            Some(_) => {
                return Err(
                    Failure::new(Code::ParameterInvalid, "`purge` is `true` or `false`.")
                        .at("purge"),
                );
            }
        };
        carry_out(&app, &call, Work::of(command, present)).await
    })
}

fn purged(id: &str) -> Present {
    let id = id.to_owned();
    Arc::new(move |_: &Reader<'_>, _: &Outcome<'_>| {
        Ok(Shown {
            object: value(DeletedId {
                deleted: true,
                id: id.clone(),
                object: "v2.iam.api_key",
            })?,
            id: None,
            version: None,
        })
    })
}

/// Shows the key that a change is about.
pub(super) fn key_of(app: &Arc<App>) -> Present {
    let app = Arc::clone(app);
    Arc::new(move |reader: &Reader<'_>, outcome: &Outcome<'_>| {
        let id = outcome.keys.first().map_or("", String::as_str);
        // What the change was allowed to make is shown to its maker.
        let stored = reader.key(&Scope::everything(), id)?.ok_or_else(|| {
            Failure::new(Code::Internal, "The key is not there after the change.")
        })?;
        let version = stored.version;
        let view = KeyView::read(reader, stored)?;
        Ok(Shown {
            object: view.object(outcome.now, &app.fleet)?,
            id: Some(id.to_owned()),
            version: Some(version),
        })
    })
}
