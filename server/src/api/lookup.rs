//! `POST /v2/keyward/api_keys/lookup`: finds the key of a leaked value by its digest. The server
//! never receives the value itself.

use std::sync::Arc;

use keyward::digest::KeyDigest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::key::KeyView;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::Sender;
use crate::service::failure::Stored;
use crate::service::once::{Kept, Once, Replayed};
use crate::store::Tx;
use crate::store::activity::Entry;
use crate::time;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lookup {
    /// 64 hexadecimal digits.
    sha256: String,
}

/// The key, or the earlier answer to the same request.
enum Found {
    Now(Value, u64),
    Before(Replayed),
}

/// Finds the key, and records the search in the trail.
pub(crate) fn lookup(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Lookup = call.members()?;
        let digest = KeyDigest::from_hex(&body.sha256).ok_or_else(|| {
            Failure::new(Code::ParameterInvalid, "Expected 64 hexadecimal digits.").at("sha256")
        })?;
        let (now, fleet) = (time::now(), Arc::clone(&app.fleet));
        let (scope, sender) = (call.caller.scope(), Sender::of(&call));
        let once = Once::of(&call, now);
        let found: Result<_, Stored> = app
            .store
            .write(move |tx: &mut Tx<'_>| {
                if let Some(replayed) = once.replay(tx)? {
                    return Ok(Found::Before(replayed));
                }
                let stored = tx.read().key_of_digest(&scope, &digest)?.ok_or_else(|| {
                    Failure::new(Code::ResourceMissing, "No key has this digest.").at("sha256")
                })?;
                tx.record(Entry {
                    context: Some(stored.key.owner.clone()),
                    root: Some(stored.root.clone()),
                    livemode: Some(stored.key.mode.is_live()),
                    object: Some(("api_key".to_owned(), stored.key.id.clone())),
                    body: json!({"changes": []}),
                    ..sender.of_many("api_key_looked_up", 0, now)
                })?;
                let (id, version) = (stored.key.id.clone(), stored.version);
                let object = KeyView::read(&tx.read(), stored)?.object(now, &fleet)?;
                once.keep(tx, &Kept::Object(&object, Some(&id)))?;
                Ok(Found::Now(object, version))
            })
            .await;
        let (object, version) = match found.map_err(Failure::from)? {
            Found::Before(replayed) => return replayed.answer(),
            Found::Now(object, version) => (object, version),
        };
        Ok(Answer {
            version: Some(version),
            ..Answer::of(&object)?
        })
    })
}
