//! `POST /v2/keyward/api_keys/import`: imports existing keys by the digests of their values. It
//! accepts no raw values.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keyward::digest::KeyDigest;
use keyward::management::{Command, ImportKey, Key, RecordChange};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{ImportResult, ImportResults};
use super::new_key::{Asked, NewKey};
use crate::app::App;
use crate::caller::Caller;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::publish::Haste;
use crate::route::Pending;
use crate::service::Sender;
use crate::service::bounds::{Bounds, reason};
use crate::service::failure::Stored;
use crate::service::hold;
use crate::service::once::{Kept, Once, Replayed};
use crate::service::step::{decided, step};
use crate::shown::value;
use crate::store::Tx;
use crate::time;
use keyward::invariant::Held;

/// The maximum number of rows in a request.
const MOST: usize = 1_000;

/// Keys to take in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Import {
    keys: Vec<Value>,
    /// Whether one row that is refused takes back all: so it is unless `false` is sent.
    atomic: Option<bool>,
}

/// The results of all rows, or the earlier answer to the same request.
enum Done {
    Now(Value, u64),
    Before(Replayed),
}

/// A row that was read, or the reason why it could not be.
type Row = Result<(Command, keyward::management::Override), Failure>;

pub(crate) fn import(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Import = call.members()?;
        if body.keys.is_empty() || body.keys.len() > MOST {
            return Err(Failure::new(
                Code::ParameterInvalid,
                format!("Send 1 to {MOST} keys in a request."),
            )
            .at("keys"));
        }
        let is_atomic = body.atomic != Some(false);
        let rows: Vec<Row> = body
            .keys
            .into_iter()
            .map(|row| read(row, &call.caller))
            .collect();
        let (caller, scope, now) = (call.caller.clone(), call.caller.scope(), time::now());
        let (sender, quota) = (Sender::of(&call), Arc::clone(&app.quota));
        let once = Once::of(&call, now);
        let done: Result<Done, Stored> = app
            .store
            .write(move |tx: &mut Tx<'_>| {
                if let Some(replayed) = once.replay(tx)? {
                    return Ok(Done::Before(replayed));
                }
                let mut results = Vec::with_capacity(rows.len());
                let mut refused = false;
                for (index, row) in rows.iter().enumerate() {
                    let result = match row {
                        Err(failure) => Err(failure.clone()),
                        Ok((command, passes)) => {
                            let reason = reason(passes);
                            let ceiling = caller.ceiling(passes.clone());
                            let bounds = Bounds {
                                scope: &scope,
                                ceiling: &ceiling,
                                sender: &sender,
                                reason: reason.as_deref(),
                                quota: Some(&quota),
                                source: "import",
                                file: None,
                                now,
                            };
                            take_in(tx, command, &bounds)?
                        }
                    };
                    refused |= result.is_err();
                    results.push(shown(index, &result));
                }
                if refused && is_atomic {
                    return Err(Failure::new(
                        Code::ParameterInvalid,
                        "A row was refused, so none was taken in. The rows and why are in `error.keyward.results`.",
                    )
                    .at("keys")
                    .with("results", json!(results))
                    .into());
                }
                let object = value(ImportResults { results })?;
                once.keep(tx, &Kept::Object(&object, None))?;
                Ok(Done::Now(object, tx.head().sequence))
            })
            .await;
        let (object, change) = match done.map_err(Failure::from)? {
            Done::Before(replayed) => return replayed.answer(),
            Done::Now(object, change) => (object, change),
        };
        app.publisher.wake(Haste::Soon);
        let waited = hold::as_preferred(&app, &call, change).await;
        Ok(Answer {
            change: Some(change),
            waited,
            ..Answer::of(&object)?
        })
    })
}

/// The result of a row: a new key, or an existing one with the same members.
enum TakenIn {
    Created(String),
    Exists(String),
}

fn take_in(
    tx: &mut Tx<'_>,
    command: &Command,
    bounds: &Bounds<'_>,
) -> Result<Result<TakenIn, Failure>, Stored> {
    if let Command::ImportKey(import) = command
        && let Some(stored) = tx
            .read()
            .key_of_digest(bounds.scope, &import.value.digest())?
    {
        let wanted = match decided(tx, command, bounds, true) {
            Ok(changes) => changes,
            Err(Stored::Refused(failure)) => return Ok(Err(failure)),
            Err(Stored::Store(error)) => return Err(error.into()),
        };
        let mut added = wanted.iter().filter_map(RecordChange::added_key);
        let is_same = added.any(|key| says_the_same(key, &stored.key));
        if is_same {
            return Ok(Ok(TakenIn::Exists(stored.key.id)));
        }
    }
    match step(tx, command, bounds) {
        Ok(done) => Ok(Ok(TakenIn::Created(done.key.held("an import makes a key")))),
        Err(Stored::Refused(failure)) => Ok(Err(failure)),
        Err(Stored::Store(error)) => Err(error.into()),
    }
}

/// Returns whether two records of a key are the same, except for what the store adds and what
/// changes with time.
fn says_the_same(wanted: &Key, stored: &Key) -> bool {
    let own = [
        "id",
        "created",
        "created_by",
        "last4",
        "replaces",
        "replaced_by",
    ];
    let differences = wanted.differences(stored);
    differences.iter().all(|name| own.contains(name))
}

fn shown(index: usize, result: &Result<TakenIn, Failure>) -> ImportResult {
    let (error, id, result) = match result {
        Ok(TakenIn::Created(id)) => (None, Some(id.clone()), "created"),
        Ok(TakenIn::Exists(id)) => (None, Some(id.clone()), "exists"),
        Err(failure) => (failure.body().get("error").cloned(), None, "refused"),
    };
    ImportResult {
        error,
        id,
        index,
        result,
    }
}

/// Reads a row: the body of a new key, with its digest in hexadecimal or base64, and the time when
/// it was made.
fn read(mut row: Value, caller: &Caller) -> Row {
    let members = row
        .as_object_mut()
        .ok_or_else(|| Failure::new(Code::ParameterInvalid, "A row is an object."))?;
    let digest = members.remove("sha256");
    let digest = digest
        .as_ref()
        .and_then(Value::as_str)
        .and_then(digest_of)
        .ok_or_else(|| {
            Failure::new(
                Code::ParameterInvalid,
                "Expected SHA-256 as 64 hexadecimal digits or in base64.",
            )
            .at("sha256")
        })?;
    let created = match members.remove("created") {
        None | Some(Value::Null) => None,
        Some(text) => Some(text.as_str().and_then(time::read).ok_or_else(|| {
            Failure::new(Code::ParameterInvalid, "Expected a time.").at("created")
        })?),
    };
    if !members.contains_key("type") {
        let is_publishable = members
            .get("keyward")
            .and_then(|members| members.get("kind"))
            .is_some_and(|kind| kind == "publishable");
        let of_type = if is_publishable {
            "publishable_key"
        } else {
            "secret_key"
        };
        members.insert("type".to_owned(), json!(of_type));
    }
    let new: NewKey = serde_json::from_value(row).map_err(|_| {
        Failure::new(
            Code::ParameterInvalid,
            "The row is not of the form of a new key.",
        )
    })?;
    let Asked {
        create,
        passes_policy,
    } = new.command(caller)?;
    let kind = create.kind.unwrap_or(keyward::key::KeyKind::Restricted);
    let command = Command::ImportKey(ImportKey {
        owner: create.owner,
        value: keyward::management::ImportedValue::digest_of(digest, kind, create.mode),
        id: create.id,
        allow_short: false,
        grants: create.grants,
        connect_grants: create.connect_grants,
        details: create.details,
        created,
    });
    Ok((command, passes_policy))
}

fn digest_of(text: &str) -> Option<KeyDigest> {
    KeyDigest::from_hex(text).or_else(|| {
        let trimmed = text.trim_end_matches('=');
        let bytes = STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(trimmed))
            .ok()?;
        Some(KeyDigest::from_bytes(bytes.try_into().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_others_keep_them() {
        let digest = KeyDigest::of(b"abc");
        assert_eq!(digest_of(&digest.to_string()), Some(digest));
        let base64 = STANDARD.encode(digest.as_bytes());
        assert_eq!(digest_of(&base64), Some(digest));
        assert_eq!(
            digest_of(&URL_SAFE_NO_PAD.encode(digest.as_bytes())),
            Some(digest)
        );
        for none in ["", "ab", base64.split_at(40).0, "sk_test_FAKE-alice-0001"] {
            assert_eq!(digest_of(none), None, "{none}");
        }
    }
}
