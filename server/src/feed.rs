//! The feed's two endpoints for gateways: the head, which a poll may wait for, and the objects that it names. A gateway uses an operator's key that has
//! `snapshot` read; the key's label `gateway` names the gateway. On `feed.sock` the user of the process at the other end names it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use keyward::key::Livemode;
use keyward::permission::AccessLevel;
use keyward_files::feed::serve::Claim;
use serde_json::{Value, json};

use crate::app::App;
use crate::caller::Entrance;
use crate::configuration::Group;
use crate::fleet::{Followed, Sender};
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::reply::{refused, request_id};
use crate::identify::{Identified, Need, Unknown, identify};
use crate::permission::Management;
use crate::route::Asked;
use crate::service::failure::Stored;
use crate::store::{Holds, while_holds};

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

/// How polls arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// On the API's socket, through the gateway in front of it, with a key.
    Gateway,
    /// On the feed's own socket, from a user of this machine.
    Socket,
}

/// The gateway that a poll is of.
struct Speaker {
    /// The id of its key, or the user.
    key: String,
    ends: Option<u64>,
    gateway: Option<String>,
    /// Asks whether the key still lets it poll.
    holds: Option<Holds>,
}

/// The endpoints.
pub(crate) fn router(app: &Arc<App>, way: Way) -> Router {
    let (heads, objects) = (Arc::clone(app), Arc::clone(app));
    Router::new()
        .route(
            HEAD,
            get(
                move |ConnectInfo(peer): ConnectInfo<Peer>,
                      Path(group): Path<String>,
                      request: Request| async move {
                    let request = request.into_parts().0;
                    let answered = head(&heads, (way, peer), &group, &request).await;
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
                    let request = request.into_parts().0;
                    let answered = object(&objects, (way, peer), &group, &request).await;
                    told(&objects, OBJECT, answered)
                },
            ),
        )
}

/// The answer goes out only after the store has recorded that the sender receives that head.
async fn head(
    app: &Arc<App>,
    from: (Way, Peer),
    group: &str,
    request: &Parts,
) -> Result<Response, Failure> {
    let speaker = speaker(app, from, request).await?;
    let followed = followed(app, group)?;
    let sender = Sender {
        key: &speaker.key,
        ends: speaker.ends,
        gateway: speaker.gateway.as_deref(),
        group: followed.group,
    };
    let claim = Claim::of(&request.headers);
    let served = followed.feed.head();
    let (_polling, who) = app.fleet.poll(sender, claim.as_ref(), served);
    let polled = followed.feed.answer_poll(&request.headers).await;
    if let Some(holds) = speaker.holds {
        // The poll may have waited.
        let asked: Result<(), Stored> = while_holds(holds, app.store.must_hold()).await;
        asked.map_err(Failure::from)?;
    }
    if let Some(head) = polled.head {
        let handed = app.fleet.hand(&who, followed.group, head).await;
        handed.map_err(|error| Failure::from(Stored::from(error)))?;
    }
    Ok(polled.response)
}

async fn object(
    app: &Arc<App>,
    from: (Way, Peer),
    group: &str,
    request: &Parts,
) -> Result<Response, Failure> {
    speaker(app, from, request).await?;
    let followed = followed(app, group)?;
    Ok(followed.feed.answer_object(request).await)
}

/// Identifies the sender of a request.
async fn speaker(
    app: &Arc<App>,
    (way, peer): (Way, Peer),
    request: &Parts,
) -> Result<Speaker, Failure> {
    match way {
        Way::Gateway => {
            let Identified { caller, holds } = gateway(app, peer, request).await?;
            Ok(Speaker {
                key: caller.id(),
                ends: caller.ends(),
                gateway: caller.gateway().map(str::to_owned),
                holds: Some(holds),
            })
        }
        Way::Socket => of_user(app, peer),
    }
}

/// The gateway of a user of this machine. The kernel reports the user.
fn of_user(app: &App, Peer(peer): Peer) -> Result<Speaker, Failure> {
    let found = peer.and_then(|uid| Some((uid, app.feed_users.get(&uid)?)));
    let Some((uid, gateway)) = found else {
        app.metrics.not_through_gateway();
        return Err(Failure::new(
            Code::NotThroughGateway,
            "This user is not one of `feed.socket.gateways`.",
        ));
    };
    Ok(Speaker {
        key: format!("local:uid={}", uid.shown()),
        ends: None,
        gateway: Some(gateway.clone()),
        holds: None,
    })
}

/// Identifies the caller. A snapshot is about all accounts and both modes, so only the operator's
/// keys of live mode may read it.
async fn gateway(app: &Arc<App>, peer: Peer, request: &Parts) -> Result<Identified, Failure> {
    let caller = identify(app, Entrance::Gateway, peer, NEED, request).await;
    let identified = caller.map_err(|Unknown { failure, .. }| failure)?;
    let caller = &identified.caller;
    let message = if !caller.is_operator() {
        "The feed is for the operator's keys."
    } else if caller.mode() == Some(Livemode::Test) {
        "The feed is for the operator's keys of live mode: it has live keys."
    } else {
        return Ok(identified);
    };
    Err(Failure::new(Code::MorePermissionsRequired, message))
}

fn followed<'a>(app: &'a App, group: &str) -> Result<&'a Followed, Failure> {
    let followed = Group::from_name(group).and_then(|group| app.fleet.feed(group));
    followed.ok_or_else(|| {
        Failure::new(
            Code::ResourceMissing,
            "This server has no feed; `[feed]` in its configuration adds one.",
        )
    })
}

fn told(app: &App, endpoint: &'static str, answered: Result<Response, Failure>) -> Response {
    let response = answered.unwrap_or_else(|failure| refused(&failure, &request_id()));
    let status: StatusCode = response.status();
    app.metrics.answered("GET", endpoint, status);
    response
}
