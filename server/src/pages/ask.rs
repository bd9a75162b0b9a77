//! A page calls the API within this process: the same endpoint, with the same permission and the same handler as a request over HTTP.
//! A page can do only what the API allows.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use keyward::management::Granted;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::visit::Visit;
use crate::app::App;
use crate::caller::Caller;
use crate::exchange::{limit, perform, refuse_raw_key};
use crate::http::call::Call;
use crate::http::conditions::Idempotency;
use crate::http::failure::{Code, Failure};
use crate::http::query::{Pairs, written};
use crate::http::raw_key;
use crate::routes::{Asked, ROUTES, Route, Verb};
use crate::session::Feature;
use crate::sign_in;
use keyward::invariant::Held;

/// A call to the API.
pub(crate) struct Ask {
    method: Verb,
    template: &'static str,
    target: String,
    query: Pairs,
    body: Option<Value>,
    version: Option<u64>,
    once: Option<String>,
    wait: Option<Duration>,
}

impl Ask {
    pub(crate) fn get(template: &'static str) -> Self {
        Self::of(Verb::Get, template)
    }

    pub(crate) fn post(template: &'static str) -> Self {
        Self::of(Verb::Post, template)
    }

    pub(crate) fn put(template: &'static str) -> Self {
        Self::of(Verb::Put, template)
    }

    pub(crate) fn delete(template: &'static str) -> Self {
        Self::of(Verb::Delete, template)
    }

    fn of(method: Verb, template: &'static str) -> Self {
        Self {
            method,
            template,
            target: String::new(),
            query: Pairs::new(),
            body: None,
            version: None,
            once: None,
            wait: None,
        }
    }

    /// The segment that the template leaves open.
    pub(crate) fn target(self, target: &str) -> Self {
        Self {
            target: target.to_owned(),
            ..self
        }
    }

    /// A parameter of the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The version that the person has seen: `If-Match`.
    pub(crate) fn version(self, version: Option<u64>) -> Self {
        Self { version, ..self }
    }

    /// The API carries the call out once, however often the person sends the form: the hidden field `once` identifies it.
    pub(crate) fn once(self, visit: &Visit) -> Self {
        let once = visit.form.given("once").map(str::to_owned);
        Self { once, ..self }
    }

    /// The API holds its answer until the change is published, for at most that long.
    pub(crate) fn wait(self, longest: Duration) -> Self {
        Self {
            wait: Some(longest),
            ..self
        }
    }
}

/// The API's answer.
pub(crate) struct Answered {
    body: Zeroizing<Vec<u8>>,
    pub(crate) change: Option<u64>,
}

impl Answered {
    /// The answer as a type with the members that a page shows. A type without the member `token` leaves the value in the answer.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Failure::new(
                Code::Internal,
                format!("The answer cannot be read: {error}."),
            )
        })
    }

    /// The value that is shown once, if there is one. It stays in the buffer that is wiped.
    pub(crate) fn token(&self) -> Option<&str> {
        #[derive(serde::Deserialize)]
        struct Minted<'a> {
            #[serde(borrow)]
            secret_key: Option<SecretKey<'a>>,
        }
        #[derive(serde::Deserialize)]
        struct SecretKey<'a> {
            #[serde(borrow)]
            token: Option<&'a str>,
        }
        let minted: Minted<'_> = serde_json::from_slice(&self.body).ok()?;
        minted.secret_key?.token
    }

    /// The link of a session, which is also shown only once.
    pub(crate) fn url(&self) -> Option<&str> {
        #[derive(serde::Deserialize)]
        struct Link<'a> {
            #[serde(borrow)]
            url: Option<&'a str>,
        }
        let link: Link<'_> = serde_json::from_slice(&self.body).ok()?;
        link.url
    }
}

/// Whether grants are sufficient for an endpoint: the same rule that the gateway applies to a key.
pub(crate) fn may(granted: &Granted, route: &Route) -> bool {
    let holds = |name: &str| granted.get(name).is_some_and(|held| *held >= route.level);
    match route.asked {
        Asked::One(one) => holds(one.name()),
        Asked::Any => route.asked.names().into_iter().any(holds),
    }
}

/// The endpoint of a method and template.
pub(crate) fn route_of(method: Verb, template: &str) -> Option<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.method == method && route.template == template)
}

impl Visit {
    /// Whether the person may call an endpoint.
    pub(crate) fn may(&self, method: Verb, template: &str) -> bool {
        route_of(method, template).is_some_and(|route| self.is_allowed(route))
    }

    fn is_allowed(&self, route: &Route) -> bool {
        let feature = Feature::of_endpoint(route.method, route.template);
        may(&self.session.granted, route) && self.session.has(feature)
    }

    /// Refuses an endpoint that the session does not include, for a page or for its calls.
    pub(super) fn must_be_allowed(&self, route: &Route, what: &str) -> Result<(), Failure> {
        if self.is_allowed(route) {
            return Ok(());
        }
        let message = if self.is_portal() {
            "You cannot do this here.".to_owned()
        } else {
            format!(
                "Your role, {}, does not include {what}.",
                self.session.role_name()
            )
        };
        Err(Failure::new(Code::MorePermissionsRequired, message))
    }

    /// Calls the API.
    pub(crate) async fn ask(&self, app: &Arc<App>, ask: Ask) -> Result<Answered, Failure> {
        let route = route_of(ask.method, ask.template).ok_or_else(|| {
            Failure::new(
                Code::UnknownEndpoint,
                "The page asked the API for something that does not exist.",
            )
        })?;
        let permission = route
            .asked
            .names()
            .first()
            .copied()
            .held("a route asks for a permission");
        self.must_be_allowed(route, &format!("`{permission}_{}`", route.level.name()))?;
        let caller = Caller::of_session(&self.session, self.address);
        limit(app, route, &caller)?;
        let body = ask.body.map(|body| body.to_string()).unwrap_or_default();
        if raw_key::is_in_body(&app.raw_keys, body.as_bytes()) {
            return Err(refuse_raw_key());
        }
        let once = ask.once.as_deref();
        let idempotency = once.map(|key| Idempotency::new(caller.id(), key, self.fingerprint()));
        let call = Call {
            path: route
                .template
                .split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        &ask.target
                    } else {
                        segment
                    }
                })
                .collect::<Vec<&str>>()
                .join("/"),
            target: ask.target,
            query: written(&ask.query),
            body: Bytes::from(body),
            expected_version: ask.version,
            wait: ask.wait,
            request_id: self.request_id.clone(),
            idempotency,
            caller,
        };
        let holds = sign_in::holds(app, &self.session);
        let answer = perform(app, route, call, holds).await?;
        Ok(Answered {
            body: answer.body,
            change: answer.change,
        })
    }

    /// The digest of the sent form: the body made of it may differ, as an end in 90 days does.
    fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in std::iter::once(self.path.as_str())
            .chain(self.form.fields().flat_map(|(name, value)| [name, value]))
        {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}
