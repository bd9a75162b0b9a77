//! `POST /v2/keyward/api_keys/lookup`: whose key is it, by the digest of a value that was found somewhere. The value itself never comes here.

use std::sync::Arc;

use keyward::digest::KeyDigest;
use serde::Deserialize;
use serde_json::json;

use super::key::KeyView;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::store::Tx;
use crate::store::activity::Entry;
use crate::time;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lookup {
    /// 64 hexadecimal digits.
    sha256: String,
}

/// Finds the key, and writes into the trail that somebody looked.
pub(crate) fn lookup(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let body: Lookup = call.members()?;
        let digest = KeyDigest::from_hex(&body.sha256).ok_or_else(|| {
            Failure::new(Code::ParameterInvalid, "Expected 64 hexadecimal digits.").at("sha256")
        })?;
        let (now, published) = (time::now(), app.publisher.state());
        let (scope, actor) = (call.caller.scope(), call.caller.actor());
        let address = call.caller.address.map(|address| address.to_string());
        let request_id = call.request_id.clone();
        let found: Result<_, Stored> = app
            .store
            .write(move |tx: &mut Tx<'_>| {
                let stored = tx.read().key_of_digest(&scope, &digest)?.ok_or_else(|| {
                    Failure::new(Code::ResourceMissing, "No key has this digest.").at("sha256")
                })?;
                tx.record(Entry {
                    at: now,
                    kind: "api_key_looked_up".to_owned(),
                    group: "api_key".to_owned(),
                    context: Some(stored.key.owner.clone()),
                    root: Some(stored.root.clone()),
                    livemode: Some(stored.key.mode.is_live()),
                    object: Some(("api_key".to_owned(), stored.key.id.clone())),
                    actor: actor.clone(),
                    session: None,
                    address: address.clone(),
                    request_id: Some(request_id.clone()),
                    body: json!({"changes": []}),
                })?;
                let version = stored.version;
                let object = KeyView::read(&tx.read(), stored)?.object(now, published)?;
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
