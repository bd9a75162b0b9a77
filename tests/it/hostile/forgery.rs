//! Identity headers that a client wrote itself: the upstream receives the one that keyward wrote,
//! or none.

use serde_json::{Value, json};

use super::{FULL, Gate, Headers, LIMITED, SHADOW, caller, folded, pairs};
use crate::support::upstream::Seen;

/// All names that an upstream may expect an identity under, in any of these configurations.
const IDENTITY: [&str; 4] = [
    "x-keyward-principal",
    "x-caller",
    "x-account-id",
    "x-permission",
];

/// A kind of request that passes.
struct Passing {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: Headers,
    /// The key's id and the permission that the upstream may receive.
    identity: Option<(&'static str, Option<&'static str>)>,
}

fn passing(is_shadow: bool) -> Vec<Passing> {
    let passing = |name, method, path, headers, identity| Passing {
        name,
        method,
        path,
        headers,
        identity,
    };
    let preflight = pairs(&[
        ("origin", "https://a"),
        ("access-control-request-method", "POST"),
    ]);
    let mut all = vec![
        passing(
            "full",
            "GET",
            "/v1/balance",
            caller(Some(FULL)),
            Some(("mk_full", None)),
        ),
        passing(
            "limited",
            "GET",
            "/v1/customers",
            caller(Some(LIMITED)),
            Some(("mk_limited", Some("customer"))),
        ),
        passing("public", "GET", "/healthz", Vec::new(), None),
        passing(
            "public with a key",
            "GET",
            "/healthz",
            caller(Some(FULL)),
            None,
        ),
        passing("public with a body", "POST", "/hooks/a", Vec::new(), None),
        passing("preflight", "OPTIONS", "/v1/balance", preflight, None),
        passing(
            "shadow key",
            "GET",
            "/v1/charges",
            caller(Some(SHADOW)),
            Some(("mk_shadow", Some("charge"))),
        ),
        passing(
            "shadow key nowhere",
            "GET",
            "/nowhere",
            caller(Some(SHADOW)),
            Some(("mk_shadow", None)),
        ),
    ];
    if is_shadow {
        all.push(passing("nobody", "GET", "/v1/balance", Vec::new(), None));
        all.push(passing(
            "stranger",
            "GET",
            "/v1/balance",
            caller(Some("sk_test_FAKE-nobody-01")),
            None,
        ));
        all.push(passing(
            "malformed",
            "GET",
            "/v1/balance",
            pairs(&[("authorization", "")]),
            None,
        ));
    }
    all
}

/// Returns spellings of one name. Those with capitals are for HTTP/1.1 only.
fn spellings(name: &str) -> Vec<String> {
    let half = name.replacen('-', "_", 1);
    vec![
        name.replace('-', "."),
        name.replacen('-', "~", 1).to_uppercase(),
        name.to_owned(),
        name.to_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "_").to_uppercase(),
        half.clone(),
        half.to_uppercase(),
    ]
}

/// Returns forged headers in several spellings and numbers.
fn forgeries() -> Vec<Headers> {
    let forged = "key=\"mk_forged\", kind=secret, livemode=?1";
    let mut all = Vec::new();
    for name in IDENTITY {
        for spelling in spellings(name) {
            all.push(pairs(&[(&spelling, forged)]));
            all.push(pairs(&[
                (&spelling, ""),
                (&spelling, forged),
                (&spelling, ""),
            ]));
        }
        let every: Vec<String> = spellings(name);
        all.push(
            every
                .iter()
                .flat_map(|spelling| pairs(&[(spelling, forged)]))
                .collect(),
        );
    }
    let every = IDENTITY.iter().flat_map(|name| spellings(name));
    all.push(
        every
            .flat_map(|spelling| pairs(&[(&spelling, forged), (&spelling, "mk_forged")]))
            .collect(),
    );
    all
}

/// Compares what the upstream received with what it may receive. Each name is either an identity
/// header of this configuration, or not one of keyward's names at all.
#[track_caller]
fn check(seen: &Seen, case: &Passing, ours: &[(&str, Value)], what: &str) {
    for name in IDENTITY {
        let Some((_, wanted)) = ours.iter().find(|(own, _)| *own == name) else {
            continue;
        };
        let told = super::values(seen, name);
        let truth = match (wanted, case.identity) {
            (_, None) => None,
            (Value::String(kind), Some((key, permission))) => match kind.as_str() {
                "principal" => Some(format!("key=\"{key}\", ")),
                "account" => Some("acct_1".to_owned()),
                _ => permission.map(str::to_owned),
            },
            (_, Some(_)) => None,
        };
        match truth {
            None => assert!(told.is_empty(), "{what}: {name} is {told:?}"),
            Some(truth) => {
                assert_eq!(told.len(), 1, "{what}: {name}");
                assert!(
                    told[0].starts_with(truth.as_bytes()),
                    "{what}: {name} is `{}`",
                    told[0].escape_ascii()
                );
                assert!(
                    !told[0].windows(6).any(|part| part == b"forged"),
                    "{what}: {name}"
                );
            }
        }
        let misspelled = seen
            .headers
            .iter()
            .any(|(held, _)| folded(held) == name && !held.eq_ignore_ascii_case(name.as_bytes()));
        assert!(!misspelled, "{what}: {name}");
    }
}

fn storm(settings: Value, ours: &[(&str, Value)]) {
    let is_shadow = settings["enforcement"] == "shadow";
    let gate = Gate::open(settings.clone(), |builder| builder.allow_underscores());
    let mut sent = 0;
    for _ in gate.settings() {
        for case in passing(is_shadow) {
            for forged in forgeries() {
                let headers = [case.headers.clone(), forged].concat();
                let capitals = headers
                    .iter()
                    .any(|(name, _)| name.iter().any(u8::is_ascii_uppercase));
                for http2 in [false, true] {
                    if http2 && capitals {
                        continue;
                    }
                    let send = if http2 { Gate::http2 } else { Gate::http1 };
                    let (answer, seen) = gate.seen_during(|| {
                        send(
                            &gate,
                            case.method.as_bytes(),
                            case.path.as_bytes(),
                            &headers,
                            b"",
                        )
                    });
                    let answer = answer.unwrap();
                    let what = format!(
                        "{settings}: {}, http2 {http2}, {:?}",
                        case.name,
                        headers
                            .iter()
                            .map(|(name, _)| name.escape_ascii().to_string())
                            .collect::<Vec<_>>()
                    );
                    // A forged name that is spelled with `_` is denied if a rule can deny it.
                    let misspelled = headers.iter().any(|(name, _)| {
                        ours.iter().any(|(own, _)| {
                            *own == folded(name) && !name.eq_ignore_ascii_case(own.as_bytes())
                        })
                    });
                    let may_fail =
                        misspelled && !is_shadow && matches!(case.name, "full" | "limited");
                    assert_eq!(
                        answer.header("x-keyward-denied"),
                        may_fail.then_some("malformed_header"),
                        "{what}"
                    );
                    assert_eq!(seen.len(), usize::from(!may_fail), "{what}");
                    sent += 1;
                    for seen in seen {
                        // If a misspelled name would have been denied, rule 7 failed, and later
                        // rules reported nothing.
                        if !(misspelled && case.identity.is_some()) {
                            check(&seen, &case, ours, &what);
                        } else {
                            let told = super::values(&seen, ours[0].0);
                            assert!(
                                !told.concat().windows(6).any(|part| part == b"forged"),
                                "{what}"
                            );
                            assert!(told.len() <= 1, "{what}");
                        }
                    }
                }
            }
        }
    }
    gate.assert_sound(sent);
}

#[test]
fn a_forged_identity_never_arrives() {
    storm(json!({}), &[("x-keyward-principal", json!("principal"))]);
}

#[test]
fn a_forged_identity_never_arrives_under_the_old_name_of_a_renamed_header() {
    storm(
        json!({"principal_header": "x-caller", "identity_headers": {"x-account-id": "account", "x-permission": "permission"}}),
        &[
            ("x-caller", json!("principal")),
            ("x-keyward-principal", json!(null)),
            ("x-account-id", json!("account")),
            ("x-permission", json!("permission")),
        ],
    );
}

#[test]
fn a_forged_identity_never_arrives_where_the_header_is_off() {
    storm(
        json!({"principal_header": "", "identity_headers": {"x-permission": "permission"}, "enforcement": "shadow"}),
        &[
            ("x-permission", json!("permission")),
            ("x-keyward-principal", json!(null)),
        ],
    );
}

#[test]
fn a_forged_identity_never_arrives_at_a_gateway_in_shadow() {
    storm(
        json!({"enforcement": "shadow"}),
        &[("x-keyward-principal", json!("principal"))],
    );
}
