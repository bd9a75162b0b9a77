//! Paths that only resemble an endpoint never pass for a limited key: unknown paths, other methods,
//! other spellings, and 10,000 seeded random paths close to real ones. A naive matcher in this file
//! decides which of those are endpoints after all.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::{Grants, Keys, Library};
use super::chance::Chance;
use super::naive::{fits, naive, split};
use super::{Permission, Row, permissions, rows};

/// Returns every permission, at level write.
fn everything(permissions: &[Permission]) -> Grants {
    let all = permissions.iter();
    all.map(|known| (known.name.clone(), "write")).collect()
}

/// Returns every second permission at level read: as written, and with what it implies.
fn half(permissions: &[Permission]) -> (Grants, Grants) {
    let written = permissions.iter().step_by(2);
    let written: Grants = written.map(|known| (known.name.clone(), "read")).collect();
    let mut held = written.clone();
    for known in permissions.iter().step_by(2) {
        held.extend(known.implied.iter().map(|name| (name.clone(), "read")));
    }
    (written, held)
}

/// Asserts that no endpoint has these methods and paths.
#[track_caller]
fn assert_unknown<'a>(requests: impl IntoIterator<Item = (&'a str, String)>) {
    let mut keys = Keys::default();
    let key = keys.with(everything(&permissions()));
    let library = Library::new(&keys);
    for (method, path) in requests {
        let answer = library.ask(method, &path, &key);
        let reason = answer.reason.as_deref();
        assert_eq!(reason, Some("unknown_endpoint"), "{method} {path}");
    }
}

#[test]
fn unknown_paths_do_not_pass() {
    let paths = [
        "/",
        "/v1",
        "/v1/",
        "/v2",
        "/v3/customers",
        "/customers",
        "/v1/nowhere",
        "/v1/customer",
        "/v1/customerss",
        "/v1/customers/",
        "/v1/customers/cus_1/",
        "/v1/customers/cus_1/nowhere",
        "/v1/charges/ch_1/capture/x",
        "/api/v1/customers",
        "/v1/v1/customers",
        "/v1/customers/cus_1/sources/x/y/z",
        "/index.html",
        "/v1/customers.json",
        "/v1/customers%20",
        "/healthz",
        "*",
        "",
    ];
    assert_unknown(paths.map(|path| ("GET", path.to_owned())));
}

#[test]
fn other_methods_do_not_pass() {
    let rows = rows();
    let shape = |row: &Row| {
        let segments = row
            .path
            .split('/')
            .map(|segment| match segment.chars().next() {
                Some('{') => "{}",
                _ => segment,
            });
        segments.collect::<Vec<_>>().join("/")
    };
    let known: BTreeSet<(String, String)> = rows
        .iter()
        .map(|row| (row.method.clone(), shape(row)))
        .collect();
    // A parameter in another row may match the same path.
    let is_literal = |row: &&Row| !row.path.contains('{');
    let mut requests = Vec::new();
    for row in rows.iter().filter(is_literal) {
        for method in [
            "GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "QUERY", "get",
            "post", "",
        ] {
            let listed = if method == "HEAD" { "GET" } else { method };
            let by_parameter = rows
                .iter()
                .any(|other| other.method == listed && fits(other, &split(&row.path)));
            if !known.contains(&(listed.to_owned(), shape(row))) && !by_parameter {
                requests.push((method, row.path.clone()));
            }
        }
    }
    assert!(requests.len() > 1_000, "{}", requests.len());
    assert_unknown(requests);
}

#[test]
fn other_spellings_of_every_row_do_not_pass() {
    let mut requests = Vec::new();
    let rows = rows();
    for row in &rows {
        let path = row.sample();
        let spellings = [
            path.to_uppercase(),
            path.replacen("/v", "/V", 1),
            path.replacen("/v", "/%76", 1),
            format!("{path}/"),
            format!("/{path}"),
            format!("{path}/."),
            format!("{path}/.."),
            format!("/.{path}"),
            format!("/x/..{path}"),
            format!("{path};v=1"),
            format!("{path}%2F"),
            format!("{path}%00"),
            format!("{path}#x"),
            format!("{path}\\"),
            format!("http://api.example.com{path}"),
        ];
        for spelling in spellings {
            // `/OAUTH` has no `/v` to change, and a wildcard accepts a slash at the end.
            let is_taken = row.path.contains("{*") && spelling == format!("{path}/");
            if spelling != path && !is_taken {
                requests.push((row.method.as_str(), spelling));
            }
        }
    }
    assert!(requests.len() > 9_000, "{}", requests.len());
    assert_unknown(requests);
}

/// The number of random requests.
const REQUESTS: usize = 10_000;

#[test]
fn random_paths_near_real_ones_pass_only_as_the_rows_they_are() {
    let (rows, permissions) = (rows(), permissions());
    let mut keys = Keys::default();
    let (written, held) = half(&permissions);
    let (all, some) = (keys.with(everything(&permissions)), keys.with(written));
    let library = Library::new(&keys);
    let mut chance = Chance(0x6b65_7977_6172_6431);
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..REQUESTS {
        let (method, path) = chance.request(&rows);
        let row = naive(&rows, &method, &path);
        let place = || format!("request {number}: {method} {path:?}");

        let answer = library.ask(&method, &path, &all);
        let Some(row) = row else {
            *met.entry("no endpoint").or_default() += 1;
            let reason = answer.reason.as_deref();
            assert_eq!(reason, Some("unknown_endpoint"), "{}", place());
            continue;
        };
        assert_eq!(answer.reason, None, "{}", place());
        assert_eq!(
            answer.permission.as_ref(),
            Some(&row.permissions[0]),
            "{}",
            place()
        );

        // Half of the permissions, at level read: they allow exactly what they should.
        let will_do = |name: &&String| row.access == "read" && held.contains_key(*name);
        let expected = row.permissions.iter().find(will_do);
        let answer = library.ask(&method, &path, &some);
        let reason = match expected {
            Some(_) => None,
            None => Some("insufficient_permission".to_owned()),
        };
        assert_eq!(answer.reason, reason, "{}", place());
        let deciding = expected.or(row.permissions.first());
        assert_eq!(answer.permission.as_ref(), deciding, "{}", place());
        *met.entry(if expected.is_some() {
            "granted"
        } else {
            "not granted"
        })
        .or_default() += 1;
    }
    // Close enough to endpoints that all results occur.
    assert!(met["no endpoint"] > 4_000, "{met:?}");
    assert!(met["granted"] > 300, "{met:?}");
    assert!(met["not granted"] > 1_000, "{met:?}");
}

#[test]
fn the_naive_matcher_can_tell() {
    let rows = rows();
    let named = |method: &str, path: &str| naive(&rows, method, path).map(|row| row.path.as_str());
    // It does not check whether a segment with an extension is its own literal.
    assert!(rows.iter().all(|row| !row.path.contains(['.', '%'])));
    assert_eq!(
        named("GET", "/v1/consumers/a/b/"),
        Some("/v1/consumers/{*rest}")
    );
    assert_eq!(named("GET", "/v1/consumers/"), None);
    assert_eq!(named("GET", "/v1/customers"), Some("/v1/customers"));
    assert_eq!(
        named("HEAD", "/v1/customers/search"),
        Some("/v1/customers/search")
    );
    assert_eq!(
        named("GET", "/v1/customers/a%20b"),
        Some("/v1/customers/{id}")
    );
    for path in [
        "/v1/Customers",
        "/v1/customers/Search",
        "/v1/customers/search.x",
        "/v1/customers/%61",
        "/v1/customers/",
        "/v1/nowhere",
    ] {
        assert_eq!(named("GET", path), None, "{path}");
    }
}
