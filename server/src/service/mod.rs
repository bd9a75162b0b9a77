//! The only caller of `decide`: reads what a command needs, decides, commits, and wakes the publisher. The API calls it, and so will pages.

mod entry;
pub(crate) mod failure;
pub(crate) mod refusal;
pub(crate) mod standing;
pub(crate) mod step;
mod target;

use std::sync::Arc;

use axum::http::StatusCode;
use keyward::management::{Ceiling, Command, Note, Override, Secret};
use serde_json::{Value, json};

pub(crate) use entry::Sender;

use self::failure::Stored;
use self::step::{Bounds, step};
use self::target::{Target, is_end, target_of};
use crate::api::shown::{WithTokens, propagation};
use crate::app::App;
use crate::http::call::{Answer, Call, written};
use crate::http::conditions::Idempotency;
use crate::http::failure::{Code, Failure};
use crate::publish::Haste;
use crate::store::{self, Reader, Remembered, Scope, Tx};

/// What is to be done, one after the other in one transaction, and how its outcome is shown.
pub(crate) struct Work {
    pub(crate) commands: Vec<(Command, Override)>,
    pub(crate) present: Present,
    /// What must hold when they are carried out.
    pub(crate) guard: Option<Guard>,
}

/// Looks at the store before a change, in the same transaction.
pub(crate) type Guard = Arc<dyn Fn(&Reader<'_>) -> Result<(), Stored> + Send + Sync>;

impl Work {
    /// One command, within the policy.
    pub(crate) fn of(command: Command, present: Present) -> Self {
        Self::passing(command, Override::None, present)
    }

    /// One command, which may pass over the policy.
    pub(crate) fn passing(command: Command, passes_policy: Override, present: Present) -> Self {
        Self {
            commands: vec![(command, passes_policy)],
            present,
            guard: None,
        }
    }

    /// The same, if this holds.
    pub(crate) fn guarded(self, guard: Guard) -> Self {
        Self {
            guard: Some(guard),
            ..self
        }
    }
}

/// Shows what a change came to, as of the change, without any value.
pub(crate) type Present =
    Arc<dyn Fn(&Reader<'_>, &Outcome<'_>) -> Result<Shown, Stored> + Send + Sync>;

/// What the commands came to.
pub(crate) struct Outcome<'a> {
    /// The keys that the caller is told about.
    pub(crate) keys: &'a [String],
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
    Done(Done),
    Replayed { status: u16, body: String },
}

struct Done {
    shown: Shown,
    /// The values that were made, by the ids of their keys.
    minted: Vec<(String, Secret)>,
    change: u64,
    haste: Haste,
}

/// Carries out commands, and answers with what they came to.
pub(crate) async fn carry_out(app: &Arc<App>, call: &Call, work: Work) -> Result<Answer, Failure> {
    let now = crate::time::now();
    let is_end = work.commands.iter().all(|(one, _)| is_end(one, now));
    let order = Order {
        now,
        scope: call.caller.scope(),
        sender: Sender::of(call),
        expected_version: call.expected_version,
        idempotency: call.idempotency.clone(),
        steps: work
            .commands
            .into_iter()
            .map(|(command, passes)| (command, call.caller.ceiling(passes)))
            .collect(),
        present: work.present,
        guard: work.guard,
    };
    let change = move |tx: &mut Tx<'_>| order.carry_out(tx);
    let written: Result<Written, Stored> = if is_end {
        app.store.end(change).await
    } else {
        app.store.write(change).await
    };
    match written.map_err(Failure::from)? {
        Written::Replayed { status, body } => replayed(status, &body),
        Written::Done(done) => {
            app.publisher.wake(done.haste);
            answered(app, call, done).await
        }
    }
}

/// What was answered before. The value of a key that was made here is not in it, and cannot be shown again.
fn replayed(status: u16, body: &str) -> Result<Answer, Failure> {
    let object: Value = serde_json::from_str(body)
        .map_err(|_| Failure::new(Code::Internal, "The answer that was kept cannot be read."))?;
    if let Some(id) = object.get(VALUE_WAS_SHOWN).and_then(Value::as_str) {
        return Err(Failure::new(
            Code::ValueAlreadyReturned,
            format!("This request was carried out before and made the key '{id}', whose value was shown then and is not kept. If it did not reach you, rotate or expire that key. Requests that send `keyward.sha256` can be repeated."),
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

async fn answered(app: &Arc<App>, call: &Call, done: Done) -> Result<Answer, Failure> {
    let Done {
        mut shown,
        minted,
        change,
        haste: _,
    } = done;
    if let Some(longest) = call.wait {
        app.publisher.wait(change, longest).await;
    }
    let members = shown.object.get_mut("keyward");
    if let Some(members) = members.and_then(Value::as_object_mut) {
        let state = app.publisher.state();
        members.insert("propagation".to_owned(), json!(propagation(change, state)));
    }
    let body = written(&WithTokens {
        value: &shown.object,
        tokens: &minted,
    })?;
    Ok(Answer {
        version: shown.version,
        change: Some(change),
        waited: call.wait,
        ..Answer::written(body)
    })
}

/// Commands on their way to the thread that writes. They may be carried out more than once, of which the last time counts.
struct Order {
    now: u64,
    steps: Vec<(Command, Ceiling)>,
    scope: Scope,
    sender: Sender,
    expected_version: Option<u64>,
    idempotency: Option<Idempotency>,
    present: Present,
    guard: Option<Guard>,
}

impl Order {
    fn carry_out(&self, tx: &mut Tx<'_>) -> Result<Written, Stored> {
        if let Some(replayed) = self.replay(tx)? {
            return Ok(replayed);
        }
        self.is_expected(tx)?;
        if let Some(guard) = &self.guard {
            guard(&tx.read())?;
        }
        let (mut keys, mut notes, mut minted) = (Vec::new(), Vec::new(), Vec::new());
        let (mut change, mut haste) = (tx.head().sequence, Haste::Soon);
        for (command, ceiling) in &self.steps {
            let bounds = Bounds {
                scope: &self.scope,
                ceiling,
                sender: &self.sender,
                source: "api",
                now: self.now,
            };
            let done = step(tx, command, &bounds)?;
            change = done.change;
            if done.haste == Haste::AtOnce {
                haste = Haste::AtOnce;
            }
            notes.extend(done.notes);
            if let (Some(key), Some(secret)) = (&done.key, done.minted) {
                minted.push((key.clone(), secret));
            }
            keys.extend(done.key);
        }
        let outcome = Outcome {
            keys: &keys,
            notes: &notes,
            now: self.now,
        };
        let shown = (self.present)(&tx.read(), &outcome)?;
        let first = minted.first().map(|(id, _)| id.as_str());
        self.remember(tx, &shown, first)?;
        Ok(Written::Done(Done {
            shown,
            minted,
            change,
            haste,
        }))
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

    fn remember(&self, tx: &mut Tx<'_>, shown: &Shown, minted: Option<&str>) -> Result<(), Stored> {
        let Some(one) = &self.idempotency else {
            return Ok(());
        };
        let body = match minted {
            Some(id) => json!({VALUE_WAS_SHOWN: id}).to_string(),
            None => shown.object.to_string(),
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
        let target = self
            .steps
            .first()
            .and_then(|(command, _)| target_of(command));
        let current = match target {
            Some(Target::Key(id)) => reader.key(&self.scope, id)?.map(|key| key.version),
            Some(Target::Account(id)) => reader
                .account(&self.scope, id)?
                .map(|account| account.version),
            None => None,
        };
        match current {
            Some(current) => Ok(refusal::is_version(current, Some(expected))?),
            None => Ok(()),
        }
    }
}
