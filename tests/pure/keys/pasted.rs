//! No command echoes a key that was pasted into the wrong place.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use super::Desk;
use crate::support::command::program;

/// A long one in Stripe's form, a short one in Stripe's form, and one of a custom API.
const KEYS: [&str; 3] = [
    "sk_live_FAKE-in-the-wrong-place-0001",
    "rk_test_FAKE-1",
    "acme_live_FAKE-in-the-wrong-place-0001",
];

/// What a command accepts, according to its help.
#[derive(Default)]
struct Takes {
    options: BTreeSet<String>,
    commands: Vec<String>,
}

fn takes(help: &str) -> Takes {
    let mut takes = Takes::default();
    let mut section = "";
    for line in help.lines() {
        if !line.starts_with(' ') {
            section = line;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_item = line.starts_with("  ") && !line.starts_with("          ");
        match (section, words.as_slice()) {
            ("Commands:", [name, ..]) if is_item && !line.starts_with("   ") && *name != "help" => {
                takes.commands.push((*name).to_owned());
            }
            ("Options:" | "Key file or server:" | "Server:", words) if is_item => {
                let option = words.iter().position(|word| word.starts_with("--"));
                if let Some(at) = option
                    && words
                        .get(at + 1)
                        .is_some_and(|value| value.starts_with('<'))
                {
                    takes.options.insert(words[at].to_owned());
                }
            }
            _ => {}
        }
    }
    takes
}

/// Returns what a command prints, however it ends. No command may run forever.
fn printed(desk: &Desk, arguments: &[&str]) -> String {
    let output = Command::new("timeout")
        .args(["20", program().to_str().unwrap()])
        .args(arguments)
        .current_dir(&desk.folder.path)
        .env_remove("KEYWARD_KEYS")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(124), "{arguments:?} goes on");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Finds every command that needs no server, each with its options.
fn walk(desk: &Desk, path: &[String], found: &mut Vec<(Vec<String>, Vec<String>)>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let takes = takes(&desk.good(&arguments));
    for name in &takes.commands {
        walk(desk, &[path, std::slice::from_ref(name)].concat(), found);
    }
    if takes.commands.is_empty() {
        found.push((path.to_vec(), takes.options.into_iter().collect()));
    }
}

#[test]
fn a_pasted_key_is_repeated_by_no_command() {
    let desk = Desk::new("pasted");
    let text = desk.folder.text();
    let own =
        "[configuration.profile.prefixes]\nsecret = [\"acme_live_\", \"sk_test_\", \"sk_live_\"]\n";
    fs::write(desk.folder.file(), format!("{text}\n{own}")).unwrap();
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    let mut commands = Vec::new();
    walk(&desk, &[], &mut commands);
    assert!(commands.len() > 30, "{}", commands.len());
    let (mut count, mut repeated) = (0, Vec::new());
    for (path, options) in &commands {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        for key in KEYS {
            let mut tried: Vec<Vec<String>> = vec![
                vec![key.to_owned()],
                vec![format!("--{key}")],
                vec![id.clone(), key.to_owned()],
                vec!["acct_1".to_owned(), key.to_owned()],
            ];
            for option in options {
                // One with the command's subject, and one without.
                let about = match path[0] {
                    "keys" => Some(id.as_str()),
                    "accounts" if path[1] == "add" => Some("acct_2"),
                    "accounts" => Some("acct_1"),
                    _ => None,
                };
                for first in [None, about] {
                    let mut words: Vec<String> = first.map(str::to_owned).into_iter().collect();
                    words.push(format!("{option}={key}"));
                    // Without this, the command would not look at the value.
                    if path == ["keys", "create"] && option != "--owner" {
                        words.push("--owner=acct_1".to_owned());
                    }
                    tried.push(words);
                }
            }
            for words in tried {
                let arguments: Vec<&str> = path
                    .iter()
                    .copied()
                    .chain(words.iter().map(String::as_str))
                    .collect();
                let printed = printed(&desk, &arguments);
                count += 1;
                if printed.contains("FAKE-in") || printed.contains("FAKE-1") {
                    repeated.push(format!("{arguments:?}: {printed}"));
                }
            }
        }
    }
    eprintln!("{count} calls of {} commands", commands.len());
    assert_eq!(repeated, [""; 0]);
    for (name, text) in [
        ("keyward.toml", desk.folder.text()),
        (
            "journal",
            fs::read_to_string(desk.folder.path.join("keyward.toml.journal")).unwrap(),
        ),
    ] {
        // A short one may be a name: people write `rk_test_` and a few letters about keys.
        assert!(!text.contains("FAKE-in"), "{name}");
    }
}

#[test]
fn a_key_as_an_argument_is_refused_before_anything_is_done() {
    let desk = Desk::new("argument");
    let key = KEYS[0];
    let (id, _) = desk.made(&["keys", "create", "--owner", "acct_1"]);
    let grant = format!("{key}=read");
    for arguments in [
        &["keys", "show", key][..],
        &["keys", "delete", key, "--yes"],
        &["keys", "rotate", key, "--now"],
        &["keys", "create", "--owner", key],
        &["keys", "create", "--owner", "acct_1", "--grant", &grant],
        &["keys", "create", "--owner", "acct_1", "--note", key],
        &["keys", "edit", &id, "--name", key],
        &["keys", "limit-ip", &id, "set", key],
        &["keys", "list", "--owner", key],
        &["keys", "find", key],
        &["keys", "find", "--key-stdin", key],
        &["keys", "import", "--owner", "acct_1", key],
        &["keys", "expire", &id, "--in", key],
        &["keys", "create", "--owner", "acct_1", "--label", key],
        &["accounts", "add", "acct_2", "--parent", key],
        &["accounts", "add", key],
        &["init", "--keys", key],
        &["explain", "GET", &format!("/v1/customers?key={key}")],
        &[key],
    ] {
        let said = desk.refused(2, arguments);
        assert!(said.contains("treat it as leaked"), "{said}");
        assert!(!said.contains("FAKE"), "{said}");
    }
    // A file with this name would preserve the key.
    let names: Vec<String> = fs::read_dir(&desk.folder.path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name.contains("FAKE")), "{names:?}");
    // A prefix, a masked key and a publishable key do not count.
    for word in ["sk_live_", "rk_test_****hVXR", "pk_test_FAKE-alice-0001"] {
        let said = desk.refused(4, &["keys", "show", word]);
        assert!(!said.contains("one of the arguments"), "{said}");
    }
}
