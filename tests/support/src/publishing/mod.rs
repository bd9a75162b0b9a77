//! A folder for publishing a feed, and the servers that serve it: `keyward feed serve`, and nginx.

pub mod kills;
mod server;

pub use server::{Nginx, Served};

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::command::{Said, command};
use crate::find::root;
use crate::process::Folder;
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward_files::feed::{Content, Present, Reader};

/// A folder with a signing key, a configuration and the feed's folder.
pub struct Press {
    pub folder: Folder,
    pub public_key: String,
}

impl Press {
    pub fn new(name: &str) -> Self {
        let folder = Folder::new(&format!("publish-{name}"));
        fs::create_dir(folder.path().join("feed")).unwrap();
        let mut press = Self {
            folder,
            public_key: String::new(),
        };
        press.good(&["feed", "key", "new", "feed.sec"]);
        let shown = press.good(&["feed", "key", "show", "feed.sec"]);
        press.public_key = shown.trim().to_owned();
        press
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.err);
        said.out
    }

    /// Writes the configuration that is published.
    pub fn write(&self, configuration: &Value) {
        // Written as a careful program does it: all or nothing.
        let (aside, path) = (self.path("keyward.json.new"), self.path("keyward.json"));
        fs::write(&aside, configuration.to_string()).unwrap();
        fs::rename(aside, path).unwrap();
    }

    /// Returns the arguments of a publication of the configuration.
    pub fn arguments<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec![
            "publish",
            "--configuration",
            "keyward.json",
            "--source",
            "file:test",
            "--feed",
            "prod",
            "--to",
            "feed",
        ];
        arguments.extend(more);
        arguments
    }

    pub fn publish(&self, more: &[&str]) -> Said {
        self.run(&self.arguments(more))
    }

    #[track_caller]
    pub fn published(&self, more: &[&str]) -> String {
        self.good(&self.arguments(more))
    }

    /// Returns what a gateway reads, with everything verified.
    #[track_caller]
    pub fn present(&self) -> Present {
        let store = keyward_files::feed::Folder::open(&self.path("feed")).unwrap();
        let reader = Reader {
            store: &store,
            feed: "prod",
            keys: &[PublicKey::from_line(&self.public_key).unwrap()],
            profile: &Profile::stripe(),
            cache: None,
        };
        reader.read(None).unwrap().unwrap()
    }

    /// Returns whether the feed leads to this configuration.
    pub fn holds(&self, configuration: &Value) -> bool {
        let text = configuration.to_string();
        let content = Content::of_configuration("the test", text.as_bytes()).unwrap();
        content.is_the_same_as(&self.present())
    }
}

/// Ends a key in a configuration.
pub fn revoke(configuration: &mut Value, number: usize) {
    configuration["snapshot"]["keys"][number]["status"] = "deleted".into();
}

/// Returns the path of a program from a Debian package. If it cannot be installed, prints a line
/// and returns `None`.
pub fn debian(package: &str, program: &str) -> Option<String> {
    let mut script = Command::new(root().join("scripts/debian.sh"));
    let output = script.args([package, program]).output().unwrap();
    match output.status.code() {
        Some(0) => Some(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        Some(3) => {
            println!("{}", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        code => panic!("debian.sh ended with {code:?}"),
    }
}
