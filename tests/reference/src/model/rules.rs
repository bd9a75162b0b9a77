//! The rules of the table, each in its own function, except rule 8 (`target`).

use crate::sha256;
use serde_json::Value;

use super::authority::{Authority, authority, serves};
use super::headers::Ours;
use super::{
    Case, address, catalogue, expansions, flag, list, names, number, syntax, target, text, texts,
};

const METHODS: [&[u8]; 6] = [b"GET", b"HEAD", b"POST", b"DELETE", b"PUT", b"PATCH"];

/// The snapshot is not stale. The caller has already checked that there is one.
pub(super) fn rule_1(case: &Case) -> Result<(), &'static str> {
    let Some(age) = number(case.configuration, "max_snapshot_age") else {
        return Ok(());
    };
    let issued = number(case.snapshot, "issued_at").ok_or("stale_snapshot")?;
    let now = case.request.now;
    if now.saturating_sub(issued) > age || issued.saturating_sub(now) > 300 {
        return Err("stale_snapshot");
    }
    Ok(())
}

/// Returns whether the endpoint needs no key, so that rules 2 to 11 are skipped.
pub(super) fn is_public(case: &Case) -> bool {
    METHODS.contains(&case.request.method.as_slice())
        && !has_override(case)
        && !is_refused_upgrade(case)
        && catalogue::find(case.endpoints, &case.request.method, &case.request.path)
            .is_some_and(|endpoint| endpoint.is_public)
}

/// Returns whether the request is a preflight, which passes after rule 1. An upgrade is not a
/// preflight: the raw bytes after it would pass unchecked.
pub(super) fn is_preflight(case: &Case) -> bool {
    text(case.configuration, "preflight") != Some("check")
        && case.request.method == b"OPTIONS"
        && case.headers.has("origin")
        && case.headers.has("access-control-request-method")
        && !case.headers.has("authorization")
        && credentials(case).is_empty()
        && !case.headers.has_stripe()
        && !has_override(case)
        && !has_body(case)
        && !is_refused_upgrade(case)
}

/// Returns whether a body is announced, or the stream continues after the headers and no
/// `Content-Length` of 0 rules out a body.
fn has_body(case: &Case) -> bool {
    let goes_on = case.request.has_body && case.headers.all("content-length").is_empty();
    goes_on || case.headers.announces_body()
}

/// Returns whether a header or a parameter overrides the method or the path.
fn has_override(case: &Case) -> bool {
    case.headers.has_override() || names::has_override(case.request)
}

fn is_refused_upgrade(case: &Case) -> bool {
    case.headers.has("upgrade") && !flag(case.configuration, "allow_upgrades")
}

/// Returns the names of the profile's credential headers, in lower case.
pub(super) fn credential_headers(configuration: &Value) -> Vec<String> {
    let names = configuration.pointer("/profile/credential_headers");
    let names = names.and_then(Value::as_array).into_iter().flatten();
    names
        .filter_map(Value::as_str)
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Returns the headers that some server reads as one of these.
fn credentials(case: &Case) -> Vec<(Vec<u8>, Vec<u8>)> {
    case.headers
        .spelled_as(&credential_headers(case.configuration))
}

/// There is one well-formed credential.
pub(super) fn rule_2(case: &mut Case) -> Result<(), &'static str> {
    // A header from the profile presents a key by itself, with no other credential.
    let own = credentials(case);
    if !own.is_empty() {
        let is_alone = own.len() == 1
            && !case.headers.has_any_spelling("authorization")
            && case.query_keys.is_empty();
        let [(name, value)] = own.as_slice() else {
            return Err("malformed_credential");
        };
        let is_exact = credential_headers(case.configuration)
            .iter()
            .any(|ours| ours.as_bytes() == name);
        let key = String::from_utf8(value.clone()).map_err(|_| "malformed_credential")?;
        let is_printable = key.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if !is_alone || !is_exact || !is_printable || !syntax::is_key(&key) {
            return Err("malformed_credential");
        }
        case.credential = Some(key);
        return Ok(());
    }
    match case.headers.ours("authorization") {
        Ours::Absent => match case.query_keys.as_slice() {
            [] => Err("missing_credential"),
            [key] => {
                let key = String::from_utf8(key.clone()).map_err(|_| "malformed_credential")?;
                if !syntax::is_key(&key) {
                    return Err("malformed_credential");
                }
                case.credential = Some(key);
                case.is_by_query = true;
                Ok(())
            }
            _ => Err("malformed_credential"),
        },
        Ours::Malformed => Err("malformed_credential"),
        Ours::One(_) if !case.query_keys.is_empty() => Err("malformed_credential"),
        Ours::One(value) => {
            case.credential = Some(syntax::credential(&value).ok_or("malformed_credential")?);
            Ok(())
        }
    }
}

/// The key is known, and its prefix is one of its kind.
pub(super) fn rule_3(case: &mut Case) -> Result<(), &'static str> {
    let credential = case.credential.clone().ok_or("unknown_key")?;
    let digest = sha256(credential.as_bytes());
    let key = list(case.snapshot, "keys")
        .iter()
        .find(|key| text(key, "sha256").map(str::to_ascii_lowercase) == Some(digest.clone()))
        .ok_or("unknown_key")?;
    let kind = text(key, "kind").unwrap_or_default();
    let prefixes: &[&str] = match kind {
        "secret" => &["sk_test_", "sk_live_"],
        "restricted" => &["rk_test_", "rk_live_"],
        "publishable" => &["pk_test_", "pk_live_"],
        "organization" => &["sk_org_"],
        _ => &[],
    };
    if !prefixes
        .iter()
        .any(|prefix| credential.starts_with(*prefix))
    {
        return Err("unknown_key");
    }
    if case.is_by_query && kind != "publishable" {
        return Err("unknown_key");
    }

    case.key = Some(key);
    case.establish_quoted("key", text(key, "id").unwrap_or_default());
    case.establish("kind", kind.to_owned());
    let livemode = if flag(key, "livemode") { "?1" } else { "?0" };
    case.establish("livemode", livemode.to_owned());
    let root = target::root(
        list(case.snapshot, "accounts"),
        text(key, "owner").unwrap_or_default(),
    );
    if root.starts_with("org_") {
        case.establish_quoted("org", &root);
    }
    Ok(())
}

/// The key is alive.
pub(super) fn rule_4(case: &mut Case) -> Result<(), &'static str> {
    let key = case.key.ok_or("unknown_key")?;
    let now = case.request.now;
    if text(key, "status") == Some("deleted") {
        return Err("deleted_key");
    }
    if number(key, "expires_at").is_some_and(|expires_at| now >= expires_at) {
        return Err("expired_key");
    }
    if number(key, "not_before").is_some_and(|not_before| now < not_before) {
        return Err("inactive_key");
    }
    let accounts = list(case.snapshot, "accounts");
    let owner = target::account(accounts, text(key, "owner").unwrap_or_default());
    if owner.and_then(|owner| text(owner, "status")) == Some("suspended") {
        return Err("suspended_account");
    }
    case.is_alive = true;
    Ok(())
}

/// The client's address is one of those that the key is bound to.
pub(super) fn rule_5(case: &mut Case) -> Result<(), &'static str> {
    let key = case.key.ok_or("unknown_key")?;
    let ranges = texts(key, "allowed_ips");
    if ranges.is_empty() {
        return Ok(());
    }
    match case.request.address {
        Some(client) if ranges.iter().any(|range| address::is_in(client, range)) => Ok(()),
        Some(_) | None => Err("ip_not_allowed"),
    }
}

/// This gateway serves the key's mode.
pub(super) fn rule_6(case: &mut Case) -> Result<(), &'static str> {
    let is_live = flag(case.key.ok_or("unknown_key")?, "livemode");
    let is_served = match text(case.configuration, "serve_mode") {
        Some("live") => is_live,
        Some("test") => !is_live,
        _ => true,
    };
    if is_served {
        Ok(())
    } else {
        Err("livemode_mismatch")
    }
}

/// The identity headers are spelled correctly, and the version is valid.
pub(super) fn rule_7(case: &mut Case) -> Result<(), &'static str> {
    if case.headers.is_identity_misspelled {
        return Err("malformed_header");
    }
    let key = case.key.ok_or("unknown_key")?;
    match case.headers.ours("stripe-version") {
        Ours::Absent if text(key, "kind") == Some("organization") => Err("missing_version"),
        Ours::Absent => Ok(()),
        Ours::Malformed => Err("invalid_version"),
        Ours::One(version) => {
            let listed = texts(case.snapshot, "api_versions");
            if syntax::is_version(&version) && (listed.is_empty() || listed.contains(&version)) {
                Ok(())
            } else {
                Err("invalid_version")
            }
        }
    }
}

/// The method is valid, and so is the endpoint for a key whose permissions matter.
pub(super) fn rule_9(case: &mut Case) -> Result<(), &'static str> {
    if !METHODS.contains(&case.request.method.as_slice()) || is_refused_upgrade(case) {
        return Err("unknown_endpoint");
    }
    let key = case.key.ok_or("unknown_key")?;
    let authority = authority(case, key);
    if matches!(authority, Authority::Everything) {
        return Ok(());
    }
    if has_override(case) {
        return Err("unknown_endpoint");
    }
    let endpoint = catalogue::find(case.endpoints, &case.request.method, &case.request.path)
        .ok_or("unknown_endpoint")?;

    let level = endpoint.level();
    let servable = endpoint.permissions.iter().find(|name| serves(case, name));
    let permission = authority
        .granted(&endpoint.permissions, &level)
        .or(servable)
        .or(endpoint.permissions.first());
    if let Some(permission) = permission {
        case.establish_quoted("permission", permission);
        case.establish("access", level);
    }
    case.endpoint = Some(endpoint);
    Ok(())
}

/// A publishable key calls an endpoint that is open to publishable keys.
pub(super) fn rule_10(case: &mut Case) -> Result<(), &'static str> {
    if !is_publishable(case.key.ok_or("unknown_key")?) {
        return Ok(());
    }
    match &case.endpoint {
        Some(endpoint) if endpoint.is_publishable => Ok(()),
        Some(_) | None => Err("secret_key_required"),
    }
}

/// The key grants the endpoint's permission at its level.
pub(super) fn rule_11(case: &mut Case) -> Result<(), &'static str> {
    let key = case.key.ok_or("unknown_key")?;
    if is_publishable(key) {
        return Ok(());
    }
    let authority = authority(case, key);
    match (&authority, &case.endpoint) {
        (Authority::Everything, _) => Ok(()),
        (Authority::NothingOnConnected, _) => Err("no_connect_permission"),
        (Authority::Grants(_), Some(endpoint))
            if authority
                .granted(&endpoint.permissions, &endpoint.level())
                .is_some() =>
        {
            rule_11_expansions(case, &authority)
        }
        (Authority::Grants(_), endpoint) => {
            let asked = endpoint.as_ref().map(|endpoint| &endpoint.permissions[..]);
            Err(lack_of(case, asked.unwrap_or_default()))
        }
    }
}

/// Returns the reason if the key has none of these permissions.
fn lack_of(case: &Case, permissions: &[String]) -> &'static str {
    if permissions.iter().any(|name| serves(case, name)) {
        "insufficient_permission"
    } else {
        "no_connect_permission"
    }
}

/// What the query expands also counts as read. Without Stripe's catalogue, `expand` is a parameter
/// like any other.
fn rule_11_expansions(case: &mut Case, authority: &Authority) -> Result<(), &'static str> {
    if text(case.snapshot, "catalogue") == Some("none") {
        return Ok(());
    }
    let graph = &case.builtin.graph;
    let endpoint = case.endpoint.as_ref().ok_or("unknown_endpoint")?;
    let (asked, is_unknown) = expansions::asked(graph, endpoint, case.request);
    for any_of in asked {
        if authority.granted(&any_of, "read").is_none() {
            let named = any_of.iter().find(|name| serves(case, name));
            case.establish_quoted("permission", named.unwrap_or(&any_of[0]));
            case.establish("access", "read".to_owned());
            return Err(lack_of(case, &any_of));
        }
    }
    if is_unknown {
        return Err("unknown_expansion");
    }
    Ok(())
}

fn is_publishable(key: &Value) -> bool {
    text(key, "kind") == Some("publishable")
}
