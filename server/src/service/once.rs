//! Requests with an `Idempotency-Key` are carried out once: what was answered is kept in the transaction of the effect.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::failure::Stored;
use super::refusal;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::conditions::Idempotency;
use crate::http::failure::{Code, Failure};
use crate::store::{self, Remembered, Scope, Tx};

/// The member of a kept answer that names the key whose value was shown.
const VALUE_WAS_SHOWN: &str = "value_was_shown";

/// A request that may have been carried out before.
#[derive(Clone)]
pub(crate) struct Once {
    idempotency: Option<Idempotency>,
    scope: Scope,
    now: u64,
    is_end: bool,
}

/// What is kept of an answer.
pub(crate) enum Kept<'a> {
    /// The object, and the id that a replay uses to ask whether the caller may still read it.
    Object(&'a Value, Option<&'a str>),
    /// A value of that key was shown, which is not kept, with the same id.
    Value(&'a str, Option<&'a str>),
}

/// What was answered before.
pub(crate) struct Replayed {
    status: u16,
    body: String,
}

impl Once {
    pub(crate) fn of(call: &Call, now: u64) -> Self {
        Self {
            idempotency: call.idempotency.clone(),
            scope: call.caller.scope(),
            now,
            is_end: false,
        }
    }

    /// The same for work that does nothing but end something. It is carried out even if there is no
    /// room for its answer.
    pub(crate) fn of_an_end(self) -> Self {
        Self {
            is_end: true,
            ..self
        }
    }

    /// What was answered to the same request, if it was carried out.
    pub(crate) fn replay(&self, tx: &mut Tx<'_>) -> Result<Option<Replayed>, Stored> {
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
                Ok(Some(Replayed { status, body }))
            }
        }
    }

    /// The same, in a separate transaction. No other request with that key is being carried out meanwhile.
    pub(crate) async fn answered(&self, app: &App) -> Result<Option<Answer>, Failure> {
        if self.idempotency.is_none() {
            return Ok(None);
        }
        let once = self.clone();
        let seen: Result<_, Stored> = app.store.end(move |tx| once.replay(tx)).await;
        let seen = seen.map_err(Failure::from)?;
        seen.map(|replayed| replayed.answer()).transpose()
    }

    fn is_visible(&self, tx: &mut Tx<'_>, id: &str) -> Result<bool, Stored> {
        let reader = tx.read();
        Ok(reader.key(&self.scope, id)?.is_some() || reader.account(&self.scope, id)?.is_some())
    }

    /// Keeps an answer, if there is room for it.
    pub(crate) fn keep(&self, tx: &mut Tx<'_>, kept: &Kept<'_>) -> Result<(), Stored> {
        let Some(one) = &self.idempotency else {
            return Ok(());
        };
        let (body, object_id) = match kept {
            Kept::Object(object, id) => (object.to_string(), *id),
            Kept::Value(key, id) => (json!({VALUE_WAS_SHOWN: key}).to_string(), *id),
        };
        let is_kept = tx.remember(&store::Answer {
            principal: &one.principal,
            key: &one.key,
            fingerprint: &one.fingerprint,
            status: 200,
            body: &body,
            object_id,
            at: self.now,
        })?;
        // Without the promise that goes with the header, the request is not carried out. An end is:
        // no number of earlier requests may hold it up, and to repeat it does no harm.
        if is_kept || self.is_end {
            return Ok(());
        }
        Err(Failure::new(
            Code::RateLimited,
            "This API key has sent 10,000 requests with an `Idempotency-Key` within 30 days.",
        )
        .retry_after(60)
        .into())
    }
}

impl Replayed {
    /// The answer again. The value of a key that was made here is not in it, and cannot be shown again.
    pub(crate) fn answer(&self) -> Result<Answer, Failure> {
        let object: Value = serde_json::from_str(&self.body).map_err(|_| {
            Failure::new(Code::Internal, "The answer that was kept cannot be read.")
        })?;
        if let Some(id) = object.get(VALUE_WAS_SHOWN).and_then(Value::as_str) {
            if is_session(id) {
                return Err(Failure::new(
                    Code::ValueAlreadyReturned,
                    format!("This request was carried out before and made the link of '{id}', which was shown then and is not kept. Make another."),
                )
                .with("session", id));
            }
            return Err(Failure::new(
                Code::ValueAlreadyReturned,
                format!("This request was carried out before and made the key '{id}', whose value was shown then and is not kept. If it did not reach you, rotate or expire that key. Requests that send `keyward.sha256` can be repeated."),
            )
            .with("api_key", id));
        }
        Ok(Answer {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            is_replayed: true,
            ..Answer::of(&object)?
        })
    }
}

/// Whether an id is a session's: keys are called `mk_…`, or as their makers say.
fn is_session(id: &str) -> bool {
    id.starts_with("cs_") || id.starts_with("ps_")
}
