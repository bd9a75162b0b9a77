//! `GET /v2/keyward/profile`: the names and prefixes of the API that the keys are for, for a caller
//! that makes values itself.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answers::ProfileObject;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::store::{DocumentName, Reader};

pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.no_parameters()?;
        let read: Result<_, Stored> = app
            .store
            .read(|reader: &Reader<'_>| Ok(reader.document(DocumentName::Configuration)?))
            .await;
        let settings = read.map_err(Failure::from)?;
        let profile = settings.and_then(|settings| settings.body.get("profile").cloned());
        Answer::of(&ProfileObject {
            object: "keyward.profile",
            profile: profile.unwrap_or_else(|| Value::Object(Map::new())),
        })
    })
}
