//! Tables on a terminal.

use super::*;
use crate::support::pty::run_on_screen;

const COLUMNS: u16 = 80;

fn key(number: usize, name: &str) -> String {
    format!(
        "\n[[keys]]\nid = \"mk_{number:032}\"\nname = \"{name}\"\nkind = \"restricted\"\nmode = \"live\"\nowner = \"acct_0123456789012345\"\ngrants = {{ customer = \"read\", charge = \"write\" }}\nsha256 = \"{number:064x}\"\n"
    )
}

#[test]
fn no_id_is_broken_at_80_columns() {
    let folder = Folder::new("narrow");
    let mut text = folder.text();
    text += "\n[[accounts]]\nid = \"acct_0123456789012345\"\n";
    for number in 1..6 {
        text += &key(number, "The key of the service that writes the invoices");
    }
    fs::write(folder.file(), text).unwrap();
    for arguments in [&["keys", "list"][..], &["snapshot", "show"]] {
        let screen = run_on_screen(&mut folder.command(arguments), COLUMNS);
        for line in screen.lines() {
            assert!(line.chars().count() <= usize::from(COLUMNS), "{line}");
        }
        if arguments[0] == "keys" {
            for number in 1..6 {
                assert!(screen.contains(&format!("mk_{number:032}")), "{screen}");
            }
            assert!(screen.contains("no room for"), "{screen}");
            // The more important columns stay, uncut.
            assert!(
                screen.contains("acct_0123456789012345") && screen.contains("active"),
                "{screen}"
            );
        }
    }
    // A pipe gets everything.
    let piped = folder.good(&["keys", "list"]);
    assert!(
        piped.contains("PERMISSIONS") && !piped.contains("no room for"),
        "{piped}"
    );
}

/// Whatever a table is of, its ids can be copied.
#[test]
fn every_table_has_whole_ids_at_80_columns() {
    let folder = Folder::empty("tables");
    let (organization, account, set) = (
        "org_01234567890123456789",
        "acct_0123456789012345",
        "support_of_the_first_level_in_europe",
    );
    let name = "The company that sells the widgets of the north";
    let mut text = format!(
        "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"{organization}\"\nname = \"{name}\"\n\
         [[accounts]]\nid = \"{account}\"\nname = \"{name}\"\nparent = \"{organization}\"\n\
         [grant_sets]\n{set} = {{ customer = \"read\", charge = \"read\", invoice = \"write\", payment_intent = \"read\" }}\n"
    );
    let mut log = String::new();
    for number in 1..4 {
        text += &key(number, name).replace("sha256", "expires = 2100-01-01T00:00:00Z\nsha256");
        let keyward = format!(
            "allow key=\"mk_{number:032}\", kind=restricted, livemode=?1, account=\"{account}\", path=\"{organization}/{account}\", org=\"{organization}\", permission=\"customer\", access=read, revision=7"
        );
        let line = serde_json::json!({
            "start_time": "2026-11-20T10:00:00.000Z", "method": "GET", "path": "/v1/customers/cus_01234567890123456789",
            "response_code": 200, "client_address": "203.0.113.7", "request_id": "0123456789abcdef", "keyward": keyward,
        });
        log += &format!("{line}\n");
    }
    fs::write(folder.file(), text).unwrap();
    fs::write(folder.path.join("access.log"), log).unwrap();
    let ids: Vec<String> = (1..4).map(|number| format!("mk_{number:032}")).collect();
    let keys: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (arguments, of) in [
        (&["keys", "list", "--all"][..], &keys[..]),
        (&["snapshot", "show"], &keys),
        (&["logs", "access.log"], &keys),
        (&["audit", "access.log"], &keys),
        (&["audit", "access.log"], &[organization]),
        (&["accounts", "list"], &[organization, account]),
        (&["accounts", "show", account], &keys),
        (&["grant-sets", "list"], &[set]),
    ] {
        let screen = run_on_screen(&mut folder.command(arguments), COLUMNS);
        // Without the progress of reading, which was cleared, and without sentences about findings.
        let screen = screen.rsplit("\u{1b}[2K").next().unwrap();
        let tables = screen.split("Worth a look").next().unwrap();
        for id in of {
            assert!(tables.contains(id), "{arguments:?}: {id} in\n{tables}");
        }
        for line in tables
            .lines()
            .filter(|line| of.iter().any(|id| line.contains(id)))
        {
            assert!(line.chars().count() <= usize::from(COLUMNS), "{line}");
        }
    }
}
