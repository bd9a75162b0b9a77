//! `/v2/keyward/gateways`: the gateways that follow the feed, and how far each has come.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::app::App;
use crate::fleet::{Forgotten, Gateway};
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Sender, refusal};
use crate::store::activity::Entry;
use crate::time;

const OPERATORS: &str = "Gateways are shown to the operator's keys.";

/// A gateway, as polls with its own key show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GatewayObject {
    /// The versions of the filter that its VMs run.
    filter_versions: Vec<String>,
    /// Whether some polls with its key came from other programs than its VMs: not from a filter, or with another gateway's name.
    has_strangers: bool,
    /// The end of the key that it used last, if the key ends.
    key_expires_at: Option<String>,
    group: &'static str,
    last_poll: Option<String>,
    /// From when on its VMs that lack the newest revision deny by themselves.
    latest_by: Option<String>,
    name: String,
    object: &'static str,
    refused_at: Option<String>,
    /// What a VM says is wrong.
    refused_for: Option<String>,
    refused_revision: Option<u64>,
    /// The lowest revision that one of its VMs serves.
    revision: Option<u64>,
    /// `serving`, `behind`, `silent` or `refused`: the worst of its VMs.
    state: &'static str,
    /// The newest revision.
    wanted: Option<u64>,
    workers: Workers,
}

/// Each worker has a VM, and so has Envoy's main thread.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workers {
    all: usize,
    /// Those that serve the newest revision.
    serving: usize,
    /// Those that ask no more.
    silent: usize,
}

/// A gateway that was forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForgottenGateway {
    /// Whether none of its VMs is left.
    deleted: bool,
    name: String,
    object: &'static str,
    workers: ForgottenWorkers,
}

/// Its VMs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForgottenWorkers {
    forgotten: usize,
    /// Those that still ask.
    left: usize,
}

fn shown(gateway: Gateway) -> GatewayObject {
    let (refused_for, refused_revision, refused_at) = match gateway.refused {
        Some((word, revision, at)) => (Some(word), Some(revision), Some(time::written(at))),
        None => (None, None, None),
    };
    GatewayObject {
        filter_versions: gateway.versions,
        has_strangers: gateway.has_nameless,
        key_expires_at: gateway.key_ends.map(time::written),
        group: gateway.group.name(),
        last_poll: gateway.last_poll.map(time::written),
        latest_by: gateway.latest_by.map(time::written),
        name: gateway.name,
        object: "keyward.gateway",
        refused_at,
        refused_for,
        refused_revision,
        revision: gateway.revision,
        state: gateway.state.name(),
        wanted: gateway.wanted,
        workers: Workers {
            all: gateway.all,
            serving: gateway.serving,
            silent: gateway.silent,
        },
    }
}

/// Handles `GET /v2/keyward/gateways`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        let all: Vec<GatewayObject> = app.fleet.gateways().into_iter().map(shown).collect();
        Answer::of(&json!({"data": all, "next_page_url": null, "previous_page_url": null}))
    })
}

/// Handles `GET /v2/keyward/gateways/{name}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        let mut all = app.fleet.gateways().into_iter();
        let found = all.find(|gateway| gateway.name == call.target);
        let found = found.ok_or_else(|| missing(&call))?;
        Answer::of(&shown(found))
    })
}

/// Handles `DELETE /v2/keyward/gateways/{name}`. It relies on the caller's word that silent VMs are
/// gone.
pub(crate) fn forget(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.live_operators_only(
            OPERATORS,
            "Gateways are forgotten by the operator's keys of live mode: they also serve live keys.",
        )?;
        let now = time::now();
        let entry = Entry {
            group: "gateway".to_owned(),
            object: Some(("gateway".to_owned(), call.target.clone())),
            body: json!({"changes": []}),
            ..Sender::of(&call).of_many("gateway_forgotten", 0, now)
        };
        let forgotten = app.fleet.forget(&call.target, entry).await;
        let forgotten = forgotten.map_err(|error| Failure::from(Stored::from(error)))?;
        let Forgotten { gone, left } = forgotten.ok_or_else(|| missing(&call))?;
        if gone == 0 {
            return Err(Failure::new(
                Code::GatewayInUse,
                "Every worker of this gateway still asks for the feed. Stop it, or end its key, and wait for half a minute.",
            ));
        }
        Answer::of(&ForgottenGateway {
            deleted: left == 0,
            name: call.target.clone(),
            object: "keyward.gateway",
            workers: ForgottenWorkers {
                forgotten: gone,
                left,
            },
        })
    })
}

fn missing(call: &Call) -> Failure {
    refusal::missing("gateway", &call.target)
}
