//! Runs the `keyward` command as a person would.

use std::fs;
use std::process::Output;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::support::command::{command, fed};
use crate::support::find::root;
use crate::support::process::Folder;

const KEY: &str = "rk_test_FAKE-carol-0001";

fn configuration(revision: u64) -> Value {
    json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [{"id": "mk_1", "sha256": KeyDigest::of(KEY.as_bytes()).to_string(), "kind": "restricted", "livemode": false,
                  "owner": "acct_1", "grants": {"customer": "read"}, "expires_at": 1_795_800_000,
                  "allowed_ips": ["203.0.113.0/24"]}],
    }})
}

fn keyward(arguments: &[&str], input: &str) -> Output {
    fed(command().args(arguments), input)
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn explain(arguments: &[&str]) -> Output {
    explain_at(1_795_194_600, arguments)
}

fn explain_at(time: u64, arguments: &[&str]) -> Output {
    let folder = Folder::new("command");
    let file = folder.path().join("keyward.json");
    fs::write(&file, configuration(7).to_string()).unwrap();
    let time = time.to_string();
    let mut all = vec![
        "explain",
        "-c",
        file.to_str().unwrap(),
        "--key-stdin",
        "--at",
        &time,
    ];
    all.extend(arguments);
    keyward(&all, &format!("{KEY}\n"))
}

#[test]
fn check_accepts_a_configuration_and_a_bare_snapshot() {
    for value in [configuration(7), configuration(7)["snapshot"].clone()] {
        let output = keyward(&["snapshot", "check", "-"], &value.to_string());
        assert_eq!(out(&output), "good: revision 7, 1 key, 1 account\n");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn check_says_what_cannot_be_meant_and_fails_for_warnings_alone() {
    let mut value = configuration(7);
    value["snapshot"]["endpoints"] =
        json!([{"method": "GET", "path": "/v1/topups", "permission": "topup"}]);
    let output = keyward(&["snapshot", "check", "-"], &value.to_string());
    let note = "good: revision 7, 1 key, 1 account\n\
                note: snapshot.endpoints[0]: replaces Stripe's row, which asks for the same: `top_up` (read)\n";
    assert_eq!(out(&output), note);
    assert_eq!(output.status.code(), Some(0));

    value["snapshot"]["keys"][0]["grants"] = json!({"balance": "write"});
    let output = keyward(&["snapshot", "check", "-"], &value.to_string());
    let warning = "warning: snapshot.keys[0].grants.balance: `balance` has no level `write` at Stripe; `read` grants the same\n";
    assert_eq!(out(&output), format!("{note}{warning}"));
    assert_eq!(output.status.code(), Some(1));

    let output = keyward(&["snapshot", "check", "-"], &value["snapshot"].to_string());
    assert!(
        out(&output).contains("warning: keys[0].grants.balance: "),
        "{}",
        out(&output)
    );
}

#[test]
fn check_names_the_place_and_not_the_content() {
    let mut value = configuration(7);
    value["snapshot"]["keys"][0]["allowed_ips"][0] = json!(KEY);
    let output = keyward(&["snapshot", "check", "-"], &value.to_string());
    assert_eq!(
        err(&output),
        "keyward: `-` is refused: snapshot.keys[0].allowed_ips[0]: expected an address or CIDR range\n"
    );
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn explain_says_what_passes_and_what_the_upstream_learns() {
    let output = explain(&["--ip", "203.0.113.9", "GET", "/v1/customers/cus_1"]);
    let members = "key=\"mk_1\", kind=restricted, livemode=?0, account=\"acct_1\", path=\"acct_1\", permission=\"customer\", access=read, revision=7";
    let expected = format!(
        "allow {members}

 1  snapshot             passed             revision 7, issued 2026-11-20T17:08:49Z, may be of any age
 2  credential           passed             Bearer rk_test_***********0001
 3  known key            passed             key `mk_1`, restricted
 4  life of the key      passed             active, until 2026-11-27T17:20:00Z, now 2026-11-20T17:10:00Z, owner `acct_1` active
 5  client's address     passed             203.0.113.9 against the key's `allowed_ips`
 6  mode                 passed             a test key; both modes are served
 7  headers and version  passed             no `Stripe-Version`
 8  target account       passed             no `Stripe-Context`; no `Stripe-Account`; account `acct_1`
 9  endpoint             passed             GET /v1/customers/cus_1 asks for `customer` read
10  publishable keys     passed             not a publishable key
11  permission           passed             `customer` read among the grants of `mk_1`

What the upstream sees changed:
+ x-keyward-principal: {members}
"
    );
    assert_eq!(out(&output), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn explain_says_which_rule_failed_and_shows_the_reply() {
    let output = explain(&["--ip", "203.0.113.9", "POST", "/v1/customers"]);
    let text = out(&output);
    assert!(
        text.starts_with("deny insufficient_permission key=\"mk_1\""),
        "{text}"
    );
    assert!(
        text.contains("11  permission           failed             `customer` write"),
        "{text}"
    );
    assert!(
        text.contains("Enabling Customers Write ('customer_write') permissions"),
        "{text}"
    );
    assert!(!text.contains(KEY), "{text}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn explain_takes_time_and_address_from_its_arguments() {
    let late = explain_at(
        1_795_800_000,
        &["--ip", "203.0.113.9", "GET", "/v1/customers"],
    );
    assert!(out(&late).starts_with("deny expired_key"), "{}", out(&late));
    let outside = explain(&["--ip", "203.0.114.9", "GET", "/v1/customers"]);
    assert!(
        out(&outside).starts_with("deny ip_not_allowed"),
        "{}",
        out(&outside)
    );
    let nowhere = explain(&["GET", "/v1/customers"]);
    assert!(
        out(&nowhere).starts_with("deny ip_not_allowed"),
        "{}",
        out(&nowhere)
    );
}

#[test]
fn a_key_is_never_an_argument() {
    let output = explain(&["-H", "Authorization: Bearer x", "GET", "/v1/customers"]);
    assert!(
        err(&output).contains("keys are not arguments; use --key-stdin"),
        "{}",
        err(&output)
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn push_refuses_what_envoy_would_refuse_and_leaves_the_file_alone() {
    let folder = Folder::new("command");
    let folder = folder.path();
    let (source, ecds) = (folder.join("keyward.json"), folder.join("ecds.yaml"));
    fs::copy(root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let before = fs::read(&ecds).unwrap();
    let mut broken = configuration(7);
    broken["snapshot"]["keys"][0]["owner"] = json!("acct_2");
    for (text, message) in [
        (
            broken.to_string(),
            "snapshot.keys[0].owner: expected the id of a listed account",
        ),
        ("{}".to_owned(), "has no snapshot"),
        ("{".to_owned(), "expected JSON"),
    ] {
        fs::write(&source, text).unwrap();
        let output = keyward(
            &[
                "push",
                "-c",
                source.to_str().unwrap(),
                "--ecds",
                ecds.to_str().unwrap(),
            ],
            "",
        );
        assert!(err(&output).contains(message), "{}", err(&output));
        assert_eq!(output.status.code(), Some(4));
        assert_eq!(fs::read(&ecds).unwrap(), before);
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
}

/// As `envoy/bootstrap.yaml` has it.
#[test]
fn doctor_asks_the_usual_admin_interface() {
    const ADMIN: &str = "127.0.0.1:9901";
    if std::net::TcpStream::connect(ADMIN).is_ok() {
        eprintln!("skipped: something listens at {ADMIN}");
        return;
    }
    let output = command().arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let said = err(&output);
    assert!(
        said.contains(ADMIN) && said.contains("; --admin http://HOST:PORT names another"),
        "{said}"
    );
}
