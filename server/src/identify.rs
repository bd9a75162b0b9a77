//! Identifies the caller. The gateway authenticates a request, and the server believes it only if all conditions of the contract hold. The store contains what the
//! caller is and what it may do.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use keyward::decision::{Decision, Environment, PermitKind, decide};
use keyward::management::Granted;
use keyward::permission::AccessLevel;
use keyward::reason::DenyReason;
use keyward::request::RequestHead;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::caller::{Caller, Entrance, KeyCaller};
use crate::http::address::last_forwarded;
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::http::principal;
use crate::recheck::{self, Recheck};
use crate::route::{Asked, Route};
use crate::service::failure::Stored;
use crate::store::{self, Holds, Reader};
use crate::uid::Uid;

/// A request that is not believed, or refused for what its key is.
pub(crate) struct Unknown {
    pub(crate) failure: Failure,
    /// The key, where the gateway has named one that is there.
    pub(crate) key: Option<String>,
}

impl From<Failure> for Unknown {
    fn from(failure: Failure) -> Self {
        Self { failure, key: None }
    }
}

impl From<Failure> for Box<Unknown> {
    fn from(failure: Failure) -> Self {
        Self::new(failure.into())
    }
}

/// What an endpoint asks of its callers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) asked: Asked,
    pub(crate) level: AccessLevel,
}

impl Need {
    pub(crate) fn of(route: &Route) -> Self {
        Self {
            asked: route.asked,
            level: route.level,
        }
    }
}

/// A caller, and what asks whether it still is that caller.
pub(crate) struct Identified {
    pub(crate) caller: Caller,
    pub(crate) holds: Holds,
}

/// Finds out who calls.
pub(crate) async fn identify(
    app: &Arc<App>,
    entrance: Entrance,
    peer: Peer,
    need: Need,
    head: &Parts,
) -> Result<Identified, Unknown> {
    match entrance {
        Entrance::Gateway => by_gateway(app, peer, need, head).await,
        Entrance::Local => Ok(Identified {
            caller: by_user(peer)?,
            holds: Arc::new(|_| Ok(true)),
        }),
    }
}

/// A person on this machine: root, or the user that the server runs as.
fn by_user(Peer(peer): Peer) -> Result<Caller, Failure> {
    match peer {
        Some(uid) if uid.is_root() || uid == Uid::own() => Ok(Caller::local(uid)),
        Some(_) | None => Err(not_through_gateway()),
    }
}

fn not_through_gateway() -> Failure {
    Failure::new(
        Code::NotThroughGateway,
        "This request did not come by the gateway, so its sender is not known.",
    )
}

/// The secret that the management Envoy sends: 32 bytes in hexadecimal; the server has the digest.
const GATEWAY: &str = "x-keyward-gateway";

/// Whether a request comes from the gateway: from its user, and with its secret.
pub(crate) fn is_from_gateway(app: &App, Peer(peer): Peer, head: &Parts) -> bool {
    let mut secrets = head.headers.get_all(GATEWAY).iter();
    let secret = secrets.next().filter(|_| secrets.next().is_none());
    let digest: Option<[u8; 32]> = secret.map(|secret| Sha256::digest(secret.as_bytes()).into());
    // Digests are compared, so the time that takes says nothing of the secret.
    peer.is_some_and(|uid| app.trusted_uids.contains(&uid)) && digest == Some(app.gateway_digest)
}

async fn by_gateway(
    app: &Arc<App>,
    Peer(peer): Peer,
    need: Need,
    head: &Parts,
) -> Result<Identified, Unknown> {
    let strange = || {
        app.metrics.not_through_gateway();
        not_through_gateway()
    };
    if !is_from_gateway(app, Peer(peer), head) {
        return Err(strange().into());
    }
    let told = principal::told(&head.headers).ok_or_else(strange)?;
    if let Some((permission, access)) = &told.permission {
        let is_routes = need.asked.names().contains(&permission.as_str());
        if !is_routes || *access != need.level {
            return Err(strange().into());
        }
    }
    let presented = Presented {
        key: told.key,
        names_permission: told.permission.is_some(),
        accounts: recheck::named(app, &head.headers),
        address: last_forwarded(head),
        need,
        head: head.clone(),
    };
    let (id, named, now) = (
        presented.key.clone(),
        presented.accounts.clone(),
        crate::time::now(),
    );
    let read: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(Recheck::read(reader, &id, &named, now)?))
        .await;
    let recheck = read.map_err(Failure::from)?.ok_or_else(strange)?;
    let judged = presented.judge(app, &recheck, now);
    let key = judged.map_err(|unknown| *unknown)?;
    let caller = Caller::by_key(key.clone(), presented.address);
    let app = Arc::clone(app);
    Ok(Identified {
        caller,
        holds: Arc::new(move |reader| presented.still_makes(&key, &recheck, &app, reader)),
    })
}

/// What the gateway says of a request.
struct Presented {
    key: String,
    names_permission: bool,
    /// The accounts that the request names.
    accounts: Vec<String>,
    address: Option<IpAddr>,
    need: Need,
    head: Parts,
}

impl Presented {
    /// Decides what the key makes of the request, at a time.
    fn judge(&self, app: &App, recheck: &Recheck, now: u64) -> Result<KeyCaller, Box<Unknown>> {
        let strange = || {
            app.metrics.not_through_gateway();
            not_through_gateway()
        };
        let is_unrestricted = recheck.is_unrestricted();
        // The filter names no permission of keys that may do everything, and of no others.
        if !self.names_permission && !is_unrestricted {
            return Err(strange().into());
        }
        let of_key = |failure| {
            Box::new(Unknown {
                failure,
                key: Some(self.key.clone()),
            })
        };
        let configuration = recheck
            .configuration(app)
            .map_err(|_| Failure::new(Code::Internal, "The caller's key cannot be checked."))?;
        let headers = recheck.headers(app, &self.head);
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()));
        let names = configuration.identity_names();
        let request = RequestHead::read(configuration.profile(), names, pairs, false);
        let environment = Surroundings {
            now,
            address: self.address,
        };
        let permit = match decide(&configuration, &request, &environment) {
            Decision::Allow(permit) if permit.kind() == PermitKind::Key => permit,
            Decision::Allow(permit) => {
                return Err(match permit.kind() {
                    PermitKind::Shadow(reason) => of_key(denied(reason)),
                    PermitKind::Public | PermitKind::Preflight | PermitKind::Key => {
                        strange().into()
                    }
                });
            }
            Decision::Deny(denial) => return Err(of_key(denied(denial.reason()))),
        };
        if is_unrestricted {
            return Err(of_key(Failure::new(
                Code::UnrestrictedKeyRefused,
                "A key that may do everything manages no keys. Make one that is granted `api_key`.",
            )));
        }
        let found = permit.principal();
        let account = found
            .account()
            .or(found.org)
            .ok_or_else(strange)?
            .to_owned();
        let is_own = recheck.owner() == account || recheck.is_of_organization();
        let (own, connected) = recheck.granted(is_own);
        Ok(KeyCaller {
            id: self.key.clone(),
            mode: recheck.mode(),
            is_operator: recheck.owner() == app.operator_account && account == app.operator_account,
            tree: self
                .sees_below(recheck, &connected)
                .then(|| recheck.root_of(&account))
                .flatten(),
            account,
            own,
            connected,
            gateway: recheck.label("gateway").map(str::to_owned),
            ends: recheck.ends(),
        })
    }

    /// Whether a key sees the accounts below the one it acts on: an organization's does, and one
    /// that may do the same on connected accounts.
    fn sees_below(&self, recheck: &Recheck, connected: &Granted) -> bool {
        let holds = |name: &str| {
            connected
                .get(name)
                .is_some_and(|held| *held >= self.need.level)
        };
        recheck.is_of_organization() || self.need.asked.names().into_iter().any(holds)
    }

    /// Whether the key still makes the same caller. The decision is asked again only if something
    /// that it rests on has changed.
    fn still_makes(
        &self,
        key: &KeyCaller,
        before: &Recheck,
        app: &App,
        reader: &Reader<'_>,
    ) -> store::Result<bool> {
        let now = crate::time::now();
        if before.is_live_at(now) && before.is_unchanged(reader)? {
            return Ok(true);
        }
        let again = Recheck::read(reader, &self.key, &self.accounts, now)?;
        Ok(again.is_some_and(|again| {
            self.judge(app, &again, now)
                .is_ok_and(|found| found == *key)
        }))
    }
}

/// What the decision on the key as it is now came to. Between two publications the gateway may let pass what the store no longer allows.
fn denied(reason: DenyReason) -> Failure {
    match reason {
        DenyReason::DeletedKey => {
            Failure::new(Code::DeletedKey, "The API key of this request is deleted.")
        }
        DenyReason::ExpiredKey => {
            Failure::new(Code::ExpiredKey, "The API key of this request has expired.")
        }
        DenyReason::InsufficientPermission | DenyReason::NoConnectPermission => Failure::new(
            Code::MorePermissionsRequired,
            "The API key of this request no longer has the permission that this endpoint asks for.",
        ),
        DenyReason::HostFailure
        | DenyReason::NoSnapshot
        | DenyReason::StaleSnapshot
        | DenyReason::MissingCredential
        | DenyReason::MalformedCredential
        | DenyReason::UnknownKey
        | DenyReason::InactiveKey
        | DenyReason::SuspendedAccount
        | DenyReason::IpNotAllowed
        | DenyReason::LivemodeMismatch
        | DenyReason::MalformedHeader
        | DenyReason::MissingVersion
        | DenyReason::InvalidVersion
        | DenyReason::MissingContext
        | DenyReason::UnsupportedHeader
        | DenyReason::MalformedContext
        | DenyReason::ConflictingContext
        | DenyReason::AccountNotAccessible
        | DenyReason::NotAPlatform
        | DenyReason::UnknownEndpoint
        | DenyReason::SecretKeyRequired
        | DenyReason::UnknownExpansion => Failure::new(
            Code::NotThroughGateway,
            format!(
                "As the store has it now, this request would be denied: {}.",
                reason.name()
            ),
        ),
    }
}

struct Surroundings {
    now: u64,
    address: Option<IpAddr>,
}

impl Environment for Surroundings {
    fn now(&self) -> Option<u64> {
        Some(self.now)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.address
    }
}
