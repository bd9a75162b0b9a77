//! Many keys at the same time: the filters of a listing, changes by selection, and keys as lines of
//! JSON.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use super::Desk;

const CREATE: [&str; 4] = ["keys", "create", "--owner", "acct_1"];

fn ids(listed: &Value) -> Vec<&str> {
    let all = listed.as_array().unwrap().iter();
    all.map(|key| key["id"].as_str().unwrap()).collect()
}

fn made(desk: &Desk, more: &[&str]) -> String {
    desk.made(&[&CREATE[..], more].concat()).0
}

/// Returns a report that shows only `key` as used, and that began to count on the second day of the
/// epoch.
fn report(key: &str, last: u64) -> String {
    json!({"plugins": [{"plugin": "keyward", "since": 86_400, "lost": 0, "keys": [
        {"key": key, "allowed": 41, "would_deny": 0, "denied": 2, "verified": 1, "last_accepted": last, "last_seen": last}
    ]}], "next": null})
    .to_string()
}

#[test]
fn a_listing_is_filtered_by_name_permission_and_level() {
    let desk = Desk::new("bulk-list");
    let one = made(&desk, &["--name", "Billing", "--grant", "charge=write"]);
    let two = made(
        &desk,
        &["--name", "Nightly billing", "--grant", "charge=read"],
    );
    let list = ["keys", "list", "--kind", "restricted"];
    for (filters, expected) in [
        (&["--name", "BILLING"][..], vec![&one, &two]),
        (&["--name", "night"], vec![&two]),
        (&["--permission", "charge"], vec![&one, &two]),
        (&["--permission", "charge", "--level", "write"], vec![&one]),
        (&["--level", "write"], vec![&one]),
        (&["--permission", "customer"], vec![]),
    ] {
        let listed = desk.json(&[&list[..], filters].concat());
        assert_eq!(ids(&listed), expected, "{filters:?}");
    }
    let said = desk.refused(4, &["keys", "list", "--permission", "custmer"]);
    assert!(said.contains("did you mean `customer`?"), "{said}");
}

#[test]
fn a_usage_report_adds_last_use_and_count() {
    let desk = Desk::new("bulk-usage");
    let (used, idle) = (made(&desk, &[]), made(&desk, &[]));
    let file = desk.folder.path.join("usage.json");
    let path = file.to_str().unwrap();
    fs::write(&file, report(&used, 90_000)).unwrap();
    let list = ["keys", "list", "--kind", "restricted", "--usage", path];
    let listed = desk.json(&list);
    assert_eq!(listed[0]["usage"]["last_accepted"], "1970-01-02T01:00:00Z");
    assert_eq!(listed[0]["usage"]["allowed"], 41);
    assert_eq!(listed[1].get("usage"), None);
    let table = desk.good(&list);
    assert!(
        table.contains("ACCEPTED") && table.contains("42"),
        "{table}"
    );

    // Far more than a day ago, and less than a hundred years.
    let unused = desk.json(&[&list[..], &["--unused-for", "1d"]].concat());
    assert_eq!(ids(&unused), [&used, &idle]);
    let within = desk.json(&[&list[..], &["--used-within", "36500d"]].concat());
    assert_eq!(ids(&within), [&used]);
    // The report does not cover a hundred years.
    let said = desk.refused(4, &[&list[..], &["--unused-for", "36500d"]].concat());
    assert!(said.contains("`keyward` has counted for"), "{said}");
    let said = desk.refused(4, &["keys", "list", "--unused-for", "1d"]);
    assert!(said.contains("need --usage"), "{said}");
    fs::write(
        &file,
        report(&used, 90_000).replace("\"next\":null", "\"next\":7"),
    )
    .unwrap();
    let said = desk.refused(4, &list);
    assert!(said.contains("goes on at `/usage?from=7`"), "{said}");
}

#[test]
fn a_usage_report_is_fetched_part_by_part() {
    let desk = Desk::new("bulk-fetched");
    let (one, two) = (made(&desk, &[]), made(&desk, &[]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/usage", listener.local_addr().unwrap());
    let first = report(&one, 90_000).replace("\"next\":null", "\"next\":3");
    let parts = [
        ("GET /usage HTTP", first),
        ("GET /usage?from=3 HTTP", report(&two, 90_000)),
    ];
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for (expected, body) in parts {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            assert!(head.starts_with(expected.as_bytes()));
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    let list = ["keys", "list", "--usage", &url, "--used-within", "36500d"];
    assert_eq!(ids(&desk.json(&list)), [&one, &two]);
    server.join().unwrap();
}

#[test]
fn keys_are_changed_by_selection_after_a_preview() {
    let desk = Desk::new("bulk-edit");
    let (one, two) = (
        made(&desk, &["--name", "One"]),
        made(&desk, &["--name", "Two"]),
    );
    let live = made(&desk, &["--mode", "live"]);
    let edit = [
        "keys",
        "edit",
        "--select",
        "kind=restricted",
        "--select",
        "mode=test",
        "--label",
        "team=billing",
    ];
    let before = desk.folder.text();
    let preview = desk.run(&[&edit[..], &["--dry-run"]].concat());
    assert_eq!(preview.code, Some(0), "{}", preview.err);
    assert!(preview.out.contains(&one) && preview.out.contains(&two));
    assert!(!preview.out.contains(&live), "{}", preview.out);
    assert!(
        preview
            .err
            .contains("2 would be changed; nothing was changed")
    );
    assert_eq!(desk.folder.text(), before);
    let said = desk.refused(2, &edit);
    assert!(said.contains("give --yes"), "{said}");
    let done = desk.json(&[&edit[..], &["--yes"]].concat());
    assert_eq!(done, json!({"keys": [one, two], "changed": true}));
    let listed = desk.json(&["keys", "list", "--label", "team=billing"]);
    assert_eq!(ids(&listed), [&one, &two]);

    // All or none: `--grant` would limit a secret key, so nothing changes.
    let edit = [
        "keys",
        "edit",
        "--select",
        "mode=test",
        "--grant",
        "charge=read",
        "--yes",
    ];
    let said = desk.refused(4, &edit);
    assert!(
        said.contains("--limit") || said.contains("publishable"),
        "{said}"
    );
    for (arguments, expected) in [
        (&["keys", "edit", "--label", "a=b"][..], "KEY"),
        (
            &[
                "keys",
                "edit",
                &one,
                "--select",
                "mode=test",
                "--label",
                "a=b",
            ],
            "--select",
        ),
        (
            &["keys", "edit", "--select", "colour=red", "--label", "a=b"],
            "colour",
        ),
        (&["keys", "delete", &one, "--dry-run", "--yes"], "--dry-run"),
    ] {
        let said = desk.refused(2, arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn keys_are_deleted_by_selection() {
    let desk = Desk::new("bulk-delete");
    let (one, two) = (made(&desk, &[]), made(&desk, &["--label", "a=b"]));
    let delete = ["keys", "delete", "--select", "label=a=b"];
    let preview = desk.json(&[&delete[..], &["--dry-run"]].concat());
    assert_eq!(preview, json!({"keys": [two], "deleted": false}));
    let done = desk.good(&[&delete[..], &["--yes"]].concat());
    assert_eq!(done, format!("deleted 1: {two}\n"));
    let left = desk.json(&["keys", "list", "--kind", "restricted"]);
    assert_eq!(ids(&left), [&one]);
    let none = desk.run(&[&delete[..], &["--yes"]].concat());
    assert_eq!(none.code, Some(1), "{}", none.err);
    let purge = [
        "keys",
        "delete",
        "--purge",
        "--select",
        "status=deleted",
        "--yes",
    ];
    assert_eq!(desk.good(&purge), format!("purged 1: {two}\n"));
}

#[test]
fn keys_are_rotated_by_selection_and_each_value_is_shown_once() {
    let desk = Desk::new("bulk-rotate");
    let (one, two) = (
        made(&desk, &["--name", "One"]),
        made(&desk, &["--name", "Two"]),
    );
    let rotate = ["keys", "rotate", "--select", "kind=restricted"];
    let preview = desk.run(&[&rotate[..], &["--dry-run"]].concat());
    assert!(preview.out.contains(&one) && preview.err.contains("2 would be rotated"));
    let said = desk.refused(2, &rotate);
    assert!(said.contains("say when the old key ends"), "{said}");
    let said = desk.refused(2, &[&rotate[..], &["--now"]].concat());
    assert!(said.contains("give --yes"), "{said}");
    let done = desk.spoken(&[&rotate[..], &["--keep-for", "24h", "--yes"]].concat(), "");
    assert_eq!(done.code, Some(0), "{}", done.err);
    let lines: Vec<Value> = done
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let replaced: Vec<&str> = lines
        .iter()
        .map(|line| line["replaces"].as_str().unwrap())
        .collect();
    assert_eq!(replaced, [&one, &two]);
    for line in &lines {
        let value = line["value"].as_str().unwrap();
        assert_eq!(value.len(), 107);
        desk.keep(value);
    }
    // Replaced keys are not rotated again.
    let again = desk.json(&[&rotate[..], &["--dry-run"]].concat());
    assert_eq!(again["keys"], json!([lines[0]["id"], lines[1]["id"]]));
    desk.assert_kept_nowhere(&[]);
}

#[test]
fn keys_go_from_one_file_to_another_with_their_digests() {
    let desk = Desk::new("bulk-lines");
    desk.good(&["grant-sets", "put", "support", "--grant", "customer=read"]);
    made(
        &desk,
        &[
            "--name",
            "B\u{202e}illing",
            "--note",
            "Ask Ann",
            "--label",
            "a=b",
            "--grant",
            "charge=write",
            "--connect-grant",
            "charge=read",
            "--allow-ip",
            "203.0.113.7",
            "--expires",
            "90d",
            "--enforcement",
            "shadow",
        ],
    );
    made(
        &desk,
        &[
            "--from-grant-set",
            "support",
            "--allow-ip",
            "2001:db8::/32",
            "--ipv6",
        ],
    );
    let gone = made(&desk, &[]);
    desk.good(&["keys", "delete", &gone, "--yes"]);
    let exported = desk.run(&["keys", "export"]);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    assert!(
        exported.err.contains("1 that have ended left out"),
        "{}",
        exported.err
    );
    // The two that the test made, and the account's first four.
    assert_eq!(exported.out.lines().count(), 6);
    assert!(!exported.out.contains('\u{202e}'));

    let other = Desk::new("bulk-lines-other");
    other.good(&["grant-sets", "put", "support", "--grant", "customer=read"]);
    for kind in ["secret", "publishable"] {
        let purge = ["keys", "list", "--kind", kind];
        assert_eq!(ids(&other.json(&purge)).len(), 2, "{kind}");
    }
    let imported = other.run_with(&["keys", "import", "--lines", "--json"], &exported.out);
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    let imported: Value = serde_json::from_str(&imported.out).unwrap();
    assert_eq!(imported["keys"].as_array().unwrap().len(), 6);
    let mut again = other.run(&["keys", "export"]).out;
    // After the other account's own four.
    again = again
        .lines()
        .skip(4)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(again, exported.out);

    // All or none.
    let (first, _) = exported.out.split_once('\n').unwrap();
    let twice = format!("{}\n{first}\n", first.replace("mk_", "mk_new_"));
    let said = other.refused_with(4, &["keys", "import", "--lines"], &twice);
    assert!(said.contains("line 1: "), "{said}");
    let said = other.refused_with(2, &["keys", "import", "--lines", "--name", "x"], first);
    assert!(said.contains("--name"), "{said}");
    desk.assert_kept_nowhere(&[other.folder.path.as_path()]);
}

#[test]
fn what_was_done_to_many_keys_is_readable_at_80_columns() {
    let desk = Desk::new("bulk-many");
    desk.good(&["grant-sets", "put", "support", "--grant", "customer=read"]);
    let id = |number: usize| format!("mk_{number:032}");
    let import = |numbers: std::ops::Range<usize>| {
        let line = |number: usize| {
            let digest = format!("{number:064x}");
            json!({"id": id(number), "owner": "acct_1", "kind": "restricted", "mode": "live", "sha256": digest, "grant_set": "support"})
        };
        let lines: Vec<String> = numbers.map(|number| line(number).to_string()).collect();
        desk.run_with(&["keys", "import", "--lines"], &lines.join("\n"))
    };
    let listed = |numbers: std::ops::Range<usize>| -> String {
        numbers
            .map(|number| format!("  {}\n", id(number)))
            .collect()
    };
    let few = import(0..20);
    assert_eq!(few.out, format!("imported 20:\n{}", listed(0..20)));
    let many = import(100..400);
    let shown = listed(100..105);
    assert_eq!(many.out, format!("imported 300:\n{shown}  and 295 more\n"));
    let next = "`keyward keys list --all` shows the keys that are there; --json prints every id\n";
    assert!(many.err.starts_with(next), "{}", many.err);
    for line in many.out.lines().chain(many.err.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // What is to be said of all of them is said once.
    let edit = ["keys", "edit", "--select", "kind=restricted"];
    let edited = desk.run(&[&edit[..], &["--grant", "charge=read", "--yes"]].concat());
    assert_eq!(edited.code, Some(0), "{}", edited.err);
    let note = format!(
        "{} and 319 more: note: it had the permissions of the grant set",
        id(0)
    );
    assert!(edited.err.contains(&note), "{}", edited.err);
    assert_eq!(edited.err.matches("note: ").count(), 1);
}
