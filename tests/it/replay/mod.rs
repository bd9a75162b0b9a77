//! `keyward replay` with a real Envoy: the command predicts the result of every request in a log,
//! and Envoy answers accordingly once the new snapshot is pushed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::process::Folder;
use crate::support::replay::{
    FENCED, FULL, GROWN, NARROWED, ORGANIZATION, RENAMED, RESTORED, REVOKED, ROTATED, SHADOWED,
    SHRUNK, STRANGER, VERIFY, replay, sides, written,
};
use crate::support::{BOUND, Envoy, Push, eventually};

/// A request, and whether a log contains enough about it.
pub struct Sent {
    pub method: &'static str,
    pub path: &'static str,
    pub template: &'static str,
    pub key: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub times: u64,
    pub is_told: bool,
}

fn sent(method: &'static str, path: &'static str, key: &'static str, times: u64) -> Sent {
    Sent {
        method,
        path,
        template: path,
        key,
        headers: Vec::new(),
        times,
        is_told: true,
    }
}

impl Sent {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn at(self, template: &'static str) -> Self {
        Self { template, ..self }
    }

    /// Marks a request whose verdict depends on something that is not logged.
    fn untold(self) -> Self {
        Self {
            is_told: false,
            ..self
        }
    }
}

pub fn load() -> Vec<Sent> {
    vec![
        sent("GET", "/v1/balance", FULL, 5),
        sent("GET", "/v1/balance", FULL, 3).with("stripe-context", "acct_2"),
        sent("GET", "/v1/customers", SHRUNK, 4),
        sent("POST", "/v1/customers", SHRUNK, 3),
        sent("POST", "/v1/customers/cus_1", SHRUNK, 2).at("/v1/customers/{id}"),
        sent("POST", "/v1/customers/cus_2", SHRUNK, 1).at("/v1/customers/{id}"),
        sent("GET", "/v1/charges", SHRUNK, 2),
        sent("GET", "/v1/balance", SHRUNK, 1).with("stripe-account", "acct_2"),
        sent("GET", "/v1/charges", GROWN, 6),
        sent("POST", "/v1/charges", GROWN, 1),
        sent("DELETE", "/v1/customers/cus_1", REVOKED, 2).at("/v1/customers/{id}"),
        sent("GET", "/v1/balance", RESTORED, 7),
        sent("GET", "/v1/balance", ROTATED, 2),
        sent("GET", "/v1/balance", RENAMED, 2),
        sent("GET", "/v1/balance", FENCED, 3),
        sent("GET", "/v1/balance", ORGANIZATION, 2)
            .with("stripe-version", "2026-01-28.clover")
            .with("stripe-context", "acct_1/acct_2"),
        sent("GET", "/v1/balance", ORGANIZATION, 2)
            .with("stripe-version", "2026-10-28.endive")
            .with("stripe-context", "acct_1"),
        sent("GET", "/v1/balance", ORGANIZATION, 1)
            .with("stripe-version", "2026-10-28.endive")
            .with("stripe-context", "org_1"),
        sent("GET", "/v1/charges", SHADOWED, 2),
        sent("GET", "/v1/customers", SHADOWED, 2),
        sent("GET", "/v1/balance", NARROWED, 2),
        sent("GET", "/v1/nowhere", NARROWED, 1),
        sent("GET", "/v1/customers", NARROWED, 1),
        sent("GET", "/v1/widgets/w_1", "", 3).at("/v1/widgets/{id}"),
        sent("GET", "/v1/widgets/w_1", STRANGER, 2).at("/v1/widgets/{id}"),
        sent("GET", "/v1/widgets/w_1", FULL, 2).at("/v1/widgets/{id}"),
        sent("GET", "/v1/balance", STRANGER, 2),
        sent("GET", "/v1/balance", "", 2),
        sent("GET", "/v1/balance", "two words", 1),
        sent("OPTIONS", "/v1/balance", "", 2)
            .with("origin", "https://example.com")
            .with("access-control-request-method", "GET"),
        sent("GET", VERIFY, FULL, 2),
        sent("GET", VERIFY, REVOKED, 2),
        sent("POST", VERIFY, STRANGER, 1),
        // What no log shows.
        sent("GET", "/v1/balance", FULL, 2)
            .with("stripe-version", "1999-01-01")
            .untold(),
        sent("GET", "/v1/balance", FULL, 1)
            .with("stripe-context", "acct_3")
            .untold(),
        sent("GET", "/v1/balance", ORGANIZATION, 1)
            .with("stripe-context", "acct_1")
            .untold(),
        sent("GET", "/v1/customers?expand[]=nothing", GROWN, 2).untold(),
        sent("GET", "/v1/customers", GROWN, 1)
            .with("x-original-url", "/v1/charges")
            .untold(),
    ]
}

/// Sends all requests in order, and returns the verdict of each from the access log.
fn play(envoy: &Envoy, requests: &[Sent]) -> Vec<String> {
    let before = envoy.access_log().len();
    let mut count = 0;
    for request in requests {
        for _ in 0..request.times {
            let mut headers: Vec<(&str, String)> = request
                .headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            if !request.key.is_empty() {
                headers.push(("authorization", format!("Bearer {}", request.key)));
            }
            envoy.request(request.method, request.path, &headers, b"");
            count += 1;
        }
    }
    let lines = eventually("every request is in the log", BOUND, || {
        let lines = envoy.access_log();
        (lines.len() == before + count).then_some(lines)
    });
    lines[before..].iter().map(verdict).collect()
}

/// Returns a line's verdict, in replay's words.
fn verdict(line: &Value) -> String {
    let state = line["keyward"].as_str().unwrap();
    let words: Vec<&str> = state.split(' ').collect();
    match words[..] {
        ["allow", second, ..] if second.starts_with("would_deny=") => format!("allow {second}"),
        ["allow", kind @ ("public" | "preflight"), ..] => format!("allow {kind}"),
        ["allow", ..] => "allow".to_owned(),
        ["verify", ..] => "verify".to_owned(),
        ["deny", reason, ..] => format!("deny {reason}"),
        _ => panic!("{state}"),
    }
}

type Groups = BTreeMap<(String, String, String, String), u64>;

#[test]
fn what_it_foretells_is_what_the_gateway_then_answers() {
    let both = sides();
    let folder = Folder::new("replay");
    let (old, new) = written(&folder, &both);
    let envoy = Envoy::builder().config(both.0.to_string()).start();
    let requests = load();
    let before = play(&envoy, &requests);
    // A copy of the log: replay must not read lines that come later.
    let log = folder.path().join("access.log");
    std::fs::copy(envoy.directory().join("access.log"), &log).unwrap();
    let output = replay(&["--json", "--old", &old, "--new", &new], &[&log]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(envoy.push_and_wait(&both.1.to_string()), Push::Accepted);
    eventually("the new snapshot is served", BOUND, || {
        let answer = envoy.get(
            "/v1/balance",
            &[("authorization", format!("Bearer {REVOKED}"))],
        );
        (answer.status == 401).then_some(())
    });
    eventually("its lines are in the log", BOUND, || {
        envoy
            .access_log()
            .last()
            .filter(|line| verdict(line) == "deny deleted_key")
            .map(|_| ())
    });
    let after = play(&envoy, &requests);

    // The changes, request by request.
    let mut expected = Groups::new();
    let (mut compared, mut untold, mut place) = (0, 0, 0);
    for request in &requests {
        for _ in 0..request.times {
            let (was, is) = (&before[place], &after[place]);
            place += 1;
            if !request.is_told {
                untold += 1;
                continue;
            }
            compared += 1;
            if was != is {
                let endpoint = format!("{} {}", request.method, request.template);
                *expected
                    .entry((request.key.to_owned(), endpoint, was.clone(), is.clone()))
                    .or_insert(0) += 1;
            }
        }
    }
    let ids: BTreeMap<&str, &str> = BTreeMap::from([
        (FULL, "mk_full"),
        (SHRUNK, "mk_shrunk"),
        (GROWN, "mk_grown"),
        (REVOKED, "mk_revoked"),
        (RESTORED, "mk_restored"),
        (ROTATED, "mk_rotated"),
        (RENAMED, "mk_renamed"),
        (FENCED, "mk_fenced"),
        (ORGANIZATION, "mk_org"),
        (SHADOWED, "mk_shadowed"),
        (NARROWED, "mk_narrowed"),
    ]);
    let mut by_id = Groups::new();
    for ((key, endpoint, was, is), count) in expected {
        let id = ids.get(&*key).copied().unwrap_or("").to_owned();
        *by_id.entry((id, endpoint, was, is)).or_insert(0) += count;
    }
    let mut foretold = Groups::new();
    for group in told["groups"].as_array().unwrap() {
        let text = |name: &str| group[name].as_str().unwrap_or("").to_owned();
        *foretold
            .entry((text("key"), text("endpoint"), text("old"), text("new")))
            .or_insert(0) += group["count"].as_u64().unwrap();
    }
    // A difference in the permission only is not another verdict.
    foretold.retain(|(_, _, was, is), _| was != is);
    assert_eq!(foretold, by_id);
    assert!(by_id.len() >= 15, "{by_id:?}");
    assert_eq!(told["compared"], compared);
    let not_compared = told["not_compared"].as_array().unwrap().iter();
    let counts: u64 = not_compared.map(|one| one["count"].as_u64().unwrap()).sum();
    assert_eq!(counts, untold, "{}", told["not_compared"]);
    let flips = |name: &str| told[name].as_u64().unwrap();
    assert_eq!(
        flips("flips"),
        flips("breaks") + flips("opens") + flips("moves")
    );
}
