//! Names are one line of visible text, and invisible characters in them are shown by their number.

use std::fs;

use super::Desk;

/// Displays as `exe.gnp` and the like do: the text after the mark is reversed.
const TURNED: &str = "Billing\u{202e}gnillib\u{200b}";
const SHOWN: &str = "Billing\\u{202e}gnillib\\u{200b}";

#[test]
fn a_name_is_one_line_on_which_something_is_seen() {
    let desk = Desk::new("one-line");
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    for name in [
        "a\nb",
        "a\tb",
        "a\r",
        "a\u{1b}[31mb",
        "a\u{85}b",
        "a\u{2028}b",
        " ",
        "\u{200b}",
        "\u{2066}\u{2069}",
        "",
    ] {
        for arguments in [
            &["keys", "create", "--owner", "acct_1", "--name", name][..],
            &["keys", "edit", &id, "--name", name],
            &["accounts", "add", "acct_2", "--name", name],
        ] {
            // An empty name may also be a usage error, but it is never a name.
            let before = desk.folder.text();
            let said = desk.run(arguments);
            let is_taken_away = name.is_empty() && arguments[1] == "edit";
            if is_taken_away && said.code == Some(0) {
                continue;
            }
            assert!(
                matches!(said.code, Some(2 | 4)),
                "{arguments:?}: {}",
                said.err
            );
            assert_eq!(desk.folder.text(), before, "{arguments:?}");
            if said.code == Some(4) {
                let expected = "name: expected 1 to 1024 bytes of visible text on one line";
                assert!(said.err.contains(expected), "{arguments:?}: {}", said.err);
            }
        }
    }
    // Written by hand, with a TOML escape.
    let text = desk.folder.text();
    for name in ["a\\nb", "\\t", "a\\u001bb"] {
        let named = text.replacen("name = \"Secret key\"", &format!("name = \"{name}\""), 1);
        fs::write(desk.folder.file(), named).unwrap();
        let said = desk.refused(4, &["keys", "list"]);
        assert!(said.contains("].name: expected"), "{said}");
    }
}

#[test]
fn what_is_not_seen_in_a_name_is_shown_everywhere() {
    let desk = Desk::new("hidden");
    let (id, _) = desk.made(&[
        "keys", "create", "--owner", "acct_1", "--name", TURNED, "--note", TURNED,
    ]);
    desk.good(&["accounts", "add", "acct_2", "--no-keys", "--name", TURNED]);
    let old = desk.folder.path.join("old.toml");
    fs::copy(desk.folder.file(), &old).unwrap();
    desk.good(&["keys", "expire", &id, "--in", "3d"]);
    for arguments in [
        &["keys", "list"][..],
        &["keys", "show", &id],
        &["keys", "revoke", "--kind", "restricted", "--dry-run"],
        &["accounts", "tree"],
        &["snapshot", "show"],
        &["snapshot", "diff", "old.toml", "keyward.toml"],
    ] {
        let said = desk.run(arguments);
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains(SHOWN), "{arguments:?}: {text}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{arguments:?}");
    }
    // JSON output reads back unchanged, and shows the character as well.
    for arguments in [
        &["keys", "show", &id, "--json"][..],
        &["keys", "list", "--json"],
        &["accounts", "tree", "--json"],
    ] {
        let text = desk.good(arguments);
        assert!(
            text.contains("Billing\\u202egnillib\\u200b"),
            "{arguments:?}: {text}"
        );
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{arguments:?}");
    }
    assert_eq!(desk.json(&["keys", "show", &id])["name"], TURNED);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_not_seen_in_a_name_is_shown_in_a_question() {
    let desk = Desk::new("hidden-asked");
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1", "--name", TURNED]);
    for command in ["delete", "rotate"] {
        let mut command = desk.folder.command(&["keys", command, &id]);
        let (_, shown) = crate::support::pty::run_on_terminal(&mut command, "n\n");
        assert!(shown.contains(&format!("{id} ({SHOWN})")), "{shown}");
    }
}
