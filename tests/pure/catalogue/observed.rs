//! The catalogue agrees with public sources about Stripe, or gives the reason why not: for every
//! line of `catalogue/observed.tsv`, a key that has only the observed permission makes the request.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use keyward::configuration::Configuration;
use keyward::decision::{Decision, Environment, decide};
use keyward::digest::KeyDigest;
use keyward::reason::DenyReason;
use keyward::request::RequestHead;
use serde_json::{Value, json};

/// A line of the file.
struct Observation {
    place: String,
    method: String,
    path: String,
    /// The permission, without its level.
    permission: String,
    /// `read` or `write`.
    level: String,
    /// Why the catalogue intentionally denies it, if it does.
    ours: Option<String>,
}

#[test]
fn the_catalogue_agrees_with_what_was_observed_or_says_why_not() {
    let observations = observations();
    assert!(observations.len() > 150, "{}", observations.len());
    let gateway = Gateway::with_a_key_for_each_of(&observations);
    let mut faults = Vec::new();
    for observation in &observations {
        let place = &observation.place;
        match (gateway.denies(observation), &observation.ours) {
            (None, None) | (Some(_), Some(_)) => {}
            (Some(reason), None) => faults.push(format!(
                "{place}: denied ({reason}), and `ours` does not say why"
            )),
            (None, Some(_)) => faults.push(format!("{place}: allowed, though `ours` says why not")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A wrong line would be noticed: without grants a request is denied, and a path that is not an
/// endpoint is unknown for an observed key as well.
#[test]
fn an_observation_that_is_made_up_is_a_disagreement() {
    let observed = |path: &str, permission: &str| Observation {
        place: String::new(),
        method: "POST".to_owned(),
        path: path.to_owned(),
        permission: permission.to_owned(),
        level: "read".to_owned(),
        ours: None,
    };
    let made_up = [
        (observed("/v1/charges", "charge"), "insufficient_permission"),
        (
            observed("/v1/charges", "customer"),
            "insufficient_permission",
        ),
        (observed("/v1/charms", "charge"), "unknown_endpoint"),
        (observed("/v1/charges", "charm"), "unknown permission"),
    ];
    for (observation, reason) in made_up {
        let gateway = Gateway::with_a_key_for_each_of([&observation]);
        assert_eq!(gateway.denies(&observation), Some(reason));
    }
}

fn observations() -> Vec<Observation> {
    let lines = super::table("observed.tsv").into_iter().map(|columns| {
        let [source, _, method, path, permission, ours, _] = columns.try_into().unwrap();
        let (name, level) = permission.rsplit_once('_').unwrap();
        Observation {
            place: format!("{source}: {method} {path} with {permission}"),
            permission: name.to_owned(),
            level: level.to_owned(),
            ours: (ours != "-").then_some(ours),
            method,
            path,
        }
    });
    lines.collect()
}

/// A gateway whose keys have one permission each.
struct Gateway {
    configuration: Configuration,
    /// The raw key for each permission and level.
    keys: BTreeMap<(String, String), String>,
}

impl Gateway {
    fn with_a_key_for_each_of<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Self {
        let known = known_permissions();
        let granted: BTreeSet<_> = observations
            .into_iter()
            .filter(|observation| known.contains(&observation.permission))
            .map(|observation| (observation.permission.clone(), observation.level.clone()))
            .collect();
        let keys: BTreeMap<_, _> = granted
            .into_iter()
            .enumerate()
            .map(|(number, grant)| (grant, format!("rk_test_FAKE-seen-{number:04}")))
            .collect();
        let mut listed: Vec<Value> = keys
            .iter()
            .map(|((permission, level), raw)| key(raw, &json!({ permission: level })))
            .collect();
        listed.push(key("rk_test_FAKE-none-0001", &json!({})));
        let json = json!({
            "snapshot": {
                "format": "keyward.snapshot/v1",
                "revision": 1,
                "issued_at": 1_795_194_529,
                "accounts": [{"id": "acct_observed"}],
                "keys": listed,
            },
        });
        Self {
            configuration: Configuration::from_json(json.to_string().as_bytes()).unwrap(),
            keys,
        }
    }

    /// Returns why a key with only the observed permission may not make the observed request, or
    /// `None` if it passes.
    fn denies(&self, observation: &Observation) -> Option<&'static str> {
        let grant = (observation.permission.clone(), observation.level.clone());
        let Some(raw) = self.keys.get(&grant) else {
            return Some("unknown permission");
        };
        let path = example(&observation.path);
        let credential = format!("Bearer {raw}");
        let headers = [
            (":method", observation.method.as_str()),
            (":path", &path),
            ("authorization", &credential),
        ];
        let configuration = &self.configuration;
        let request = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            headers.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            false,
        );
        match decide(configuration, &request, &Nowhere) {
            Decision::Allow(_) => None,
            Decision::Deny(denial) => Some(DenyReason::name(denial.reason())),
        }
    }
}

/// Returns a path that the template matches: each parameter becomes an id.
fn example(template: &str) -> String {
    let segments = template.split('/').map(|segment| match segment {
        parameter if parameter.starts_with('{') => "id_0001",
        literal => literal,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn known_permissions() -> BTreeSet<String> {
    let permissions = super::permissions().into_iter();
    permissions
        .flat_map(|permission| permission.aliases.into_iter().chain([permission.name]))
        .collect()
}

fn key(raw: &str, grants: &Value) -> Value {
    json!({
        "id": raw.replace("rk_test_", "mk_"),
        "sha256": KeyDigest::of(raw.as_bytes()).to_string(),
        "kind": "restricted",
        "livemode": false,
        "owner": "acct_observed",
        "grants": grants,
    })
}

/// The decision needs neither a clock nor an address.
struct Nowhere;

impl Environment for Nowhere {
    fn now(&self) -> Option<u64> {
        None
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}
