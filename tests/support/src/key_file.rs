//! A key file as the real binary writes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keyward_files::key_file::KeyFile;
use serde_json::Value;

use crate::command::command;
use crate::process;

/// A folder for one test, with a key file that `keyward init` made.
pub struct Folder {
    pub path: PathBuf,
    _kept: process::Folder,
}

impl Folder {
    pub fn empty(name: &str) -> Self {
        let folder = process::Folder::new(&format!("key-file-{name}"));
        Self {
            path: folder.path().to_owned(),
            _kept: folder,
        }
    }

    pub fn new(name: &str) -> Self {
        let folder = Self::empty(name);
        folder.good(&["init"]);
        folder
    }

    pub fn file(&self) -> PathBuf {
        self.path.join("keyward.toml")
    }

    /// Returns the command in this folder, with its key file.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .current_dir(&self.path)
            .env("KEYWARD_ACTOR", "ann@test")
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its output.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail, and returns its error output.
    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Returns the complete lines of the journal.
    pub fn journal(&self) -> Vec<Value> {
        journal(&self.path.join("keyward.toml.journal"))
    }
}

pub fn journal(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn read(text: &str) -> KeyFile {
    KeyFile::read(vec![("keyward.toml".to_owned(), text.to_owned())]).unwrap()
}
