//! A rotation asks before it locks anyone out, and can be taken back and made again.

use super::Desk;
use crate::support::key_file::read;
use crate::support::pty::run_on_terminal;

const CREATE: [&str; 4] = ["keys", "create", "--owner", "acct_1"];

#[test]
fn a_script_says_when_the_old_key_ends() {
    let desk = Desk::new("when");
    let (id, _) = desk.made(&CREATE);
    let said = desk.refused(2, &["keys", "rotate", &id]);
    assert!(
        said.contains("--keep-for 24h") && said.contains("--now"),
        "{said}"
    );
    let both = ["keys", "rotate", &id, "--now", "--keep-for", "24h"];
    let said = desk.refused(2, &both);
    assert!(said.contains("cannot be used with"), "{said}");
    let (id, _) = desk.made(&["keys", "rotate", &id, "--now"]);
    desk.made(&["keys", "rotate", &id, "--keep-for", "24h"]);
}

#[test]
fn a_person_is_asked_before_the_old_key_ends() {
    let desk = Desk::new("asked");
    let (id, _) = desk.made(&[&CREATE[..], &["--name", "Billing"]].concat());
    let before = desk.folder.text();
    for answer in ["n\n", "\n", "\u{4}"] {
        let mut command = desk.folder.command(&["keys", "rotate", &id]);
        let (output, shown) = run_on_terminal(&mut command, answer);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        let question = format!("End {id} (Billing) with the next push?");
        assert!(
            shown.contains(&question) && shown.contains("nothing was changed"),
            "{shown}"
        );
        assert_eq!(
            (output.stdout.len(), desk.folder.text()),
            (0, before.clone())
        );
    }
    let mut command = desk.folder.command(&["keys", "rotate", &id]);
    let (output, shown) = run_on_terminal(&mut command, "y\n");
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert_eq!(output.stdout.len(), 108, "{shown}");
    let file = read(&desk.folder.text());
    let new = file.key(&id).unwrap().replaced_by.clone().unwrap();
    // With an overlap, there is nothing to confirm.
    let mut command = desk
        .folder
        .command(&["keys", "rotate", &new, "--keep-for", "1h"]);
    let (output, shown) = run_on_terminal(&mut command, "");
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
}

#[test]
fn a_rotation_that_was_taken_back_is_made_again() {
    let desk = Desk::new("taken-back");
    let (id, _) = desk.made(&CREATE);
    for (end, take_back) in [
        ("--now", &["--yes"][..]),
        ("--keep-for=24h", &["--yes", "--purge"]),
    ] {
        let mut rotate = vec!["keys", "rotate", &id, end];
        if end != "--now" {
            // The first rotation gave the key an end.
            rotate.push("--no-expiry");
        }
        let (new, _) = desk.made(&rotate);
        let said = desk.refused(4, &["keys", "rotate", &id, "--now", "--no-expiry"]);
        assert!(
            said.contains(&format!("by `{new}`; rotate that one")),
            "{said}"
        );
        let said = desk.run(&[&["keys", "delete", &new][..], take_back].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
        let note = format!("the rotation of {id} is taken back: it ");
        assert!(said.err.contains(&note), "{}", said.err);
        assert_eq!(desk.json(&["keys", "show", &id]).get("replaced_by"), None);
    }
    // It continues as a key that was never replaced.
    desk.good(&["keys", "expire", &id, "--never", "--revive"]);
    assert_eq!(desk.json(&["keys", "show", &id])["status"], "active");
    desk.made(&["keys", "rotate", &id, "--keep-for", "7d"]);
    let checked = desk.run(&["snapshot", "check"]);
    assert!(!checked.out.contains("replace"), "{}", checked.out);
}

#[test]
fn a_check_names_links_that_lead_nowhere() {
    let desk = Desk::new("dangling");
    let (id, _) = desk.made(&CREATE);
    let (new, _) = desk.made(&["keys", "rotate", &id, "--now"]);
    let warnings = |desk: &Desk| -> Vec<String> {
        let said = desk.run(&["snapshot", "check", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let found = json["findings"].as_array().unwrap().iter();
        let texts = found
            .filter(|finding| finding["place"].as_str().unwrap().contains("replace"))
            .map(|finding| format!("{}: {}", finding["place"], finding["text"]).replace('"', ""));
        assert!(said.code == Some(1), "{}", said.err);
        texts.collect()
    };
    assert_eq!(warnings(&desk), [""; 0]);
    // As an earlier version left it: the replacement was removed, but the link remained.
    let text = desk.folder.text();
    std::fs::write(
        desk.folder.file(),
        text.replace(
            &format!("replaced_by = \"{new}\""),
            "replaced_by = \"mk_gone\"",
        ),
    )
    .unwrap();
    let end = "take the member out, or rotate the key again";
    assert_eq!(
        warnings(&desk),
        [
            format!(
                "snapshot.keys[4].replaced_by: `{id}` names `mk_gone`, which is not in the key file; {end}"
            ),
            format!(
                "snapshot.keys[5].replaces: `{new}` names `{id}`, which does not name it back; {end}"
            ),
        ]
    );
    // That does not prevent another rotation.
    desk.made(&["keys", "rotate", &id, "--now", "--no-expiry"]);
}
