//! The configuration of the demo's gateway: the organization from Stripe's documentation, and a key
//! of each sort.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::keys::{Key, Keys};

/// Source: <https://docs.stripe.com/get-started/account/orgs/setup>
pub(crate) const ORGANIZATION: &str = "org_6SD3oI0eSQemPzdmaGLJ5j6";
pub(crate) const PLATFORM: &str = "acct_1R3fqDP6919yCiFv";
pub(crate) const CONNECTED: &str = "acct_1032D82eZvKYlo2C";
pub(crate) const SHOP: &str = "acct_1aTnTtAAB0hHJ26p";
/// Not from Stripe's documentation.
const SUSPENDED: &str = "acct_1SuspendedShop00";

/// The only version that the gateway serves.
pub(crate) const VERSION: &str = "2026-10-28.endive";

/// Returns keyward's configuration with a snapshot of this revision: it contains digests, but no
/// keys.
pub(crate) fn configuration(keys: &Keys, revision: u64) -> Result<Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let secret = |key: &Key, owner: &str, more: Value| record(key, "secret", owner, more);
    let restricted = |key: &Key, more: Value| record(key, "restricted", PLATFORM, more);
    let snapshot = json!({
        "format": "keyward.snapshot/v1",
        "revision": revision,
        "issued_at": now,
        "api_versions": [VERSION],
        "accounts": [
            {"id": ORGANIZATION},
            {"id": PLATFORM, "parent": ORGANIZATION},
            {"id": CONNECTED, "parent": PLATFORM},
            {"id": SHOP, "parent": ORGANIZATION},
            {"id": SUSPENDED, "parent": ORGANIZATION, "status": "suspended"},
        ],
        "grant_sets": {"support": {"customer": "read", "charge": "write", "widget": "read"}},
        "endpoints": [
            {"method": "POST", "path": "/v1/widgets/search", "permission": "widget", "access": "read", "label": "Widgets"},
            {"method": "GET", "path": "/healthz", "auth": "none"},
        ],
        "keys": [
            record(&keys.organization, "organization", ORGANIZATION, json!({})),
            secret(&keys.secret, PLATFORM, json!({})),
            secret(&keys.live, PLATFORM, json!({"livemode": true})),
            restricted(&keys.support, json!({"grants": "support", "connect_grants": {"balance": "read"}})),
            restricted(&keys.reports, json!({"grants": {"balance": "read"}})),
            restricted(&keys.shadow, json!({"grants": {"customer": "read"}, "enforcement": "shadow"})),
            record(&keys.publishable, "publishable", PLATFORM, json!({})),
            secret(&keys.shop, SHOP, json!({})),
            secret(&keys.office, SHOP, json!({"allowed_ips": ["203.0.113.0/24", "2001:db8::/32"]})),
            secret(&keys.expired, PLATFORM, json!({"expires_at": now - 3_600})),
            secret(&keys.early, PLATFORM, json!({"not_before": now + 86_400})),
            secret(&keys.deleted, PLATFORM, json!({"status": "deleted"})),
            secret(&keys.suspended, SUSPENDED, json!({})),
        ],
    });
    Ok(json!({"serve_mode": "test", "snapshot": snapshot}))
}

fn record(key: &Key, kind: &str, owner: &str, more: Value) -> Value {
    let mut record = json!({"id": key.id, "sha256": key.digest(), "kind": kind, "livemode": false, "owner": owner});
    if let (Some(record), Value::Object(more)) = (record.as_object_mut(), more) {
        record.extend(more);
    }
    record
}

/// Changes one member of a key.
pub(crate) fn change(
    configuration: &mut Value,
    key: &Key,
    member: &str,
    value: Value,
) -> Result<()> {
    let record = configuration
        .pointer_mut("/snapshot/keys")
        .and_then(Value::as_array_mut)
        .and_then(|keys| keys.iter_mut().find(|record| record["id"] == key.id))
        .and_then(Value::as_object_mut)
        .with_context(|| format!("no key `{}` in the snapshot", key.id))?;
    record.insert(member.to_owned(), value);
    Ok(())
}
