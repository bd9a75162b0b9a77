//! Rule 8: ids and paths of accounts match the contract's pattern, and a path leads to where its
//! segments lead, one by one.

use std::sync::LazyLock;

use keyward::account::{AccountPath, IdKind, IdPrefixes};
use keyward::snapshot::Snapshot;
use regex::bytes::Regex;
use serde_json::json;

use super::{STRIPE, pattern, take};

static ID: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A[A-Za-z0-9_-]{1,64}\z"));
static PATH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\Aacct_[A-Za-z0-9_-]{1,59}(?:/acct_[A-Za-z0-9_-]{1,59}){0,7}\z"));

/// The prefixes of ids of accounts and organizations, some of them hard to distinguish.
const PREFIXES: [(&str, &str); 4] = [("acct_", "org_"), ("", "org_"), ("a", "ab"), ("ab", "a")];

/// Id, parent, whether unlisted children are accepted, whether it is suspended.
const ACCOUNTS: [(&str, Option<&str>, bool, bool); 6] = [
    ("acct_1", None, false, false),
    ("acct_2", Some("acct_1"), false, false),
    ("acct_3", Some("acct_2"), true, false),
    ("acct_4", Some("acct_2"), false, true),
    ("acct_5", Some("acct_4"), false, false),
    ("acct_9", None, true, false),
];

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let accounts = ACCOUNTS.map(|(id, parent, takes_any, is_suspended)| {
        let mut account = json!({"id": id});
        account["children"] = json!(if takes_any { "any" } else { "listed" });
        account["status"] = json!(if is_suspended { "suspended" } else { "active" });
        if let Some(parent) = parent {
            account["parent"] = json!(parent);
        }
        account
    });
    let snapshot = json!({
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": accounts, "keys": [], "empty": true,
    });
    Snapshot::from_json(snapshot.to_string().as_bytes(), &STRIPE).unwrap()
});

/// The first byte chooses the prefixes, and the rest is the header's value.
pub fn run(mut input: &[u8]) {
    let chosen = usize::from(take(&mut input)) % PREFIXES.len();
    let (account, organization) = PREFIXES[chosen];
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let prefixes = IdPrefixes {
        account: account.into(),
        organization: organization.into(),
    };
    assert_eq!(
        prefixes.kind(text),
        kind(text, account, organization),
        "{text:?}"
    );
    let path = AccountPath::parse(text, &prefixes);
    let segments: Vec<&str> = text.split('/').collect();
    let is_path = segments.len() <= 8
        && segments
            .iter()
            .all(|id| kind(id, account, organization) == Some(IdKind::Account));
    assert_eq!(path.is_some(), is_path, "{text:?}");
    if chosen == 0 {
        assert_eq!(is_path, PATH.is_match(input), "{text:?}");
    }
    if let Some(path) = path {
        assert_eq!(path.as_str(), text);
        assert_eq!(path.segments().collect::<Vec<_>>(), segments);
        assert_eq!(Some(&path.target()), segments.last());
        assert_eq!(path.is_nested(), segments.len() > 1);
        let accounts = SNAPSHOT.accounts();
        for (start, ..) in ACCOUNTS {
            let index = accounts.find(start).unwrap();
            let reaches = accounts.reaches(index, path, |_| true);
            assert_eq!(reaches, leads(start, &segments), "{start} {text}");
        }
    }
}

fn kind(id: &str, account: &str, organization: &str) -> Option<IdKind> {
    let fits = |prefix: &str| id.len() > prefix.len() && id.starts_with(prefix);
    if !ID.is_match(id.as_bytes()) {
        return None;
    }
    match (fits(account), fits(organization)) {
        (true, true) if organization.len() > account.len() => Some(IdKind::Organization),
        (true, _) => Some(IdKind::Account),
        (false, true) => Some(IdKind::Organization),
        (false, false) => None,
    }
}

/// Returns whether every step is a listed edge to an active account, or the last one is an unlisted
/// id below an account that accepts any.
fn leads(start: &str, segments: &[&str]) -> bool {
    let listed = |id: &str| ACCOUNTS.iter().find(|account| account.0 == id);
    let Some((next, rest)) = segments.split_first() else {
        return true;
    };
    match (listed(start), listed(next)) {
        (Some(_), Some((_, parent, _, is_suspended))) => {
            *parent == Some(start) && !is_suspended && leads(next, rest)
        }
        (Some((_, _, takes_any, _)), None) => *takes_any && rest.is_empty(),
        (None, _) => false,
    }
}
