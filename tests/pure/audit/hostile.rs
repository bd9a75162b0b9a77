//! Lines from an attacker or a crash: they are counted and left out, or shown in a harmless form.

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::key_file::Folder;

/// Texts that could control some terminal, page or spreadsheet, and some keys.
const HOSTILE: [&str; 12] = [
    "/<script>alert(1)</script>",
    "/\u{1b}[2J\u{1b}]0;owned\u{7}",
    "/\u{9b}31m",
    "/a\u{202e}gnp.exe",
    "/a\u{200b}\u{2066}b",
    "/\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://x.example\")",
    "+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "/\r\n\tx",
    "/sk_live_FAKE-0123456789abcdef",
    "/\u{7f}\u{0}\u{fffe}",
];

fn line(members: Value) -> String {
    let mut line = json!({
        "start_time": "2026-11-20T10:00:00.000Z", "method": "GET", "path": "/v1/charges", "response_code": 200,
        "client_address": "203.0.113.7", "request_id": "1",
        "keyward": "allow key=\"mk_1\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", revision=7",
    });
    for (name, value) in members.as_object().unwrap() {
        line[name] = value.clone();
    }
    line.to_string()
}

/// Returns lines with each text in every place that a client or an upstream can fill.
fn hostile_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for text in HOSTILE {
        for place in [
            "path",
            "method",
            "request_id",
            "response_request_id",
            "response_code_details",
            "response_flags",
            "upstream_host",
            "client_address",
            "protocol",
        ] {
            lines.push(line(json!({place: text})));
        }
    }
    lines
}

fn foreign_lines() -> Vec<Vec<u8>> {
    let whole = line(json!({}));
    let mut lines: Vec<Vec<u8>> = HOSTILE.map(|text| text.as_bytes().to_vec()).to_vec();
    lines.extend([
        whole.as_bytes()[..whole.len() / 2].to_vec(),
        [whole.as_bytes(), whole.as_bytes()].concat(),
        b"\xff\xfe{".to_vec(),
        b"{\"a\": 1}".to_vec(),
        line(json!({"keyward": "allow key=\"<b>\", kind=secret, livemode=?0"})).into_bytes(),
        line(json!({"keyward": "allow everything"})).into_bytes(),
        line(json!({"start_time": "now"})).into_bytes(),
        vec![b'{'; 3 << 20],
        "[".repeat(100_000).into_bytes(),
    ]);
    // A line end would make two foreign lines out of one.
    lines.retain(|line| !line.contains(&b'\n'));
    lines
}

/// Returns whether the text is printable ASCII and line ends only.
fn is_harmless(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n'))
}

#[test]
fn nothing_acts_on_a_terminal_and_every_line_is_accounted_for() {
    let folder = Folder::empty("audit-hostile");
    let (shown, foreign) = (hostile_lines(), foreign_lines());
    let mut log: Vec<u8> = Vec::new();
    for line in shown
        .iter()
        .map(|line| line.as_bytes())
        .chain(foreign.iter().map(Vec::as_slice))
    {
        log.extend(line);
        log.push(b'\n');
    }
    fs::write(folder.path.join("log"), &log).unwrap();
    for arguments in [&["logs", "log"][..], &["logs", "--json", "log"]] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(is_harmless(&text), "{text:?}");
        assert!(!text.contains("0123456789"), "a key is shown");
        let headings = usize::from(arguments.len() == 2);
        assert_eq!(text.lines().count(), shown.len() + headings);
        let told = String::from_utf8(output.stderr).unwrap();
        let expected = format!("keyward: {} lines were skipped: ", foreign.len());
        assert!(told.starts_with(&expected), "{told}");
        assert!(is_harmless(&told), "{told:?}");
    }
    let output = folder.run(&["audit", "--html", "page.html", "--json", "log"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(is_harmless(std::str::from_utf8(&output.stdout).unwrap()));
    assert_eq!(report["requests"]["total"], shown.len());
    let skipped = report["log"]["lines"]["skipped"].as_object().unwrap();
    let skipped: u64 = skipped.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(skipped, u64::try_from(foreign.len()).unwrap());
    let page = fs::read_to_string(folder.path.join("page.html")).unwrap();
    for part in [
        "<script",
        "<img",
        "onerror=alert(1)>",
        "\u{1b}",
        "\u{202e}",
        "\u{9b}",
        "0123456789",
    ] {
        assert!(!page.contains(part), "{part:?}");
    }
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "the examples are on the page"
    );
}

/// As `| head` does.
#[test]
fn whoever_has_seen_enough_is_no_error() {
    let folder = Folder::empty("audit-closed");
    // More than fits into a pipe.
    let log = format!("{}\n", line(json!({}))).repeat(5000);
    fs::write(folder.path.join("log"), log).unwrap();
    for arguments in [
        &["logs", "log"][..],
        &["logs", "--json", "log"],
        &["audit", "--json", "log"],
    ] {
        let mut child = folder
            .command(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_spreadsheet_finds_no_formula_in_a_cell() {
    let folder = Folder::empty("audit-formula");
    fs::write(folder.path.join("log"), hostile_lines().join("\n")).unwrap();
    let table = folder.good(&["logs", "log"]);
    for row in table.lines().skip(1) {
        for cell in row
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
        {
            assert!(
                cell == "-" || !cell.starts_with(['=', '+', '@', '-']),
                "{row}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any bytes between two good lines: no crash, both good lines are read, and every line is
    /// counted once.
    #[test]
    fn any_bytes_are_read_or_counted(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..300) {
        let folder = Folder::empty("audit-any");
        let good = line(json!({}));
        let torn = &good.as_bytes()[..cut.min(good.len())];
        let log = [good.as_bytes(), b"\n", &bytes, b"\n", torn, b"\n", good.as_bytes()].concat();
        fs::write(folder.path.join("log"), &log).unwrap();
        let output = folder.run(&["audit", "--json", "log"]);
        let lines = log.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
        if log.starts_with(&[0x1f, 0x8b]) {
            return Ok(());
        }
        prop_assert_eq!(output.status.code(), Some(0));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let skipped = report["log"]["lines"]["skipped"].as_object().unwrap();
        let skipped: u64 = skipped.values().map(|count| count.as_u64().unwrap()).sum();
        let read = report["requests"]["total"].as_u64().unwrap();
        prop_assert!(read >= 2);
        prop_assert_eq!(usize::try_from(read + skipped).unwrap(), lines);
    }
}
