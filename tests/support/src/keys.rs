//! A folder for `keyward keys`. It remembers every value that must be shown once and stored
//! nowhere.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Said, fed};
use crate::key_file::Folder;

/// A folder with a key file, and everything that commands printed there.
pub struct Desk {
    pub folder: Folder,
    /// Values of keys that are shown once and not stored.
    secrets: RefCell<Vec<String>>,
    /// Everything that commands printed, except the one line with a new value.
    said: RefCell<Vec<String>>,
}

impl Desk {
    /// Makes a folder with an organization and an account, which has its first keys.
    pub fn new(name: &str) -> Self {
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

    pub fn keep(&self, value: &str) {
        self.secrets.borrow_mut().push(value.to_owned());
    }

    /// Runs a command whose standard output may contain a new value.
    pub fn spoken(&self, arguments: &[&str], input: &str) -> Said {
        let said: Said = fed(&mut self.folder.command(arguments), input).into();
        self.said.borrow_mut().push(said.err.clone());
        said
    }

    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let said = self.spoken(arguments, input);
        self.said.borrow_mut().push(said.out.clone());
        said
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// Runs a command that must succeed, and returns its standard output.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said.out
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs a command that must fail with this exit code and not change the file. Returns its
    /// standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, arguments: &[&str]) -> String {
        self.refused_with(code, arguments, "")
    }

    #[track_caller]
    pub fn refused_with(&self, code: i32, arguments: &[&str], input: &str) -> String {
        let before = self.folder.text();
        let said = self.run_with(arguments, input);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.err);
        assert_eq!(said.out, "", "{arguments:?}");
        assert_eq!(self.folder.text(), before, "{arguments:?}");
        said.err
    }

    /// Makes a key. Returns its id and its value, which is only on standard output.
    #[track_caller]
    pub fn made(&self, arguments: &[&str]) -> (String, String) {
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

    /// Asserts that no secret value is in any file of this folder or the others, or in any output.
    #[track_caller]
    pub fn assert_kept_nowhere(&self, others: &[&Path]) {
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
            // Not even half of one.
            let (half, _) = secret.split_at(secret.len() / 2);
            for (name, text) in &texts {
                let found = text.windows(half.len()).any(|part| part == half.as_bytes());
                assert!(!found, "a key's value is in `{name}`");
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
