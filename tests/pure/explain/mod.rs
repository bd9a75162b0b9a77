//! `keyward explain` decides the whole corpus as library and Envoy do, and its account of the rules
//! fits each decision.

use serde_json::{Value, json};

use crate::support::cases::corpus::{self, Case, CaseFile, Expectation, Runner};
use crate::support::cases::outcome::{self, End, Outcome};
use crate::support::cases::sent::{NOW, changed, sent, source};
use crate::support::cases::translate;
use crate::support::command::{command, fed};
use crate::support::process::Folder;
use keyward::reason::DenyReason;
use keyward::upstream::HeaderChange;

#[test]
fn the_command_keeps_every_promise_of_the_corpus() {
    let put = keeps_every_promise_of(&corpus::load());
    // All cases except those that are limited to other runners.
    let all = corpus::load();
    let expected: usize = all
        .iter()
        .map(|file| file.cases_for(Runner::Command).count())
        .sum();
    assert_eq!(put, expected);
}

#[test]
fn the_command_keeps_them_under_another_apis_profile() {
    keeps_every_promise_of(&translate::load());
}

/// Runs all cases, and returns their number.
#[track_caller]
fn keeps_every_promise_of(files: &[CaseFile]) -> usize {
    let folder = Folder::new("explain");
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files {
        let cases: Vec<&Case> = file.cases_for(Runner::Command).collect();
        let path = folder.path().join("keyward.json");
        std::fs::write(&path, file.configuration(NOW)).unwrap();
        let lines: String = cases.iter().map(|case| question(case) + "\n").collect();
        let answers = explain(path.to_str().unwrap(), &lines);
        assert_eq!(answers.len(), cases.len(), "{}", file.name);
        let raw_keys = file.raw_keys();
        for (case, answer) in cases.into_iter().zip(answers) {
            count += 1;
            let mut differences = outcome(case, &answer).differences(case, file.api, &raw_keys);
            differences.extend(faults(case, &answer));
            let text = answer.to_string();
            let shows = |key: &&Vec<u8>| text.contains(&*String::from_utf8_lossy(key));
            if let Some(key) = raw_keys.iter().find(shows) {
                differences.push(format!("a key in clear: {}", String::from_utf8_lossy(key)));
            }
            if !differences.is_empty() {
                let differences = differences.join("\n    ");
                failures.push(format!(
                    "{}: {}\n    {differences}",
                    file.name, case.description
                ));
            }
        }
    }
    outcome::none_failed(&failures, count);
    count
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Returns a case as a line of the command's input.
fn question(case: &Case) -> String {
    let request = &case.request;
    let headers: Vec<_> = sent(request)
        .into_iter()
        .filter(|(name, _)| !name.starts_with(':'))
        .map(|(name, value)| json!([name, latin1(&value)]))
        .collect();
    let mut line = json!({
        "method": request.method.to_latin1(), "headers": headers, "body": request.body.is_some(),
        "ip": source(request.address.as_deref().unwrap_or("127.0.0.1")),
    });
    if let Some(path) = &request.path {
        line["path"] = json!(path.to_latin1());
    }
    line.to_string()
}

fn explain(configuration: &str, lines: &str) -> Vec<Value> {
    let now = NOW.to_string();
    let output = fed(
        command().args([
            "explain",
            "-c",
            configuration,
            "--at",
            &now,
            "--requests-stdin",
        ]),
        lines,
    );
    assert_eq!(output.status.code(), Some(0));
    let answers = String::from_utf8(output.stdout).unwrap();
    answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns the result of the request according to the answer.
fn outcome(case: &Case, answer: &Value) -> Outcome {
    let pairs =
        |list: &Value| -> Vec<(String, String)> { serde_json::from_value(list.clone()).unwrap() };
    let end = match answer.get("reply") {
        Some(reply) => End::Reply {
            status: reply["status"].as_u64().unwrap().try_into().unwrap(),
            headers: pairs(&reply["headers"]),
            body: Some(reply["body"].as_str().unwrap().to_owned()),
        },
        None => {
            let set = pairs(&answer["upstream"]["set"]);
            let removed: Vec<String> =
                serde_json::from_value(answer["upstream"]["remove"].clone()).unwrap();
            let bytes = |name: String| corpus::Text::from_latin1(&name).as_bytes().to_vec();
            let removed = removed
                .into_iter()
                .map(|name| HeaderChange::Remove(bytes(name).into()));
            let added = set
                .into_iter()
                .map(|(name, value)| HeaderChange::Add(name.into(), value.into()));
            End::Upstream(changed(sent(&case.request), removed.chain(added).collect()))
        }
    };
    Outcome {
        state: Some(answer["state"].as_str().unwrap().to_owned()),
        end,
    }
}

/// Returns where the account of the rules does not fit the decision that the case expects.
fn faults(case: &Case, answer: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = match &case.expect {
        Expectation::Allow { .. } => "allow",
        Expectation::Deny { .. } => "deny",
    };
    if answer["decision"] != expected || answer["reason"].as_str() != case.expect.reason() {
        faults.push(format!(
            "decision: {} {}",
            answer["decision"], answer["reason"]
        ));
    }
    let outcomes: Vec<&str> = answer["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    let failed = match (expected, case.expect.reason()) {
        (_, None) => None,
        (decision, Some(name)) => {
            let rule = DenyReason::from_name(name).unwrap().rule();
            let how = if decision == "deny" {
                "failed"
            } else {
                "failed, in shadow"
            };
            Some((usize::from(rule), how))
        }
    };
    let state = case.expect.state();
    let is_keyless = state == "allow public" || state == "allow preflight";
    for (index, outcome) in outcomes.iter().enumerate() {
        let rule = index + 1;
        let fits = match failed {
            Some((at, how)) if rule == at => *outcome == how,
            Some((at, _)) if rule > at => *outcome == "not asked",
            None if is_keyless && rule > 1 => *outcome == "not asked",
            None if rule == 11 && state.contains("kind=publishable") => *outcome == "not asked",
            _ => *outcome == "passed",
        };
        if !fits {
            faults.push(format!("rule {rule}: {outcome}"));
        }
    }
    if outcomes.len() != 11 {
        faults.push(format!("{} rules", outcomes.len()));
    }
    faults
}

#[test]
fn a_line_that_is_no_request_is_named_by_its_number_alone() {
    let folder = Folder::new("explain");
    let path = folder.path().join("keyward.json");
    std::fs::write(&path, "{}").unwrap();
    let line = r#"{"method": "GET", "path": "/", "headers": [["authorization", "Bearer sk_test_FAKE-alice-0001"]], "x": 1}"#;
    let output = fed(
        command().args(["explain", "-c", path.to_str().unwrap(), "--requests-stdin"]),
        format!("\n{line}\n"),
    );
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(
        err.contains("line 2 of standard input: expected a request"),
        "{err}"
    );
    assert!(!err.contains("FAKE"), "{err}");
}

#[test]
fn a_key_file_is_explained_as_it_would_be_pushed() {
    let key = "sk_test_FAKE-alice-0001";
    let folder = Folder::new("explain");
    let path = folder.path().join("keyward.toml");
    let sha256 = keyward::digest::KeyDigest::of(key.as_bytes());
    let text = format!(
        "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_1\"\n[[keys]]\nid = \"mk_1\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_1\"\nsha256 = \"{sha256}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let keys = path.to_str().unwrap();
    let time = "2026-11-20T12:00:00Z";
    let output = fed(
        command()
            .args(["explain", "--keys", keys, "--key-stdin", "--at", time])
            .args(["--json", "GET", "/v1/balance"]),
        format!("{key}\n"),
    );
    assert_eq!(output.status.code(), Some(0));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let state = "allow key=\"mk_1\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", revision=1795176000";
    assert_eq!(answer["state"], state);
}

/// Returns what the command reports about each rule, for `mk_1` with these grants.
fn rules(grants: &str, path: &str) -> Vec<(String, String)> {
    let key = "rk_test_FAKE-alice-0001";
    let folder = Folder::new("explain");
    let file = folder.path().join("keyward.toml");
    let sha256 = keyward::digest::KeyDigest::of(key.as_bytes());
    let text = format!(
        "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_1\"\n[[accounts]]\nid = \"acct_2\"\nparent = \"acct_1\"\n[[keys]]\nid = \"mk_1\"\nkind = \"restricted\"\nmode = \"test\"\nowner = \"acct_1\"\nsha256 = \"{sha256}\"\n{grants}\n"
    );
    std::fs::write(&file, text).unwrap();
    let (path, context) = path.split_once(' ').unwrap_or((path, ""));
    let mut command = command();
    command.args([
        "explain",
        "--keys",
        file.to_str().unwrap(),
        "--key-stdin",
        "--json",
    ]);
    if !context.is_empty() {
        command.args(["-H", &format!("stripe-context: {context}")]);
    }
    let output = fed(command.args(["GET", path]), key);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rules = answer["rules"].as_array().unwrap().iter();
    rules
        .map(|rule| (text(&rule["outcome"]), text(&rule["found"])))
        .collect()
}

#[track_caller]
fn assert_rule(grants: &str, path: &str, rule: usize, outcome: &str, found: &str) {
    let rules = rules(grants, path);
    let (actual, said) = &rules[rule - 1];
    assert_eq!(
        (actual.as_str(), said.as_str()),
        (outcome, found),
        "{path}: {rules:#?}"
    );
}

#[test]
fn a_denied_expansion_is_not_taken_for_the_endpoints_permission() {
    let grants = "grants = { charge = \"read\" }";
    let path = "/v1/charges/ch_1?expand[]=customer";
    let asks = "GET /v1/charges/ch_1 asks for `charge` read";
    assert_rule(grants, path, 9, "passed", asks);
    let found = "`charge` read among the grants of `mk_1`; to expand `customer`, `customer` read is not among the grants of `mk_1`";
    assert_rule(grants, path, 11, "failed", found);
    let found = "`charge` read among the grants of `mk_1`; no expansion that is known: `nothing`";
    assert_rule(
        grants,
        "/v1/charges/ch_1?expand[]=nothing",
        11,
        "failed",
        found,
    );
}

#[test]
fn what_is_not_granted_is_not_said_to_be() {
    let grants = "grants = { customer = \"read\" }";
    let found = "`charge` read is not among the grants of `mk_1`";
    assert_rule(grants, "/v1/charges/ch_1", 11, "failed", found);
    let asks = "GET /v1/account asks for `accounts_kyc_basic`, `accounts_kyc_id_numbers` or `connected_account` read";
    assert_rule(grants, "/v1/account", 9, "passed", asks);
    let direct = "connect_grants = { connected_account = \"read\" }\ngrants = {}";
    let found = "`connected_account` read is \"(Direct)\" at Stripe: it serves no call on a connected account";
    assert_rule(direct, "/v1/accounts acct_2", 11, "failed", found);
    let found = "`mk_1` has no permission on connected accounts";
    assert_rule(grants, "/v1/charges acct_2", 11, "failed", found);
}

#[test]
fn the_part_of_a_path_with_several_readings_is_named() {
    let grants = "grants = { coupon = \"read\", customer = \"read\" }";
    for (path, found) in [
        (
            "/v1/coupons/SUMMER%25",
            "`%25` is an escaped `%`, and servers that decode twice read on after it",
        ),
        (
            "/v1/plans/Pro%2Fplan",
            "`%2F` is an escaped `/`, which some servers take for one that separates segments",
        ),
        (
            "/v1/./coupons",
            "`.` is a dot segment, which some servers drop",
        ),
        (
            "/v1/customers/Search",
            "some servers take `Search` for the name of another endpoint",
        ),
    ] {
        let found = format!("GET {path} has several readings: {found}");
        assert_rule(grants, path, 9, "failed", &found);
    }
    let found = "GET /v1/nothing is not an endpoint of the catalogue";
    assert_rule(grants, "/v1/nothing", 9, "failed", found);
}

#[test]
fn the_key_may_come_in_a_header_of_ones_own() {
    let folder = Folder::new("explain-header");
    let path = folder.path().join("keyward.json");
    let file = &corpus::load()[0];
    let mut configuration: Value = serde_json::from_str(&file.configuration(NOW)).unwrap();
    configuration["profile"]["credential_headers"] = json!(["Acme-Key"]);
    std::fs::write(&path, configuration.to_string()).unwrap();
    let asked = |more: &[&str], input: &str| {
        let mut command = command();
        command.args([
            "explain",
            "-c",
            path.to_str().unwrap(),
            "--at",
            &NOW.to_string(),
            "--json",
        ]);
        command.args(more).args(["GET", "/v1/customers"]);
        fed(&mut command, input)
    };
    // Both lead to the same question: whose key is it?
    let value = "sk_test_FAKE-nobody-0001";
    let own = asked(&["--key-stdin", "--key-header", "acme-key"], value);
    let usual = asked(&["--key-stdin"], value);
    let (own, usual) = (own.stdout, usual.stdout);
    let own: Value = serde_json::from_slice(&own).unwrap();
    let usual: Value = serde_json::from_slice(&usual).unwrap();
    assert_eq!(own["reason"], "unknown_key", "{own}");
    assert_eq!(own["reason"], usual["reason"]);
    for (more, expected) in [
        (&["-H", "Acme-Key: x"][..], "keys are not arguments"),
        (&["--key-stdin", "--key-header", "x-other"], "are: Acme-Key"),
    ] {
        let said = asked(more, value);
        let err = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(4), "{err}");
        assert!(
            err.to_lowercase().contains(&expected.to_lowercase()),
            "{err}"
        );
    }
    let said = asked(&["--key-header", "acme-key"], "");
    assert_eq!(said.status.code(), Some(2));
}
