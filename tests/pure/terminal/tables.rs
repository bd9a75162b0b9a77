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
            // More important columns stay complete.
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
