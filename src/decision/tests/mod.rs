//! Tests of the decision. Every test starts from the same configuration, whose keys all work, and
//! changes what it tests.

mod environment;
mod order;
mod permission;
mod shadow;
mod state;
mod target;
mod without_a_key;

use std::cell::Cell;

use serde_json::{Value, json};

use super::*;
use crate::digest::KeyDigest;
use crate::upstream::{Handover, HeaderChange};

const NOW: u64 = 1_795_200_000;

/// The keys of the configuration, in its order.
#[derive(Clone, Copy)]
enum Key {
    /// A secret key of `acct_platform`.
    Secret,
    /// A restricted key of `acct_platform` that may read customers.
    Restricted,
    /// A publishable key of `acct_platform`.
    Publishable,
    /// A key of `org_1`.
    Organization,
    /// A secret key of `acct_alone`, which has no connected accounts.
    Alone,
}

impl Key {
    fn place(self) -> usize {
        match self {
            Self::Secret => 0,
            Self::Restricted => 1,
            Self::Publishable => 2,
            Self::Organization => 3,
            Self::Alone => 4,
        }
    }

    fn raw(self) -> &'static str {
        match self {
            Self::Secret => "sk_test_FAKE-secret",
            Self::Restricted => "rk_test_FAKE-restricted",
            Self::Publishable => "pk_test_FAKE-publishable",
            Self::Organization => "sk_org_FAKE-organization",
            Self::Alone => "sk_test_FAKE-alone",
        }
    }
}

fn configuration() -> Value {
    let key = |key: Key, id: &str, kind: &str, owner: &str| {
        let sha256 = KeyDigest::of(key.raw().as_bytes()).to_string();
        json!({"id": id, "sha256": sha256, "kind": kind, "livemode": false, "owner": owner})
    };
    let mut configuration = json!({"snapshot": {
        "format": "keyward.snapshot/v1",
        "revision": 7,
        "issued_at": NOW - 100,
        "accounts": [
            {"id": "org_1"},
            {"id": "org_2"},
            {"id": "acct_platform", "parent": "org_1"},
            {"id": "acct_child", "parent": "acct_platform", "children": "any"},
            {"id": "acct_closed", "parent": "acct_platform", "status": "suspended"},
            {"id": "acct_below", "parent": "acct_closed"},
            {"id": "acct_alone"},
        ],
        "endpoints": [
            {"method": "GET", "path": "/healthz", "auth": "none"},
            {"method": "POST", "path": "/hooks/{*rest}", "auth": "none"},
        ],
        "keys": [
            key(Key::Secret, "mk_s", "secret", "acct_platform"),
            key(Key::Restricted, "mk_r", "restricted", "acct_platform"),
            key(Key::Publishable, "mk_p", "publishable", "acct_platform"),
            key(Key::Organization, "mk_o", "organization", "org_1"),
            key(Key::Alone, "mk_a", "secret", "acct_alone"),
        ],
    }});
    configuration["snapshot"]["keys"][1]["grants"] = json!({"customer": "read"});
    configuration
}

/// A request, and the configuration that decides on it.
#[derive(Clone)]
struct Case {
    configuration: Value,
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    has_body: bool,
    now: Option<u64>,
    address: Option<IpAddr>,
}

impl Case {
    /// Returns `GET /v1/customers` without headers.
    fn bare() -> Self {
        Self {
            configuration: configuration(),
            method: "GET",
            path: "/v1/customers",
            headers: Vec::new(),
            has_body: false,
            now: Some(NOW),
            address: "198.51.100.1".parse().ok(),
        }
    }

    /// Returns `GET /v1/customers` with a key. An organization key also names its version and an
    /// account.
    fn of(key: Key) -> Self {
        let case = Self::bare().with("authorization", &format!("Bearer {}", key.raw()));
        match key {
            Key::Organization => case
                .with("stripe-version", "2026-10-28.endive")
                .with("stripe-context", "acct_platform"),
            Key::Secret | Key::Restricted | Key::Publishable | Key::Alone => case,
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn at(self, method: &'static str, path: &'static str) -> Self {
        Self {
            method,
            path,
            ..self
        }
    }

    fn set(mut self, member: &str, value: Value) -> Self {
        self.configuration[member] = value;
        self
    }

    fn set_key(mut self, key: Key, member: &str, value: Value) -> Self {
        self.configuration["snapshot"]["keys"][key.place()][member] = value;
        self
    }

    fn set_account(mut self, id: &str, member: &str, value: Value) -> Self {
        let accounts = self.configuration["snapshot"]["accounts"].as_array_mut();
        let mut accounts = accounts.unwrap().iter_mut();
        accounts.find(|account| account["id"] == id).unwrap()[member] = value;
        self
    }

    fn in_shadow(self) -> Self {
        self.set("enforcement", json!("shadow"))
    }

    /// Returns the result of `ask` for the request, and how often it asked for the clock and the
    /// address.
    #[track_caller]
    fn asked<T>(
        &self,
        ask: impl FnOnce(&Configuration, &RequestHead<'_>, &Surroundings<'_>) -> T,
    ) -> (T, (u32, u32)) {
        let json = self.configuration.to_string();
        let configuration = Configuration::from_json(json.as_bytes()).unwrap();
        let pseudo = [(":method", self.method), (":path", self.path)];
        let headers = self.headers.iter().map(|(name, value)| (*name, &**value));
        let head = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            pseudo
                .into_iter()
                .chain(headers)
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            self.has_body,
        );
        let surroundings = Surroundings {
            case: self,
            asked_now: Cell::new(0),
            asked_address: Cell::new(0),
        };
        let result = ask(&configuration, &head, &surroundings);
        let asked = (
            surroundings.asked_now.get(),
            surroundings.asked_address.get(),
        );
        (result, asked)
    }

    #[track_caller]
    fn decide(&self) -> Outcome {
        let (told, asked) = self.asked(|configuration, head, surroundings| {
            match decide(configuration, head, surroundings) {
                Decision::Deny(denial) => {
                    (None, Some(denial.reason()), denial.to_string(), Vec::new())
                }
                Decision::Allow(permit) => (
                    Some(permit.kind()),
                    None,
                    permit.to_string(),
                    Handover::new(configuration, head, &permit).changes(),
                ),
            }
        });
        let (kind, reason, state, changes) = told;
        Outcome {
            kind,
            reason,
            state,
            identity: changes.iter().find_map(|change| match change {
                HeaderChange::Add(_, value) => Some(value.clone().into_owned()),
                HeaderChange::Remove(_) => None,
            }),
            changes,
            asked,
        }
    }

    #[track_caller]
    fn assert_passes(&self) {
        let outcome = self.decide();
        assert_eq!(outcome.kind, Some(PermitKind::Key), "{}", outcome.state);
    }

    #[track_caller]
    fn assert_denied(&self, reason: DenyReason) {
        let outcome = self.decide();
        assert_eq!(outcome.reason, Some(reason), "{}", outcome.state);
    }

    #[track_caller]
    fn assert_state(&self, state: &str) {
        assert_eq!(self.decide().state, state);
    }
}

struct Outcome {
    kind: Option<PermitKind>,
    reason: Option<DenyReason>,
    /// The filter state.
    state: String,
    /// The changes to an allowed request's headers.
    changes: Vec<HeaderChange<'static>>,
    /// The identity header, or the first one if there are several.
    identity: Option<String>,
    /// How often the clock and the address were asked for.
    asked: (u32, u32),
}

struct Surroundings<'a> {
    case: &'a Case,
    asked_now: Cell<u32>,
    asked_address: Cell<u32>,
}

impl Environment for Surroundings<'_> {
    fn now(&self) -> Option<u64> {
        self.asked_now.set(self.asked_now.get() + 1);
        self.case.now
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.asked_address.set(self.asked_address.get() + 1);
        self.case.address
    }
}

#[test]
fn every_key_works_as_it_stands() {
    Case::of(Key::Secret).assert_passes();
    Case::of(Key::Restricted).assert_passes();
    Case::of(Key::Publishable)
        .at("POST", "/v1/tokens")
        .assert_passes();
    Case::of(Key::Organization).assert_passes();
    Case::of(Key::Alone).assert_passes();
}
