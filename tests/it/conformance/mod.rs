//! The files of `conformance/` are made from the corpus. `keyward conformance` runs them against
//! gateways that keep the promises and one that does not.

use std::process::Output;

use crate::support::bootstrap::hcm;
use crate::support::command::command;
use crate::support::find::root;
use crate::support::{Envoy, Upstream};

fn conformance(arguments: &[&str]) -> Output {
    command()
        .current_dir(root())
        .arg("conformance")
        .args(arguments)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns the counts in the last line.
fn passed_and_failed(text: &str) -> (usize, usize) {
    let last = text.lines().last().unwrap();
    let mut numbers = last
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Files with different settings: credentials and bytes, addresses, times, modes, shadow, identity
/// headers, upgrades, no snapshot.
const FILES: [&str; 8] = [
    "credentials",
    "addresses",
    "life-cycle",
    "modes-live",
    "shadow-gateway",
    "identity-renamed",
    "upgrades",
    "snapshot-missing",
];

#[test]
fn envoy_with_keyward_keeps_what_the_files_promise() {
    for file in FILES {
        let configuration = conformance(&["--file", file, "--print-configuration"]);
        assert_eq!(configuration.status.code(), Some(0), "{file}");
        let upstream = Upstream::start();
        let envoy = Envoy::builder()
            .config(out(&configuration))
            .upstream(upstream.address())
            .trusted_hops(1)
            .allow_underscores()
            .allow_upgrades(&["websocket"])
            .edit(|bootstrap| hcm(bootstrap)["max_request_headers_kb"] = 200.into())
            .start();
        let url = format!("http://{}", envoy.address());
        let arguments = [
            "--url",
            &url,
            "--file",
            file,
            "--keyward",
            "--header-address",
            "X-Forwarded-For",
        ];
        let output = conformance(&arguments);
        let text = out(&output);
        let (passed, failed) = passed_and_failed(&text);
        assert_eq!(
            (failed, output.status.code()),
            (0, Some(0)),
            "{file}\n{text}"
        );
        assert!(passed > 3, "{file}\n{text}");
    }
}

#[test]
fn a_gateway_that_lets_everything_pass_fails() {
    let upstream = Upstream::start();
    let url = format!("http://{}", upstream.address());
    let output = conformance(&["--url", &url, "--file", "credentials"]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = "FAIL  an empty header is malformed\n      status: expected 401, seen 200\n";
    assert!(text.contains(expected), "{text}");
    let (passed, failed) = passed_and_failed(&text);
    assert!(passed > 5 && failed > passed, "{text}");
}

#[test]
fn cases_from_elsewhere_are_skipped_where_no_header_tells_the_address() {
    let upstream = Upstream::start();
    let url = format!("http://{}", upstream.address());
    let text = out(&conformance(&["--url", &url, "--file", "addresses.json"]));
    assert!(
        text.ends_with(" skipped without --header-address\n"),
        "{text}"
    );
}
