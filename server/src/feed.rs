//! The feed's two endpoints for gateways: the head, which a poll may wait for, and the objects that it names. A gateway uses an operator's key that has
//! `snapshot` read; the key's label `gateway` names the gateway.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use keyward::permission::AccessLevel;
use keyward_files::feed::serve::Claim;
use serde_json::{Value, json};

use crate::app::App;
use crate::caller::{Caller, Entrance};
use crate::configuration::Group;
use crate::fleet::{Followed, Sender};
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::reply::{refused, request_id};
use crate::identify::{Need, Unknown, identify};
use crate::permission::Management;
use crate::route::Asked;
use crate::service::failure::Stored;

const HEAD: &str = "/feed/{group}/head";
const OBJECT: &str = "/feed/{group}/o/{name}";

/// The permission that a gateway's key needs.
const NEED: Need = Need {
    asked: Asked::One(Management::Snapshot),
    level: AccessLevel::Read,
};

/// The rows that let the gateway in front of this server recognize the endpoints.
pub(crate) fn rows() -> impl Iterator<Item = Value> {
    let permission = Management::Snapshot;
    [HEAD, OBJECT].into_iter().map(move |path| {
        json!({
            "method": "GET", "path": path, "permission": permission.name(),
            "access": NEED.level.name(), "label": permission.label(),
        })
    })
}

/// The endpoints, on the socket of the gateway.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (heads, objects) = (Arc::clone(app), Arc::clone(app));
    Router::new()
        .route(
            HEAD,
            get(
                move |ConnectInfo(peer): ConnectInfo<Peer>,
                      Path(group): Path<String>,
                      request: Request| async move {
                    let answered = head(&heads, peer, &group, &request.into_parts().0).await;
                    told(&heads, HEAD, answered)
                },
            ),
        )
        .route(
            OBJECT,
            get(
                move |ConnectInfo(peer): ConnectInfo<Peer>,
                      Path((group, _)): Path<(String, String)>,
                      request: Request| async move {
                    let answered = object(&objects, peer, &group, &request.into_parts().0).await;
                    told(&objects, OBJECT, answered)
                },
            ),
        )
}

/// The answer goes out only after the store has recorded that the sender receives that head.
async fn head(
    app: &Arc<App>,
    peer: Peer,
    group: &str,
    request: &Parts,
) -> Result<Response, Failure> {
    let caller = gateway(app, peer, request).await?;
    let followed = followed(app, group)?;
    let key = caller.id();
    let sender = Sender {
        key: &key,
        ends: caller.ends(),
        gateway: caller.gateway(),
        group: followed.group,
    };
    let claim = Claim::of(&request.headers);
    let served = followed.feed.head();
    let (_polling, who) = app.fleet.poll(sender, claim.as_ref(), served);
    let polled = followed.feed.answer_poll(&request.headers).await;
    if let Some(head) = polled.head {
        let handed = app.fleet.hand(&who, followed.group, head).await;
        handed.map_err(|error| Failure::from(Stored::from(error)))?;
    }
    Ok(polled.response)
}

async fn object(
    app: &Arc<App>,
    peer: Peer,
    group: &str,
    request: &Parts,
) -> Result<Response, Failure> {
    gateway(app, peer, request).await?;
    let followed = followed(app, group)?;
    Ok(followed.feed.answer_object(request).await)
}

/// Identifies the caller. A snapshot is about all accounts, so only the operator's keys may read it.
async fn gateway(app: &Arc<App>, peer: Peer, request: &Parts) -> Result<Caller, Failure> {
    let caller = identify(app, Entrance::Gateway, peer, NEED, request).await;
    let caller = caller.map_err(|Unknown { failure, .. }| failure)?;
    if caller.is_operator() {
        return Ok(caller);
    }
    Err(Failure::new(
        Code::MorePermissionsRequired,
        "The feed is for the operator's keys.",
    ))
}

fn followed<'a>(app: &'a App, group: &str) -> Result<&'a Followed, Failure> {
    let followed = Group::from_name(group).and_then(|group| app.fleet.feed(group));
    followed.ok_or_else(|| {
        Failure::new(
            Code::ResourceMissing,
            "There is no feed for such gateways; `[feed]` in the server's configuration makes one.",
        )
    })
}

fn told(app: &App, endpoint: &'static str, answered: Result<Response, Failure>) -> Response {
    let response = answered.unwrap_or_else(|failure| refused(&failure, &request_id()));
    let status: StatusCode = response.status();
    app.metrics.answered("GET", endpoint, status);
    response
}
