//! `/v2/iam/api_keys`: Stripe's resource.

use std::sync::Arc;

use keyward::management::{Command, ExpireKey, KeyTarget, Note};
use serde_json::{Value, json};

use super::answers::DeletedId;
use super::edit_key::{Duplicate, Ending, Rotation, Update};
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
use crate::store::lists::{From, KeyFilter, Listed, Page};
use crate::store::{Reader, Scope, StoredKey};

/// Handles `POST /v2/iam/api_keys`.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: NewKey = call.members()?;
        let reason = body.reason()?;
        let Asked {
            create,
            passes_policy,
        } = body.command(&call.caller)?;
        let command = Command::CreateKey(create);
        let work = Work::passing(command, passes_policy, key_of(&app)).because(reason);
        carry_out(&app, &call, work).await
    })
}

/// Handles `GET /v2/iam/api_keys`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (now, of) = (crate::time::now(), Arc::clone(&app));
        let mut pairs = call.pairs()?;
        let paging = Paging::take(&call, &mut pairs)?;
        let mut parameters: Parameters = query::read(pairs)?;
        let unused_since = parameters.unused_since(&app)?;
        let scope = parameters.scope(&call.caller)?;
        let filter = KeyFilter {
            query_is_of_names: call.caller.is_in_portal(),
            ..parameters.filter(now)?
        };
        let page = paging.page;
        let listed: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let listed = match unused_since {
                    None => reader.keys(&scope, &filter, page)?,
                    Some(since) => {
                        let is_unused = |id: &str| of.uses.last(id).is_none_or(|last| last < since);
                        only(reader, (&scope, &filter), page, is_unused)?
                    }
                };
                let objects = listed.records.into_iter().map(|stored| {
                    let number = stored.sequence;
                    let object = KeyView::read(reader, stored)?.object(now, &of)?;
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

/// The number of keys that are read for one page if no index shows whether they match.
const MOST_LOOKED_AT: usize = 10_000;

/// A page of the keys that a filter leaves and that fit. It is shorter, and has another after it, where many keys in a row do not fit.
fn only(
    reader: &Reader<'_>,
    (scope, filter): (&Scope, &KeyFilter),
    page: Page,
    fits: impl Fn(&str) -> bool,
) -> Result<Listed<StoredKey>, Stored> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut listed = Listed {
        records: Vec::new(),
        has_older: true,
        // Where it would begin is not known without another look at all of them.
        has_newer: false,
    };
    let (mut from, mut looked_at) = (page.from, 0_usize);
    loop {
        let some = reader.keys(scope, filter, Page { from, limit: 100 })?;
        looked_at = looked_at.saturating_add(some.records.len());
        let is_last = !some.has_older;
        for stored in some.records {
            from = From::OlderThan(stored.sequence);
            let is_enough = listed.records.len() >= limit;
            if fits(&stored.key.id) {
                if is_enough {
                    return Ok(listed);
                }
                listed.records.push(stored);
            }
        }
        if is_last {
            listed.has_older = false;
            return Ok(listed);
        }
        if looked_at >= MOST_LOOKED_AT && !listed.records.is_empty() {
            return Ok(listed);
        }
    }
}

/// `GET /v2/iam/api_keys/{id}`
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let (now, of) = (crate::time::now(), Arc::clone(&app));
        let found: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let stored = reader.key(&scope, &id)?;
                let stored = stored.ok_or_else(|| refusal::missing("key", &id))?;
                let version = stored.version;
                let object = KeyView::read(reader, stored)?.object(now, &of)?;
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

/// Handles `POST /v2/iam/api_keys/{id}/expire`, which takes effect at once.
pub(crate) fn expire(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Ending = call.members()?;
        let command = Command::ExpireKey(ExpireKey {
            id: call.target.clone(),
            end: Some(crate::time::at_once()),
            revive: false,
        });
        let work = Work::of(command, key_of(&app)).because(body.reason());
        carry_out(&app, &call, work).await
    })
}

/// Handles `POST /v2/iam/api_keys/{id}`.
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

/// Handles `POST /v2/iam/api_keys/{id}/rotate`, and answers with the new key.
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

/// Handles `POST /v2/keyward/api_keys/{id}/duplicate`, and answers with the new key and what it
/// lacks of the original.
pub(crate) fn duplicate(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Duplicate = call.members()?;
        let reason = body.reason()?;
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
        let work = Work::passing(command, passes_policy, present).because(reason);
        carry_out(&app, &call, work).await
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

/// Handles `DELETE /v2/keyward/api_keys/{id}`. Users of the key then learn that it is deleted, or
/// with `purge` that it is unknown.
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

/// Shows the key that was changed.
pub(super) fn key_of(app: &Arc<App>) -> Present {
    let app = Arc::clone(app);
    Arc::new(move |reader: &Reader<'_>, outcome: &Outcome<'_>| {
        let id = outcome.keys.first().map_or("", String::as_str);
        // The maker sees whatever it was allowed to make.
        let stored = reader.key(&Scope::everything(), id)?.ok_or_else(|| {
            Failure::new(Code::Internal, "The key is not there after the change.")
        })?;
        let version = stored.version;
        let view = KeyView::read(reader, stored)?;
        Ok(Shown {
            object: view.object(outcome.now, &app)?,
            id: Some(id.to_owned()),
            version: Some(version),
        })
    })
}
