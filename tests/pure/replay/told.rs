//! What replay prints, where, and its exit code.

use super::*;

/// Returns a line of a log.
fn line(state: &str, method: &str, path: &str) -> String {
    json!({
        "start_time": "2026-11-28T10:00:00.123Z", "method": method, "path": path, "response_code": 200, "client_address": "127.0.0.1", "keyward": state,
    })
    .to_string()
        + "\n"
}

const BY_FULL: &str = "allow key=\"mk_full\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", org=\"org_1\", revision=7";
const BY_REVOKED: &str = "allow key=\"mk_revoked\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", org=\"org_1\", revision=7";

fn told(arguments: &[&str], log: &str) -> (Option<i32>, String, String) {
    let folder = Folder::new("replay");
    let (old, new) = written(&folder, &sides());
    let file = folder.path().join("access.log");
    std::fs::write(&file, log).unwrap();
    let output = replay(
        &[&["--old", &old, "--new", &new], arguments].concat(),
        &[&file],
    );
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn nothing_flips_and_the_exit_code_says_so() {
    let (code, text, errors) = told(&[], &line(BY_FULL, "GET", "/v1/balance"));
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        text.starts_with("No verdict flips, of 1 requests. Old revision 7, new revision 8, as of "),
        "{text}"
    );
    // Even then, it mentions what a log cannot show.
    assert!(
        text.contains("What a log cannot show:\n- The query is not logged"),
        "{text}"
    );
}

#[test]
fn one_flip_is_enough_for_the_exit_code() {
    let log = line(BY_FULL, "GET", "/v1/balance") + &line(BY_REVOKED, "POST", "/v1/charges");
    let (code, text, _) = told(&[], &log);
    assert_eq!(code, Some(1));
    let row = text
        .lines()
        .find(|line| line.starts_with("breaks"))
        .unwrap();
    let cells: Vec<&str> = row
        .split("  ")
        .filter(|cell| !cell.is_empty())
        .map(str::trim)
        .collect();
    assert_eq!(
        cells,
        [
            "breaks",
            "1",
            "mk_revoked",
            "POST /v1/charges",
            "allow",
            "deny deleted_key",
            "2026-11-28T10:00:00Z"
        ]
    );
}

#[test]
fn a_log_of_which_nothing_can_be_compared_is_no_success() {
    for log in [
        "",
        "nothing of ours\n",
        &line("deny no_snapshot", "GET", "/"),
    ] {
        let (code, _, errors) = told(&[], log);
        assert_eq!(code, Some(4), "{log}");
        assert!(errors.contains("could be compared"), "{errors}");
    }
}

#[test]
fn a_version_that_is_no_longer_served_is_told() {
    let folder = Folder::new("replay");
    let (old, mut new) = sides();
    new["snapshot"]["api_versions"] = json!(["2026-10-28.endive"]);
    let (old, new) = written(&folder, &(old, new));
    let log = folder.path().join("access.log");
    std::fs::write(&log, line(BY_FULL, "GET", "/v1/balance")).unwrap();
    let output = replay(&["--old", &old, "--new", &new], &[&log]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "The new snapshot no longer serves `2026-01-28.clover`; which requests name it no log holds.";
    assert!(text.contains(expected), "{text}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn time_is_an_argument() {
    let folder = Folder::new("replay");
    let (old, mut new) = sides();
    new["snapshot"]["keys"][0]["expires_at"] = json!(1_900_000_000);
    let (old, new) = written(&folder, &(old, new));
    let log = folder.path().join("access.log");
    std::fs::write(&log, line(BY_FULL, "GET", "/v1/balance")).unwrap();
    for (at, code) in [
        ("1899999999", 0),
        ("1900000000", 1),
        ("2030-03-17T17:46:40Z", 1),
    ] {
        let output = replay(&["--old", &old, "--new", &new, "--at", at], &[&log]);
        assert_eq!(output.status.code(), Some(code), "{at}");
    }
}

#[test]
fn markdown_is_a_table_in_which_nothing_of_a_client_is_markdown() {
    let hostile = "/v1/`|<img src=x onerror=alert(1)>|@everyone\u{1b}[31m\u{202e}";
    let log = line(BY_REVOKED, "GET", hostile) + &line(BY_REVOKED, "GET", "/v1/balance");
    let (code, text, _) = told(&["--markdown"], &log);
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("### ❌ keyward replay: 2 of 2 requests flip\n"),
        "{text}"
    );
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| breaks"))
        .collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let unescaped = row.replace("\\|", "");
        assert_eq!(unescaped.matches('|').count(), 7, "{row}");
        assert_eq!(row.matches('`').count(), 8, "{row}");
        assert!(row.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{row}");
    }
    let quiet = told(&["--markdown"], &line(BY_FULL, "GET", "/v1/balance"));
    assert_eq!(quiet.0, Some(0));
    assert!(
        quiet
            .1
            .starts_with("### ✅ keyward replay: No verdict flips, of 1 requests\n"),
        "{}",
        quiet.1
    );
}

#[test]
fn keys_that_the_old_snapshot_does_not_know_and_lines_of_others_are_counted() {
    let stranger = BY_FULL.replace("mk_full", "mk_gone");
    let log = line(BY_FULL, "GET", "/v1/balance")
        + &line(&stranger, "GET", "/v1/balance")
        + "{\"torn\n"
        + "[info] hello\n";
    let (code, text, _) = told(&["--json"], &log);
    assert_eq!(code, Some(0));
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&told["requests"], &told["compared"], &told["lines_skipped"]),
        (&json!(2), &json!(1), &json!(2))
    );
    assert_eq!(
        told["not_compared"],
        json!([{"count": 1, "why": "the key is not in the old snapshot"}])
    );
}

#[test]
fn an_older_log_is_compared_all_the_same() {
    // Revision 3 denied it, but both of today's snapshots let it pass.
    let denied = "deny insufficient_permission key=\"mk_grown\", kind=restricted, livemode=?0, account=\"acct_1\", path=\"acct_1\", org=\"org_1\", permission=\"customer\", access=read, revision=3";
    let (code, text, _) = told(&["--json"], &line(denied, "GET", "/v1/customers"));
    assert_eq!(code, Some(0), "{text}");
    // A line with the old revision itself would be unexplained.
    let (code, text, _) = told(
        &["--json"],
        &(line(
            &denied.replace("revision=3", "revision=7"),
            "GET",
            "/v1/customers",
        ) + &line(BY_FULL, "GET", "/")),
    );
    assert_eq!(code, Some(0));
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["not_compared"][0]["count"], 1);
    assert!(
        told["not_compared"][0]["why"]
            .as_str()
            .unwrap()
            .starts_with("the old snapshot does not explain")
    );
}

#[test]
fn no_stand_in_for_a_key_is_ever_shown() {
    let log = line(BY_REVOKED, "GET", "/v1/balance");
    for arguments in [&[][..], &["--json"], &["--markdown"]] {
        let (_, text, errors) = told(arguments, &log);
        assert!(!format!("{text}{errors}").contains("sk_test_"), "{text}");
    }
}

/// A line whose path is not the one that keyward decided on: a client's header, a rewritten path,
/// or a hidden one.
#[test]
fn a_line_with_another_path_than_the_one_decided_about_is_left_out() {
    let by_limited = "allow key=\"mk_shrunk\", kind=restricted, livemode=?0, account=\"acct_1\", path=\"acct_1\", org=\"org_1\", permission=\"charge\", access=read, revision=7";
    let log: String = [
        (BY_FULL, "GET", "/v1/balance"),
        (by_limited, "GET", "/v1/charges"),
        (by_limited, "HEAD", "/v1/charges/ch_1"),
        // Another endpoint, another level, no endpoint, a hidden path, and no path.
        (by_limited, "GET", "/v1/customers"),
        (by_limited, "POST", "/v1/charges"),
        (by_limited, "GET", "/internal/charges"),
        (by_limited, "PATCH", "/"),
        (by_limited, "GET", "a key stands in it"),
        (BY_FULL, "GET", "a key stands in it"),
        (BY_FULL, "GET", ""),
    ]
    .map(|(state, method, path)| line(state, method, path))
    .concat();
    for revision in ["revision=7", "revision=3"] {
        let (code, text, _) = told(&["--json"], &log.replace("revision=7", revision));
        let told: Value = serde_json::from_str(&text).unwrap();
        // `mk_shrunk` loses a permission that it used.
        assert_eq!(code, Some(1), "{text}");
        assert_eq!(
            (&told["compared"], &told["flips"]),
            (&json!(3), &json!(2)),
            "{text}"
        );
        let reasons: Vec<(u64, &str)> = told["not_compared"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["count"].as_u64().unwrap(), one["why"].as_str().unwrap()))
            .collect();
        assert_eq!(
            reasons,
            [
                (3, "the log does not have its path"),
                (
                    4,
                    "the permission that decided is not one that the logged path asks for: an expansion asked for it, or the log has another path than the one that was decided about"
                ),
            ]
        );
    }
}
