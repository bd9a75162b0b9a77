//! The plugin configuration: an accepted one has the same meaning however it is spaced, and closes
//! the gateway if it has no snapshot. The text of a rejection contains no key.

use std::net::IpAddr;
use std::sync::LazyLock;

use keyward::configuration::{Configuration, is_packed, named_revision};
use keyward::decision::{Decision, Environment, decide};
use keyward::reply::{Reply, RequestId};
use keyward::request::RequestHead;
use regex::bytes::Regex;
use serde_json::Value;

use super::{assert_tells_no_key, pattern};

static HEADER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\Ax-[a-z0-9-]+\z"));

const MEMBERS: [&str; 11] = [
    "allow_upgrades",
    "enforcement",
    "filter_state",
    "forward_credential",
    "identity_headers",
    "max_snapshot_age",
    "preflight",
    "principal_header",
    "profile",
    "serve_mode",
    "snapshot",
];

/// The input is the configuration.
pub fn run(input: &[u8]) {
    match Configuration::read(input) {
        Ok(configuration) if is_packed(input) => assert!(configuration.snapshot().is_some()),
        Ok(configuration) => taken(input, &configuration),
        Err(refusal) => {
            assert_tells_no_key(&refusal.to_string());
            let _ = named_revision(input);
        }
    }
}

fn taken(input: &[u8], configuration: &Configuration) {
    let replies = replies(configuration);
    if input.is_empty() {
        assert!(configuration.snapshot().is_none());
        return;
    }
    let value: Value = serde_json::from_slice(input).unwrap();
    let members = value.as_object().unwrap();
    assert!(
        members.keys().all(|name| MEMBERS.contains(&&**name)),
        "{value}"
    );
    let snapshot = configuration.snapshot();
    let is_given = members.get("snapshot").is_some();
    assert_eq!(snapshot.is_some(), is_given, "{value}");
    let revision = snapshot.map(|snapshot| snapshot.revision().number());
    assert_eq!(named_revision(input), revision, "{value}");
    let settings = configuration.settings();
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let flag = |name: &str| value.get(name).and_then(Value::as_bool);
    assert_eq!(
        settings.allow_upgrades,
        flag("allow_upgrades").unwrap_or(false)
    );
    assert_eq!(
        settings.forward_credential,
        flag("forward_credential").unwrap_or(true)
    );
    assert_eq!(
        &*settings.filter_state,
        text("filter_state").unwrap_or("keyward")
    );
    let principal = text("principal_header").unwrap_or("x-keyward-principal");
    assert_eq!(
        settings.principal_header.as_deref().unwrap_or(""),
        principal
    );
    let singles = settings.identity_headers.iter().map(|(name, _)| &**name);
    let named = settings.principal_header.as_deref();
    for name in singles.chain(named) {
        assert!(HEADER.is_match(name.as_bytes()), "{name}");
    }
    for text in [value.to_string(), format!("\n{value:#} ")] {
        let again = Configuration::from_json(text.as_bytes()).unwrap();
        assert_eq!(told(&again), told(configuration));
        assert_eq!(
            format!("{:?}", again.profile()),
            format!("{:?}", configuration.profile())
        );
        assert_eq!(self::replies(&again), replies);
    }
    let mut with_a_stranger = value.clone();
    with_a_stranger["x"] = Value::Null;
    assert!(Configuration::from_json(with_a_stranger.to_string().as_bytes()).is_err());
}

/// Returns the settings as text. Identity headers are listed in their order.
fn told(configuration: &Configuration) -> String {
    let mut settings = configuration.settings().clone();
    settings
        .identity_headers
        .sort_by(|one, other| one.0.cmp(&other.0));
    format!("{settings:?}")
}

/// Returns the replies to some requests without a known key.
fn replies(configuration: &Configuration) -> Vec<(String, Option<Reply>)> {
    let names = configuration.profile().names();
    let context = names.context_header.lower().as_bytes();
    let requests: [&[(&[u8], &[u8])]; 4] = [
        &[],
        &[(b"authorization", b"Bearer sk_test_FAKE-none")],
        &[(b"authorization", b"Basic ?"), (context, b"x")],
        &[
            (b"x-keyward-principal", b"x"),
            (b"x_keyward-principal", b"x"),
        ],
    ];
    let told = requests.map(|headers| {
        let place: [(&[u8], &[u8]); 2] = [(b":method", b"GET"), (b":path", b"/v1/charges/ch_1?x")];
        let headers = place.iter().chain(headers).copied();
        let (profile, names) = (configuration.profile(), configuration.identity_names());
        let head = RequestHead::read(profile, names, headers, false);
        match decide(configuration, &head, &Nowhere) {
            Decision::Deny(denial) => {
                let reply = Reply::new(configuration, &denial, RequestId::new(7));
                let body: Value = serde_json::from_str(&reply.body).unwrap();
                assert!(body["error"]["message"].is_string(), "{body}");
                assert!(matches!(reply.status, 400..=404 | 503), "{reply:?}");
                assert!(!reply.body.contains("FAKE"), "{body}");
                for (name, value) in &reply.headers {
                    assert!(
                        !name.is_empty() && !value.contains(['\r', '\n', '\0']),
                        "{reply:?}"
                    );
                }
                (denial.to_string(), Some(reply))
            }
            Decision::Allow(permit) => {
                assert!(configuration.snapshot().is_some());
                assert!(permit.identity().is_none(), "{permit}");
                (permit.to_string(), None)
            }
        }
    });
    told.into()
}

struct Nowhere;

impl Environment for Nowhere {
    fn now(&self) -> Option<u64> {
        Some(1_795_200_000)
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}
