//! A folder for pushing a configuration, and a watcher that pushes it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::Value;

use crate::command::{Said, command, keyward};
use crate::key_file::read;
use crate::process::Folder;
use crate::wait::{BOUND, eventually};
use crate::world::{configuration, digest};

/// A folder with a key file, and the files that are pushed from it.
pub struct Desk {
    pub folder: Folder,
}

#[expect(clippy::new_without_default, reason = "a new one is a new folder")]
impl Desk {
    pub fn new() -> Self {
        Self {
            folder: Folder::new("push"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a configuration as another program would.
    pub fn configuration(&self, value: &Value) -> String {
        let path = self.path("keyward.json");
        fs::write(&path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a key file with these keys.
    pub fn keys(&self, settings: &str, keys: &[&str]) -> String {
        let path = self.path("keyward.toml");
        fs::write(&path, key_file(settings, keys)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

pub fn key_file(settings: &str, keys: &[&str]) -> String {
    let mut text = format!(
        "format = \"keyward.keys/v1\"\n\n[configuration]\n{settings}\n\n[[accounts]]\nid = \"acct_1\"\n"
    );
    for (index, key) in keys.iter().enumerate() {
        text += &format!(
            "\n[[keys]]\nid = \"mk_{index}\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_1\"\nsha256 = \"{}\"\n",
            digest(key)
        );
    }
    text
}

/// Returns the configuration in an ECDS file, which is JSON or YAML.
pub fn carried(path: &Path) -> Value {
    let response: Value = serde_norway::from_slice(&fs::read(path).unwrap()).unwrap();
    let text = response["resources"][0]["typed_config"]["config"]["configuration"]["value"].clone();
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

/// Returns keys, each of another customer.
pub fn many(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("sk_test_FAKE-customer-{number:04}"))
        .collect()
}

pub fn of(revision: u64, keys: &[String]) -> Value {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    configuration(revision, &keys)
}

/// A running watcher. It is stopped as a service manager does it, and must report that it was
/// stopped.
pub struct Watcher {
    child: Child,
    log: PathBuf,
}

impl Watcher {
    pub fn start(desk: &Desk, keys: &str, ecds: &Path) -> Self {
        Self::start_with(desk, keys, ecds, &["--allow-removals"])
    }

    pub fn start_with(desk: &Desk, keys: &str, ecds: &Path, more: &[&str]) -> Self {
        let log = desk.path("watch.log");
        let out = File::create(&log).unwrap();
        let child = command()
            .args([
                "push",
                "--watch",
                "--keys",
                keys,
                "--ecds",
                ecds.to_str().unwrap(),
            ])
            .args(more)
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    pub fn says(&self, what: &str) {
        eventually(&format!("the watcher says `{what}`"), BOUND, || {
            self.said().contains(what).then_some(())
        });
    }

    #[track_caller]
    pub fn stop(self, signal: &str) {
        let said = self.stop_with(signal, 0);
        assert!(said.ends_with("stopped; what was pushed last stays where it is\n"));
    }

    /// Stops the watcher, and returns its output.
    #[track_caller]
    pub fn stop_with(mut self, signal: &str, code: i32) -> String {
        let id = self.child.id().to_string();
        let sent = Command::new("/bin/kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
        let status = eventually("the watcher ends", BOUND, || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code), "{}", self.said());
        self.said()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key file with a command, and in it a name and an account with keys.
pub fn named(desk: &Desk, name: &str) -> (String, String) {
    let file = desk.path(name);
    let file = file.to_str().unwrap().to_owned();
    assert_eq!(keyward(&["init", "--keys", &file]).code, Some(0));
    let add = ["accounts", "add", "acct_1", "--keys", &file];
    assert_eq!(keyward(&add).code, Some(0));
    let source = read(&desk.text(name)).source().unwrap().to_string();
    (file, source)
}

pub fn push(keys: &str, ecds: &str, more: &[&str]) -> Said {
    keyward(&[&["push", "--keys", keys, "--ecds", ecds], more].concat())
}
