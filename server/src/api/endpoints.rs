//! `/v2/keyward/endpoints`: the rows and versions of the API that the gateways protect, as one
//! document.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::Document;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::publish::Haste;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::standing::is_ours;
use crate::service::{Sender, hold, refusal};
use crate::shown::value;
use crate::store::{DocumentName, Reader, Tx};
use crate::time;

const OPERATORS: &str = "The endpoints are seen and changed by the operator's keys.";

/// All of the document. The rows of this server's own endpoints are kept separately.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoints {
    /// The versions that are served; every one where none is named.
    #[serde(default)]
    api_versions: Vec<String>,
    /// `stripe` or `none`.
    catalogue: Option<String>,
    /// Rows as in a snapshot (docs/snapshot.schema.json).
    #[schema(value_type = Vec<Object>)]
    endpoints: Vec<Value>,
}

/// Handles `GET /v2/keyward/endpoints`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        let read: Result<(Value, u64), Stored> =
            app.store.read(|reader: &Reader<'_>| shown(reader)).await;
        let (object, version) = read.map_err(Failure::from)?;
        Ok(Answer {
            version: Some(version),
            ..Answer::of(&object)?
        })
    })
}

/// Handles `PUT /v2/keyward/endpoints`. The server first compiles a snapshot with the document, and
/// keeps it only if a gateway would load the snapshot.
pub(crate) fn replace(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.live_operators_only(
            OPERATORS,
            "Endpoints are changed by the operator's keys of live mode: a change reaches live keys.",
        )?;
        let body: Endpoints = call.members()?;
        let expected = call.required_version()?;
        if body.endpoints.iter().any(is_ours) {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "Rows below /v2/iam/, /v2/keyward/ and /feed/{group}/ are this server's own.",
            )
            .at("endpoints"));
        }
        let (sender, now) = (Sender::of(&call), time::now());
        let wanted = body.document();
        let written: Result<(Value, u64, u64), Stored> = app
            .store
            .write(move |tx: &mut Tx<'_>| {
                let before = tx.read().document(DocumentName::Endpoints)?;
                let version = before.as_ref().map_or(0, |document| document.version);
                refusal::is_version(version, Some(expected))?;
                let mut document = wanted.clone();
                let rows = before
                    .as_ref()
                    .and_then(|before| before.body.get("endpoints"))
                    .and_then(Value::as_array);
                let ours = rows
                    .into_iter()
                    .flatten()
                    .filter(|row| is_ours(row))
                    .cloned();
                if let Some(all) = document.get_mut("endpoints").and_then(Value::as_array_mut) {
                    all.extend(ours);
                }
                tx.put_document(DocumentName::Endpoints, &Value::Object(document))?;
                tx.read().trial_of_endpoints()?.map_err(|why| {
                    Failure::new(
                        Code::ParameterInvalid,
                        format!("A gateway would refuse the snapshot with these rows: {why}."),
                    )
                    .at("endpoints")
                })?;
                let change = tx
                    .record(sender.of_document("configuration_updated", "endpoints", now))?
                    .sequence;
                let (object, version) = shown(&tx.read())?;
                Ok((object, version, change))
            })
            .await;
        let (object, version, change) = written.map_err(Failure::from)?;
        app.publisher.wake(Haste::AtOnce);
        let waited = hold::as_preferred(&app, &call, change).await;
        Ok(Answer {
            version: Some(version),
            change: Some(change),
            waited,
            ..Answer::of(&object)?
        })
    })
}

impl Endpoints {
    fn document(self) -> Map<String, Value> {
        let mut document = Map::new();
        if !self.api_versions.is_empty() {
            document.insert("api_versions".to_owned(), json!(self.api_versions));
        }
        if let Some(catalogue) = self.catalogue {
            document.insert("catalogue".to_owned(), json!(catalogue));
        }
        document.insert("endpoints".to_owned(), Value::Array(self.endpoints));
        document
    }
}

/// Returns the document without this server's own rows, and its version.
fn shown(reader: &Reader<'_>) -> Result<(Value, u64), Stored> {
    let document = reader.document(DocumentName::Endpoints)?;
    let version = document.as_ref().map_or(0, |document| document.version);
    let mut body = document
        .and_then(|document| document.body.as_object().cloned())
        .unwrap_or_default();
    if let Some(rows) = body.get_mut("endpoints").and_then(Value::as_array_mut) {
        rows.retain(|row| !is_ours(row));
    }
    let object = value(Document {
        body,
        name: "endpoints",
        object: "keyward.document",
        version,
    })?;
    Ok((object, version))
}
