//! Help texts: every command has one with an example, and the tour in the main one can be followed
//! unchanged.

use std::fs;
use std::process::Command;

use super::Desk;
use crate::support::key_file::Folder;

/// Returns the names below `Commands:`.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A long description continues further indented.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn walk(folder: &Folder, path: &[String], without: &mut Vec<String>, count: &mut usize) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = folder.good(&arguments);
    *count += 1;
    let has_example = help.contains("\n  keyward ") || help.contains(" | keyward ");
    if !has_example {
        without.push(format!("keyward {}", path.join(" ")));
    }
    for name in commands(&help) {
        walk(folder, &[path, &[name]].concat(), without, count);
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::empty("help");
    let (mut without, mut count) = (Vec::new(), 0);
    walk(&folder, &[], &mut without, &mut count);
    assert!(count > 25, "{count}");
    assert_eq!(without, [""; 0]);
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
