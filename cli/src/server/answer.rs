//! A refusal in an answer.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::http::Response;

/// A refusal by the server, or by the gateway in front of it.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) param: Option<String>,
    /// Facts for programs.
    pub(super) facts: Map<String, Json>,
    /// Why the gateway denied the request, if it did.
    pub(super) denied: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    error: Members,
}

#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    keyward: Option<Map<String, Json>>,
    message: String,
    #[serde(default)]
    param: Option<String>,
}

impl Refused {
    /// Reads an error in Stripe's format. `None` if the body is something else.
    pub(super) fn read(response: &Response, body: &Json) -> Option<Self> {
        let Body { error } = Body::deserialize(body).ok()?;
        Some(Self {
            status: response.status,
            code: error.code.unwrap_or_default(),
            message: error.message,
            param: error.param,
            facts: error.keyward.unwrap_or_default(),
            denied: response.header("x-keyward-denied").map(str::to_owned),
        })
    }

    /// Returns a fact that is a text.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name)?.as_str()
    }

    /// Whether the requested object does not exist, or not for this caller.
    pub(super) fn is_missing(&self) -> bool {
        self.status == 404 && self.code == "resource_missing"
    }

    /// Whether the caller's key lacks the permission that the endpoint requires.
    pub(super) fn is_forbidden(&self) -> bool {
        self.status == 403
    }
}
