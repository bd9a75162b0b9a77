//! Who tried what it may not do: a row of the trail, at most one a minute and principal.

use std::time::Instant;

use axum::http::StatusCode;

use super::failure::Stored;
use super::sender::Sender;
use crate::app::App;
use crate::http::failure::Failure;
use crate::http::rate::{Class, Rate};
use crate::store::Tx;

/// One a minute.
const RATE: Rate = Rate {
    per_second: 1.0 / 60.0,
    burst: 1.0,
};

/// Writes the row of a refusal, where it is one that the trail keeps. The answer does not hang on it.
pub(crate) async fn note(app: &App, sender: Sender, failure: &Failure, endpoint: &'static str) {
    if failure.status() != StatusCode::FORBIDDEN {
        return;
    }
    let principal = &sender.actor_name;
    let taken = app
        .buckets
        .take(principal, Class::Refusal, RATE, Instant::now());
    if taken.is_err() {
        return;
    }
    let (code, now) = (failure.name(), crate::time::now());
    let written: Result<(), Stored> = app
        .store
        .write(move |tx: &mut Tx<'_>| {
            tx.record(sender.of_refused(code, endpoint, now))?;
            Ok(())
        })
        .await;
    if let Err(error) = written {
        tracing::error!(?error, "a refusal is not in the trail");
    }
}
