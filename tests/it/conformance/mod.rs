//! The files of `conformance/`: made from the corpus, and put by `keyward conformance` to gateways that keep the promises and to one that does not.

mod generate;

use std::process::{Command, Output};

use crate::support::bootstrap::hcm;
use crate::support::{Envoy, Upstream};

fn conformance(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keyward"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .arg("conformance")
        .args(arguments)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The counts in the last line.
fn passed_and_failed(text: &str) -> (usize, usize) {
    let last = text.lines().last().unwrap();
    let mut numbers = last
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Files that differ in their settings: credentials and bytes, addresses, times, modes, shadow, identity headers, upgrades, no snapshot.
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
        text.ends_with(" skipped for want of --header-address\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_run_is_said() {
    for (arguments, message, code) in [
        (
            &["--url", "http://127.0.0.1:1"][..],
            "say which with --file: addresses, ",
            4,
        ),
        (
            &["--url", "http://127.0.0.1:1", "--file", "x"],
            "has no file of that name; there are addresses, ",
            4,
        ),
        (
            &[
                "--url",
                "http://127.0.0.1:1",
                "--file",
                "x",
                "--dir",
                "nowhere",
            ],
            "`nowhere` cannot be read",
            4,
        ),
        (
            &["--url", "https://127.0.0.1:1", "--file", "x"],
            "where TLS is needed, put a proxy in between",
            2,
        ),
        (&["--file", "x"], "--url", 2),
    ] {
        let output = conformance(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(message), "{text}");
        assert_eq!(output.status.code(), Some(code), "{text}");
    }
    // Nobody listens there.
    let silent = conformance(&["--url", "http://127.0.0.1:1", "--file", "modes-live"]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(out(&silent).contains("no answer: "), "{}", out(&silent));
}
