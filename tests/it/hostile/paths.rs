//! Paths under four ways to normalize them: whatever Envoy makes of a path, and whatever the
//! upstream makes of the result, a caller reaches only what it was granted.

use std::collections::BTreeMap;

use super::generous::{Served, served};
use super::{ENDPOINTS, Gate, Headers, LIMITED, PUBLISHABLE, caller, pairs, shown, tricks};

const CUSTOMERS: [Served; 3] = [
    ("GET", "/v1/customers"),
    ("GET", "/v1/customers/search"),
    ("GET", "/v1/customers/{id}"),
];

pub(super) fn is_granted(key: Option<&str>, endpoint: Served) -> bool {
    let is_public = ENDPOINTS
        .iter()
        .any(|(method, path, needs)| (*method, *path) == endpoint && needs.is_none());
    is_public
        || match key {
            Some(LIMITED) => CUSTOMERS.contains(&endpoint),
            Some(_) => endpoint == ("GET", "/v1/prices"),
            None => false,
        }
}

/// Returns headers next to the path that may override it.
fn overrides() -> Vec<Headers> {
    let mut all = vec![Vec::new()];
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        for name in [name.to_owned(), name.to_lowercase(), name.replace('-', "_")] {
            all.push(pairs(&[(&name, "POST")]));
        }
    }
    for name in ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI"] {
        for name in [name.to_owned(), name.to_uppercase(), name.replace('-', "_")] {
            all.push(pairs(&[(&name, "/v1/charges")]));
            all.push(pairs(&[(&name, ""), (&name, "/admin")]));
        }
    }
    all
}

/// Sends every trick as every caller over both protocols, and finds out what the upstream would
/// have served.
fn storm(name: &str) {
    let gate = Gate::with_underscores();
    gate.settings().find(|setting| *setting == name).unwrap();
    let mut sent = 0;
    let mut passed = BTreeMap::new();
    let callers = [None, Some(LIMITED), Some(PUBLISHABLE)];
    let tricks = tricks::all();
    let plain = [
        &b"/v1/customers"[..],
        b"/healthz",
        b"/v1/customers/cus_1",
        b"/open/a",
    ]
    .map(<[u8]>::to_vec);
    for key in callers {
        // Fewer endpoints are open to a publishable key, so a part of the tricks is enough.
        let step = if key == Some(PUBLISHABLE) { 3 } else { 1 };
        let cases = tricks
            .iter()
            .step_by(step)
            .map(|target| (target, Vec::new()))
            .chain(plain.iter().flat_map(|target| {
                overrides()
                    .into_iter()
                    .map(move |headers| (target, headers))
            }));
        for (target, more) in cases {
            let headers = [caller(key), more].concat();
            let lower = headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect();
            for http2 in [false, true] {
                let (answer, seen) = gate.seen_during(|| {
                    if http2 {
                        gate.http2(b"GET", target, &lower, b"")
                    } else {
                        gate.http1(b"GET", target, &headers, b"")
                    }
                });
                sent += 1;
                let status = answer.map_or(0, |answer| answer.status);
                let case = format!(
                    "{name}: `{}` as {key:?}, http2 {http2}: {status}",
                    shown(target)
                );
                assert!(status < 500, "{case}");
                assert_eq!(seen.len(), usize::from(status == 200), "{case}: {seen:?}");
                for seen in seen {
                    for endpoint in served(&seen) {
                        assert!(
                            is_granted(key, endpoint),
                            "{case} reached {endpoint:?} as `{}`",
                            shown(&seen.path)
                        );
                    }
                    *passed.entry(key).or_insert(0) += 1;
                }
            }
        }
    }
    for target in tricks::HONEST {
        for http2 in [false, true] {
            let send = if http2 { Gate::http2 } else { Gate::http1 };
            let answer = send(
                &gate,
                b"GET",
                target.as_bytes(),
                &caller(Some(LIMITED)),
                b"",
            )
            .unwrap();
            assert_eq!(answer.status, 200, "{name}: `{target}`: {}", answer.text());
        }
    }
    // If nothing came through at all, the test would prove nothing.
    assert_eq!(passed.len(), callers.len(), "{name}: {passed:?}");
    gate.assert_sound(sent / 2);
}

#[test]
fn no_path_reaches_more_than_was_granted_as_sent() {
    storm("as sent");
}

#[test]
fn no_path_reaches_more_than_was_granted_normalized() {
    storm("normalized");
}

#[test]
fn no_path_reaches_more_than_was_granted_with_slashes_merged() {
    storm("merged");
}

#[test]
fn no_path_reaches_more_than_was_granted_with_escaped_slashes_undone() {
    storm("unescaped");
}
