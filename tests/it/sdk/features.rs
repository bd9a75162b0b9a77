//! Every kind of key, contexts, connected accounts, v2, searches and uploads, through the SDKs:
//! they get what they ask for, and the upstream receives the account.

use serde_json::json;

use super::script::{Language, run_steps};
use super::stripe;
use super::world::{self, CONNECTED, ORGANIZATION, PLATFORM, VERSION};
use crate::support::Envoy;

const STEPS: [&str; 11] = [
    "a restricted key lists page by page",
    "a search pages by itself",
    "an idempotency key replays",
    "a product gets a price",
    "a file is uploaded",
    "a publishable key makes a token",
    "v2 lists page by page",
    "v2 takes JSON, in the context of a connected account",
    "an organization's key acts in a StripeContext",
    "a client is bound to its context",
    "a platform acts for a connected account",
];

/// What must reach the upstream, in order: the request, the key, whether it is for an account under
/// the platform, and the permission.
const ARRIVED: [(&str, &str, bool, &str); 18] = [
    ("GET /v1/customers", "support", false, "customer read"),
    ("GET /v1/customers", "support", false, "customer read"),
    (
        "GET /v1/customers/search",
        "support",
        false,
        "customer read",
    ),
    (
        "GET /v1/customers/search",
        "support",
        false,
        "customer read",
    ),
    ("POST /v1/charges", "support", false, "charge write"),
    ("POST /v1/charges", "support", false, "charge write"),
    ("POST /v1/products", "support", false, "product write"),
    ("POST /v1/prices", "support", false, "plan write"),
    ("POST /v1/files", "secret", false, ""),
    ("POST /v1/tokens", "publishable", false, "token write"),
    ("GET /v2/core/events", "secret", false, ""),
    ("GET /v2/core/events", "secret", false, ""),
    ("POST /v2/billing/meter_events", "secret", true, ""),
    ("GET /v1/balance", "organization", false, ""),
    ("GET /v1/balance", "organization", true, ""),
    ("POST /v1/customers", "organization", true, ""),
    ("POST /v1/charges", "secret", true, ""),
    ("GET /v1/balance", "support", true, "balance read"),
];

#[test]
fn python_uses_every_kind_of_key() {
    uses(Language::Python);
}

#[test]
fn node_uses_every_kind_of_key() {
    uses(Language::Node);
}

fn uses(language: Language) {
    let upstream = stripe::start();
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(upstream.address())
        .start();
    let plan = json!({
        "url": format!("http://{}", envoy.address()),
        "keys": world::keys(),
        "platform": PLATFORM,
        "connected": CONNECTED,
    });
    if !run_steps(language, "features", &plan, &STEPS) {
        return;
    }
    let seen = upstream.seen();
    let requests: Vec<_> = seen
        .iter()
        .map(|seen| {
            format!(
                "{} {}",
                String::from_utf8_lossy(&seen.method),
                stripe::path(seen)
            )
        })
        .collect();
    assert_eq!(requests, ARRIVED.map(|(request, ..)| request));
    for (seen, &(request, key, is_connected, permission)) in seen.iter().zip(&ARRIVED) {
        assert_eq!(
            seen.header("x-keyward-principal"),
            Some(principal(key, is_connected, permission).as_str()),
            "{request}"
        );
        let bearer = format!("Bearer {}", world::key(key));
        assert_eq!(seen.headers("authorization"), [bearer.as_bytes()]);
        assert_eq!(seen.headers("stripe-version"), [VERSION.as_bytes()]);
    }
}

fn principal(key: &str, is_connected: bool, permission: &str) -> String {
    let kind = match key {
        "support" => "restricted",
        other => other,
    };
    let (account, path) = if is_connected {
        (CONNECTED, format!("{PLATFORM}/{CONNECTED}"))
    } else {
        (PLATFORM, PLATFORM.to_owned())
    };
    let permission = permission
        .split_once(' ')
        .map(|(name, access)| format!(", permission=\"{name}\", access={access}"));
    format!(
        "key=\"mk_{key}\", kind={kind}, livemode=?0, account=\"{account}\", path=\"{path}\", org=\"{ORGANIZATION}\"{}, revision=1",
        permission.unwrap_or_default()
    )
}
