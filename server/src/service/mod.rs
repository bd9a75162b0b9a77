//! The only caller of `decide`: reads what a command needs, decides, commits, and wakes the publisher. The API calls it, and so will pages.

mod entry;
pub(crate) mod failure;
pub(crate) mod refusal;
pub(crate) mod standing;
mod target;

pub(crate) use entry::Sender;

use std::sync::Arc;

use axum::http::StatusCode;
use keyward::management::{
    Ceiling, Command, Context, Limits, Most, Needs, Note, Override, Secret, decide, needs,
};
use serde_json::{Value, json};

use self::failure::Stored;
use self::target::{Target, haste, is_end, target_of};
use crate::api::shown::{WithToken, propagation};
use crate::app::App;
use crate::http::call::{Answer, Call, written};
use crate::http::conditions::Idempotency;
use crate::http::failure::{Code, Failure};
use crate::publish::Haste;
use crate::randomness::System;
use crate::store::{self, Origin, Reader, Remembered, Scope, Tx};

/// How much the store keeps of texts and lists.
fn limits() -> Limits {
    Limits::of(Most {
        name: 128,
        note: 1_000,
        labels: 20,
        label: 128,
        ips: 200,
        permissions: 300,
        is_line: keyward_files::visible::is_line,
    })
}

/// What is to be done, and how its outcome is shown.
pub(crate) struct Work {
    pub(crate) command: Command,
    /// Whether the policy of the account is passed over.
    pub(crate) passes_policy: Override,
    pub(crate) present: Present,
}

/// Shows what a change came to, as of the change, without any value.
pub(crate) type Present =
    Arc<dyn Fn(&Reader<'_>, &Outcome<'_>) -> Result<Shown, Stored> + Send + Sync>;

/// What a change came to.
pub(crate) struct Outcome<'a> {
    /// The key that the caller is told about.
    pub(crate) key: Option<&'a str>,
    pub(crate) notes: &'a [Note],
    pub(crate) now: u64,
}

/// An object of the API.
pub(crate) struct Shown {
    /// As JSON, without any value.
    pub(crate) object: Value,
    /// The id, of a key or an account: a replay is answered only while the caller may read it.
    pub(crate) id: Option<String>,
    pub(crate) version: Option<u64>,
}

/// What the writing thread hands back.
enum Written {
    Done {
        shown: Shown,
        minted: Option<Secret>,
        change: u64,
        haste: Haste,
    },
    Replayed {
        status: u16,
        body: String,
    },
}

/// Carries out a command, and answers with what it came to.
pub(crate) async fn carry_out(app: &Arc<App>, call: &Call, work: Work) -> Result<Answer, Failure> {
    let now = crate::time::now();
    let order = Order {
        now,
        needs: needs(&work.command),
        scope: call.caller.scope(),
        ceiling: call.caller.ceiling(work.passes_policy),
        sender: Sender::of(call),
        expected_version: call.expected_version,
        idempotency: call.idempotency.clone(),
        command: work.command,
        present: work.present,
    };
    let is_end = is_end(&order.command, now);
    let change = move |tx: &mut Tx<'_>| order.carry_out(tx);
    let written: Result<Written, Stored> = if is_end {
        app.store.end(change).await
    } else {
        app.store.write(change).await
    };
    match written.map_err(Failure::from)? {
        Written::Replayed { status, body } => replayed(status, body),
        Written::Done {
            shown,
            minted,
            change,
            haste,
        } => {
            app.publisher.wake(haste);
            answered(app, call, shown, minted, change).await
        }
    }
}

/// What was answered before. The value of a key that was made here is not in it, and cannot be shown again.
fn replayed(status: u16, body: String) -> Result<Answer, Failure> {
    let object: Value = serde_json::from_str(&body)
        .map_err(|_| Failure::new(Code::Internal, "The answer that was kept cannot be read."))?;
    if let Some(id) = object.get(VALUE_WAS_SHOWN).and_then(Value::as_str) {
        return Err(Failure::new(
            Code::ValueAlreadyReturned,
            format!("This request was carried out before and made the key `{id}`, whose value was shown then and is not kept. If it did not reach you, rotate or expire that key. Requests that send `keyward.sha256` can be repeated."),
        )
        .with("api_key", id));
    }
    Ok(Answer {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        is_replayed: true,
        ..Answer::of(&object)?
    })
}

/// The member of a kept answer that says that a value was shown, and of which key.
const VALUE_WAS_SHOWN: &str = "value_was_shown";

async fn answered(
    app: &Arc<App>,
    call: &Call,
    mut shown: Shown,
    minted: Option<Secret>,
    change: u64,
) -> Result<Answer, Failure> {
    let waited = match call.wait {
        Some(longest) => {
            app.publisher.wait(change, longest).await;
            Some(longest)
        }
        None => None,
    };
    if let Some(keyward) = shown
        .object
        .get_mut("keyward")
        .and_then(Value::as_object_mut)
    {
        let state = app.publisher.state();
        keyward.insert("propagation".to_owned(), propagation(change, state));
    }
    let body = match &minted {
        Some(secret) => written(&WithToken {
            object: &shown.object,
            token: secret.expose(),
        })?,
        None => written(&shown.object)?,
    };
    Ok(Answer {
        version: shown.version,
        change: Some(change),
        waited,
        ..Answer::written(body)
    })
}

/// A command on its way to the thread that writes. It may be carried out more than once, of which the last time counts.
struct Order {
    now: u64,
    command: Command,
    needs: Needs,
    scope: Scope,
    ceiling: Ceiling,
    sender: Sender,
    expected_version: Option<u64>,
    idempotency: Option<Idempotency>,
    present: Present,
}

impl Order {
    fn carry_out(&self, tx: &mut Tx<'_>) -> Result<Written, Stored> {
        if let Some(replayed) = self.replay(tx)? {
            return Ok(replayed);
        }
        let facts = tx.facts(&self.scope, &self.needs, self.now)?;
        self.is_expected(tx)?;
        let context = Context {
            now: self.now,
            actor: &self.sender.actor_name,
            ceiling: &self.ceiling,
            limits: &limits(),
            randomness: &mut System,
        };
        let mut decision = decide(&self.command, &facts, context)?;
        let minted = decision.take_minted();
        tx.apply(
            decision.changes(),
            &Origin {
                source: "api",
                by: Some(&self.sender.actor_name),
                at: self.now,
            },
        )?;
        let entry = entry::of(&self.command, &decision, &facts, &self.sender, self.now);
        let change = tx.record(entry)?.sequence;
        let outcome = Outcome {
            key: decision.key(),
            notes: decision.notes(),
            now: self.now,
        };
        let shown = (self.present)(&tx.read(), &outcome)?;
        self.remember(tx, &shown, minted.is_some())?;
        Ok(Written::Done {
            shown,
            minted,
            change,
            haste: haste(decision.changes()),
        })
    }

    /// What was answered to the same request, if it was carried out.
    fn replay(&self, tx: &mut Tx<'_>) -> Result<Option<Written>, Stored> {
        let Some(one) = &self.idempotency else {
            return Ok(None);
        };
        let found = tx.remembered(&one.principal, &one.key, &one.fingerprint, self.now)?;
        match found {
            Remembered::New => Ok(None),
            Remembered::Other => Err(Failure::new(
                Code::IdempotencyKeyReused,
                "This `Idempotency-Key` was sent with another request.",
            )
            .into()),
            Remembered::Same {
                status,
                body,
                object_id,
            } => {
                // Only while the caller may read what it shows.
                if let Some(id) = &object_id
                    && !(self.is_visible(tx, id)?)
                {
                    return Err(refusal::missing("object", id).into());
                }
                Ok(Some(Written::Replayed { status, body }))
            }
        }
    }

    fn is_visible(&self, tx: &mut Tx<'_>, id: &str) -> Result<bool, Stored> {
        let reader = tx.read();
        Ok(reader.key(&self.scope, id)?.is_some() || reader.account(&self.scope, id)?.is_some())
    }

    fn remember(&self, tx: &mut Tx<'_>, shown: &Shown, is_minted: bool) -> Result<(), Stored> {
        let Some(one) = &self.idempotency else {
            return Ok(());
        };
        let body = if is_minted {
            json!({VALUE_WAS_SHOWN: shown.id}).to_string()
        } else {
            shown.object.to_string()
        };
        let is_kept = tx.remember(&store::Answer {
            principal: &one.principal,
            key: &one.key,
            fingerprint: &one.fingerprint,
            status: 200,
            body: &body,
            object_id: shown.id.as_deref(),
            at: self.now,
        })?;
        // Without the promise that goes with the header, the request is not carried out.
        if is_kept {
            return Ok(());
        }
        Err(Failure::new(
            Code::RateLimited,
            "This API key has sent 10,000 requests with an `Idempotency-Key` within 30 days.",
        )
        .retry_after(60)
        .into())
    }

    /// Whether the object is still what the caller last saw.
    fn is_expected(&self, tx: &mut Tx<'_>) -> Result<(), Stored> {
        let Some(expected) = self.expected_version else {
            return Ok(());
        };
        let reader = tx.read();
        let current = match target_of(&self.command) {
            Some(Target::Key(id)) => reader.key(&self.scope, id)?.map(|key| key.version),
            Some(Target::Account(id)) => reader
                .account(&self.scope, id)?
                .map(|account| account.version),
            None => None,
        };
        match current {
            Some(current) if current != expected => Err(Failure::new(
                Code::ResourceChanged,
                format!("The object was changed since: it is at version {current}."),
            )
            .with("version", current)
            .into()),
            Some(_) | None => Ok(()),
        }
    }
}
