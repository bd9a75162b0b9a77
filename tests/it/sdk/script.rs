//! Runs the scripts of `tests/sdk`, with what `scripts/packages.sh` sets up.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::support::find::root;
use crate::support::process::{Folder, Guarded};
use crate::support::{BOUND, eventually};

/// A language that has an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Python,
    Node,
}

impl Language {
    /// Returns the command that runs a script in this language. If the machine lacks the language,
    /// prints a line and returns `None`.
    fn command(self, script: &str) -> Option<Command> {
        static SET_UP: [OnceLock<Option<PathBuf>>; 2] = [const { OnceLock::new() }; 2];
        let (name, slot) = match self {
            Self::Python => ("python", &SET_UP[0]),
            Self::Node => ("node", &SET_UP[1]),
        };
        let Some(place) = slot.get_or_init(|| set_up(name)) else {
            skipped(&format!("{name}/{script}"));
            return None;
        };
        let mut command = match self {
            Self::Python => Command::new(place),
            Self::Node => Command::new("node"),
        };
        match self {
            // Without the environment's settings and the user's own packages, and without writing
            // compiled files next to the scripts.
            Self::Python => command
                .args(["-E", "-s", "-B"])
                .arg(root().join("tests/sdk/python").join(script)),
            // Node then looks for imports next to the link to the script, and not next to the
            // script itself.
            Self::Node => command
                .args(["--preserve-symlinks", "--preserve-symlinks-main"])
                .arg(place.join("scripts").join(script)),
        };
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        Some(command)
    }

    /// Returns this language's file for a script with this name.
    fn file(self, name: &str) -> String {
        match self {
            Self::Python => format!("{name}.py"),
            Self::Node => format!("{name}.mjs"),
        }
    }
}

/// Returns what `scripts/packages.sh` prints, or `None` if it reports that the tool is not
/// available. Any other failure fails the test.
fn set_up(language: &str) -> Option<PathBuf> {
    let script = root().join("scripts/packages.sh");
    let output = Command::new(&script)
        .args(["sdk", language])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        tell(said.trim_end());
        return None;
    }
    assert!(
        output.status.success(),
        "scripts/packages.sh sdk {language}: {said}"
    );
    Some(PathBuf::from(
        String::from_utf8(output.stdout).unwrap().trim(),
    ))
}

/// Prints that something was not run.
pub fn skipped(what: &str) {
    tell(&format!("SKIPPED, for lack of the tool: {what}"));
}

/// Prints a line past the capture of a passing test's output.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A running script.
#[derive(Debug)]
pub struct Script {
    // Declared before the folder, because the process must end first.
    process: Guarded,
    folder: Folder,
    name: String,
}

impl Script {
    /// Starts a script with this plan in a file. Returns `None` if the machine lacks the language.
    pub fn start(language: Language, name: &str, plan: &Value) -> Option<Self> {
        let name = language.file(name);
        let mut command = language.command(&name)?;
        let folder = Folder::new("sdk");
        let plan_file = folder.path().join("plan.json");
        fs::write(&plan_file, plan.to_string()).unwrap();
        command
            .arg(plan_file)
            .stdout(File::create(folder.path().join("stdout")).unwrap())
            .stderr(File::create(folder.path().join("stderr")).unwrap());
        let process = Guarded::spawn(&mut command).unwrap();
        Some(Self {
            process,
            folder,
            name,
        })
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    /// Waits for the end of the script, and returns the steps that it reported. It must have
    /// reached its end, and reported as many as it claims.
    #[track_caller]
    pub fn finish(mut self) -> Vec<Value> {
        let what = format!("{} ends", self.name);
        eventually(&what, Duration::from_secs(120), || {
            self.process.has_ended().then_some(())
        });
        let (told, errors) = (self.text("stdout"), self.text("stderr"));
        let mut steps: Vec<Value> = told
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        let last = steps.pop();
        let done = last.as_ref().and_then(|last| last["done"].as_u64());
        let why = last.as_ref().and_then(|last| last["why"].as_str());
        assert_eq!(
            done,
            Some(steps.len() as u64),
            "{}: {}\n{errors}",
            self.name,
            why.unwrap_or("it did not come to its end")
        );
        steps
    }
}

/// Runs a script of named steps, which must be these, and which must each check something. Returns
/// whether it ran.
#[track_caller]
pub fn run_steps(language: Language, name: &str, plan: &Value, expected: &[&str]) -> bool {
    let Some(script) = Script::start(language, name, plan) else {
        return false;
    };
    let steps = script.finish();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, expected);
    for step in &steps {
        assert!(
            step["ok"] == true && step["checks"].as_u64() > Some(0),
            "{step}"
        );
    }
    true
}

/// A server written in Python that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    _process: Guarded,
    folder: Folder,
    pub address: SocketAddr,
}

impl Server {
    /// Starts `tests/sdk/python/NAME.py`, which prints its port first.
    pub fn start(name: &str, plan: &Value) -> Option<Self> {
        let Script {
            mut process,
            folder,
            name,
        } = Script::start(Language::Python, name, plan)?;
        let port = eventually(&format!("{name} listens"), BOUND, || {
            let told = fs::read_to_string(folder.path().join("stdout")).unwrap();
            if process.has_ended() {
                let errors = fs::read_to_string(folder.path().join("stderr")).unwrap();
                panic!("{name} ended: {errors}");
            }
            told.split_once('\n')?.0.parse().ok()
        });
        Some(Self {
            _process: process,
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        })
    }

    /// Returns the lines that it printed after its port.
    pub fn told(&self) -> Vec<String> {
        let told = fs::read_to_string(self.folder.path().join("stdout")).unwrap();
        told.lines().skip(1).map(str::to_owned).collect()
    }
}

/// Returns a program that exists on the machine and responds. Otherwise prints a line and returns
/// `None`.
pub fn program(name: &str) -> Option<Command> {
    let answers = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    if answers.is_ok_and(|output| output.status.success()) {
        return Some(Command::new(name));
    }
    skipped(name);
    None
}
