//! Help texts: every command has one with an example, and the tour in the first of them works
//! exactly as printed.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use super::Desk;
use crate::support::key_file::Folder;

/// Returns the names below `Commands:`.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A long description continues on lines with more indentation.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn walk(folder: &Folder, path: &[String], helps: &mut Vec<(String, String)>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = folder.good(&arguments);
    let below = commands(&help);
    helps.push((path.join(" "), help));
    for name in below {
        walk(folder, &[path, &[name]].concat(), helps);
    }
}

/// Every command, and its help.
fn helps() -> &'static [(String, String)] {
    static HELPS: OnceLock<Vec<(String, String)>> = OnceLock::new();
    HELPS.get_or_init(|| {
        let mut helps = Vec::new();
        walk(&Folder::empty("help"), &[], &mut helps);
        assert!(helps.len() > 25, "{}", helps.len());
        helps
    })
}

#[test]
fn every_command_has_help_with_an_example() {
    let has_example = |help: &str| help.contains("\n  keyward ") || help.contains(" | keyward ");
    let without = helps().iter().filter(|(_, help)| !has_example(help));
    let without: Vec<&str> = without.map(|(command, _)| command.as_str()).collect();
    assert_eq!(without, [""; 0]);
}

/// One name for an option that several commands have.
#[test]
fn what_may_be_empty_is_said_by_one_option() {
    let mut with = Vec::new();
    for (command, help) in helps() {
        let words = help.split_whitespace();
        let options = words.filter(|word| word.starts_with("--") && word.contains("empty"));
        for option in options {
            assert_eq!(option, "--allow-empty", "{command}");
            with.push(command.as_str());
        }
    }
    with.dedup();
    assert_eq!(with, ["publish", "push", "snapshot build"]);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let desk = Desk::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.good(&["completions", shell]);
        for word in ["limit-ip", "expiring-within", "from-grant-set"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    desk.good(&["man", "pages/man1"]);
    let pages = desk.folder.path.join("pages/man1");
    for page in ["keyward.1", "keyward-keys.1", "keyward-keys-create.1"] {
        let page = fs::read_to_string(pages.join(page)).unwrap();
        assert!(page.contains("\n.SH EXTRA\n"), "{page}");
        assert!(page.contains("keyward keys create"), "{page}");
    }
}

#[test]
fn a_generated_script_is_one_that_its_shell_reads() {
    let desk = Desk::new("bash");
    let script = desk.folder.path.join("keyward.bash");
    fs::write(&script, desk.good(&["completions", "bash"])).unwrap();
    let asked = format!(
        "source {} && COMP_WORDS=(keyward keys ro) COMP_CWORD=2 && _keyward keyward ro keys && echo \"${{COMPREPLY[*]}}\"",
        script.display()
    );
    let output = Command::new("bash").args(["-c", &asked]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "rotate\n");
}
