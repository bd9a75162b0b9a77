//! A gateway whose keys have the permissions that a test chooses, and its answers. It runs as a
//! library, without Envoy.

use std::collections::BTreeMap;
use std::net::IpAddr;

use keyward::configuration::Configuration;
use keyward::decision::{Decision, Environment, decide};
use keyward::digest::KeyDigest;
use keyward::reply::{Reply, RequestId};
use keyward::request::RequestHead;
use serde_json::{Value, json};

/// Levels by permission.
pub type Grants = BTreeMap<String, &'static str>;

/// Restricted keys, each with its grants. There is only one key for each set of grants.
#[derive(Default)]
pub struct Keys(Vec<Grants>);

impl Keys {
    /// Returns the key that has exactly these grants.
    pub fn with(&mut self, grants: Grants) -> String {
        let known = self.0.iter().position(|held| *held == grants);
        let number = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(grants);
        }
        raw(number)
    }

    pub fn configuration(&self) -> String {
        let key = |(number, grants): (usize, &Grants)| {
            json!({
                "id": format!("mk_{number}"), "sha256": KeyDigest::of(raw(number).as_bytes()).to_string(), "kind": "restricted", "livemode": false,
                "owner": "acct_1", "grants": grants,
            })
        };
        let keys: Vec<Value> = self.0.iter().enumerate().map(key).collect();
        let snapshot = json!({
            "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529, "accounts": [{"id": "acct_1"}], "keys": keys,
        });
        json!({ "snapshot": snapshot }).to_string()
    }
}

fn raw(number: usize) -> String {
    format!("rk_test_FAKE-{number:05}")
}

/// A gateway's answer to one request.
#[derive(Debug)]
pub struct Answer {
    /// The deny reason, or `None` if the request passes.
    pub reason: Option<String>,
    /// The permission that decided, as the upstream or the logs receive it.
    pub permission: Option<String>,
    /// The reply's message.
    pub message: String,
}

pub struct Library(Configuration);

impl Library {
    pub fn new(keys: &Keys) -> Self {
        Self(Configuration::from_json(keys.configuration().as_bytes()).unwrap())
    }

    pub fn ask(&self, method: &str, path: &str, key: &str) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [
            (":method", method),
            (":path", path),
            ("authorization", &bearer),
        ];
        let headers = headers.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let names = self.0.identity_names();
        let request = RequestHead::read(self.0.profile(), names, headers, false);
        match decide(&self.0, &request, &Nowhere) {
            Decision::Allow(permit) => Answer {
                reason: None,
                permission: permission_in(&permit.to_string()),
                message: String::new(),
            },
            Decision::Deny(denial) => {
                let body = Reply::new(&self.0, &denial, RequestId::new(0)).body;
                Answer {
                    reason: Some(denial.reason().name().to_owned()),
                    permission: permission_in(&denial.to_string()),
                    message: message_in(body.as_bytes()),
                }
            }
        }
    }
}

/// Returns the member `permission` of a state or of an identity header.
pub fn permission_in(members: &str) -> Option<String> {
    let (_, rest) = members.split_once("permission=\"")?;
    rest.split('"').next().map(str::to_owned)
}

pub fn message_in(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["error"]["message"].as_str().unwrap().to_owned()
}

struct Nowhere;

impl Environment for Nowhere {
    fn now(&self) -> Option<u64> {
        Some(1_795_194_600)
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}
