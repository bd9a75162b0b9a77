//! Rule 8: which account a request is for, and whether the key reaches it.

use serde_json::Value;

use super::headers::Ours;
use super::{Case, catalogue, list, syntax, text};

pub(super) fn rule_8(case: &mut Case) -> Result<(), &'static str> {
    let key = case.key.ok_or("unknown_key")?;
    let owner = text(key, "owner").unwrap_or_default();
    let is_organization_key = text(key, "kind") == Some("organization");

    if is_organization_key && !case.headers.has_any_spelling("stripe-context") {
        return Err("missing_context");
    }
    if !case.headers.has_any_spelling("stripe-context")
        && case.headers.has_any_spelling("stripe-account")
        && text(case.snapshot, "catalogue") != Some("none")
        && catalogue::may_be_v2(&case.request.path)
    {
        return Err("unsupported_header");
    }
    let context = path_in(case, "stripe-context", is_organization_key)?;
    let account = path_in(case, "stripe-account", is_organization_key)?;
    if context.is_some() && account.is_some() && context != account {
        return Err("conflicting_context");
    }
    let named = context.or(account);

    let accounts = list(case.snapshot, "accounts");
    if is_organization_key {
        let path = named.ok_or("missing_context")?;
        if path == [owner] {
            // The organization itself: no account, and no path.
            return Ok(());
        }
        walk(accounts, owner, &path)?;
        case.is_connected = path.len() >= 2;
        resolve(case, &path);
        return Ok(());
    }

    let path = named.unwrap_or_else(|| vec![owner.to_owned()]);
    if path == [owner] {
        resolve(case, &path);
        return Ok(());
    }
    if !is_platform(accounts, owner) {
        return Err("not_a_platform");
    }
    walk(accounts, owner, &path)?;
    case.is_connected = true;
    let mut whole = vec![owner.to_owned()];
    whole.extend(path);
    resolve(case, &whole);
    Ok(())
}

/// Returns the path in a header, or `None` if the header is absent.
fn path_in(
    case: &Case,
    header: &str,
    is_organization_key: bool,
) -> Result<Option<Vec<String>>, &'static str> {
    match case.headers.ours(header) {
        Ours::Absent => Ok(None),
        Ours::Malformed => Err("malformed_context"),
        Ours::One(value) => match syntax::context(&value, is_organization_key) {
            Some(path) => Ok(Some(path)),
            None => Err("malformed_context"),
        },
    }
}

/// Walks down from the owner. Every step is a listed edge, or an unlisted id below an account with
/// any children.
fn walk(accounts: &[Value], owner: &str, path: &[String]) -> Result<(), &'static str> {
    let mut parent = owner;
    for step in path {
        let is_accessible = match account(accounts, step) {
            Some(listed) => {
                text(listed, "parent") == Some(parent)
                    && text(listed, "status") != Some("suspended")
            }
            // Only accounts are children, so the id of another organization is not accessible.
            None => {
                step.starts_with("acct_")
                    && has_any_children(accounts, parent)
                    && !holds_a_key(step)
            }
        };
        if !is_accessible {
            return Err("account_not_accessible");
        }
        parent = step;
    }
    Ok(())
}

fn resolve(case: &mut Case, path: &[String]) {
    if let Some(target) = path.last() {
        case.establish_quoted("account", target);
        case.establish_quoted("path", &path.join("/"));
    }
}

fn is_platform(accounts: &[Value], owner: &str) -> bool {
    let has_listed = accounts
        .iter()
        .any(|account| text(account, "parent") == Some(owner));
    has_listed || has_any_children(accounts, owner)
}

fn has_any_children(accounts: &[Value], id: &str) -> bool {
    account(accounts, id).and_then(|account| text(account, "children")) == Some("any")
}

pub(super) fn account<'a>(accounts: &'a [Value], id: &str) -> Option<&'a Value> {
    accounts
        .iter()
        .find(|account| text(account, "id") == Some(id))
}

/// Returns the root of an account's tree.
pub(super) fn root(accounts: &[Value], id: &str) -> String {
    match account(accounts, id).and_then(|account| text(account, "parent")) {
        Some(parent) => root(accounts, parent),
        None => id.to_owned(),
    }
}

/// Returns whether the id contains a key. An unlisted id is written to logs unchanged, so it must
/// not contain one.
fn holds_a_key(id: &str) -> bool {
    let prefixes = [
        "sk_test_", "sk_live_", "rk_test_", "rk_live_", "pk_test_", "pk_live_", "sk_org_",
    ];
    prefixes
        .iter()
        .any(|prefix| id.split(prefix).skip(1).any(|rest| !rest.is_empty()))
}
