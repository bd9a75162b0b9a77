//! `keyward keys`, by the real binary: a key's whole life through a running Envoy, the rules on keys, incidents, what must never be lost or shown, and the help texts.

mod help;
mod incident;
mod life;
#[cfg(target_os = "linux")]
mod lost;
mod names;
mod pasted;
mod rules;
#[cfg(target_os = "linux")]
mod taken_back;

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::key_file::Folder;

/// What a command said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A folder with a key file, and everything that was said there.
struct Desk {
    folder: Folder,
    /// Values of keys that are shown once and kept by nobody.
    secrets: RefCell<Vec<String>>,
    /// All that commands said, but for the one line with a new value.
    said: RefCell<Vec<String>>,
}

impl Desk {
    /// With an organization and an account, which has its first keys.
    fn new(name: &str) -> Self {
        let desk = Self {
            folder: Folder::new(&format!("keys-{name}")),
            secrets: RefCell::default(),
            said: RefCell::default(),
        };
        desk.good(&["accounts", "add", "org_1", "--name", "Widgets Group"]);
        let add = ["accounts", "add", "acct_1", "--parent", "org_1", "--json"];
        let made: Value = serde_json::from_str(&desk.spoken(&add, "").out).unwrap();
        for key in made["keys"].as_array().unwrap() {
            if key["kind"] == "secret" {
                desk.keep(key["value"].as_str().unwrap());
            }
        }
        desk
    }

    fn keep(&self, value: &str) {
        self.secrets.borrow_mut().push(value.to_owned());
    }

    /// Runs a command whose standard output may hold a new value.
    fn spoken(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self
            .folder
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments has ended before it reads.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        self.said.borrow_mut().push(said.err.clone());
        said
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let said = self.spoken(arguments, input);
        self.said.borrow_mut().push(said.out.clone());
        said
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// What must succeed; its standard output.
    #[track_caller]
    fn good(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said.out
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What must be refused with this code, without a change of the file; its standard error.
    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        self.refused_with(code, arguments, "")
    }

    #[track_caller]
    fn refused_with(&self, code: i32, arguments: &[&str], input: &str) -> String {
        let before = self.folder.text();
        let said = self.run_with(arguments, input);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert_eq!(said.out, "", "{arguments:?}");
        assert_eq!(self.folder.text(), before, "{arguments:?}");
        said.err
    }

    /// Makes a key: its id and its value, which stands on standard output alone.
    #[track_caller]
    fn made(&self, arguments: &[&str]) -> (String, String) {
        let said = self.spoken(arguments, "");
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        let value = said.out.strip_suffix('\n').unwrap();
        assert_eq!(value.len(), 107, "{arguments:?}");
        assert!(
            value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        );
        let id = said.err.strip_prefix("made ").unwrap();
        let (id, _) = id.split_once(':').unwrap();
        self.keep(value);
        (id.to_owned(), value.to_owned())
    }

    /// No secret value stands in any file of this folder or of another, or in anything that was said.
    #[track_caller]
    fn assert_kept_nowhere(&self, others: &[&Path]) {
        let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
        for folder in [self.folder.path.as_path()].iter().chain(others) {
            collect(folder, &mut texts);
        }
        let said = self.said.borrow();
        texts.extend(said.iter().map(|said| {
            let name = said.lines().next().unwrap_or_default().to_owned();
            (name, said.clone().into_bytes())
        }));
        assert!(texts.len() > 4 && !self.secrets.borrow().is_empty());
        for secret in self.secrets.borrow().iter() {
            // Not the half of one, either.
            let (half, _) = secret.split_at(secret.len() / 2);
            for (name, text) in &texts {
                let found = text.windows(half.len()).any(|part| part == half.as_bytes());
                assert!(!found, "a key's value stands in `{name}`");
            }
        }
    }
}

fn collect(folder: &Path, texts: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, texts);
        } else if path.is_file() {
            texts.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}
