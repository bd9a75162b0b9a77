//! `keyward push`: every target, revisions that only rise, and a watcher that lets no snapshot grow old.

mod ecds;
mod files;
pub mod held;
pub mod limits;
mod manifests;
mod removals;
mod revisions;
mod sources;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, CAROL, configuration, digest, status};
use crate::support::process::Folder;
use crate::support::{BOUND, Ecds, Envoy, eventually, find};
use crate::wait::serves;

/// What a command said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn keyward(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .args(arguments)
        .env_remove("KEYWARD_KEYS")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a key file, and what is pushed from it.
struct Desk {
    folder: Folder,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: Folder::new("push"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A configuration that another program has written.
    fn configuration(&self, value: &Value) -> String {
        let path = self.path("keyward.json");
        fs::write(&path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A key file that knows these keys.
    fn keys(&self, settings: &str, keys: &[&str]) -> String {
        let path = self.path("keyward.toml");
        fs::write(&path, key_file(settings, keys)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn key_file(settings: &str, keys: &[&str]) -> String {
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

fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The configuration that an ECDS file in JSON or YAML carries.
fn carried(path: &Path) -> Value {
    let response: Value = serde_norway::from_slice(&fs::read(path).unwrap()).unwrap();
    let text = response["resources"][0]["typed_config"]["config"]["configuration"]["value"].clone();
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}
