//! Stripe's own SDK, unmodified, in the alpha channel that has `client.v2.iam.api_keys`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use keyward_harness::find::root;
use serde_json::Value;

/// A running script. The test communicates with it in lines.
pub(crate) struct Script {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Script {
    /// Starts a script from `tests/server/python`. If the machine has no Python, prints a line and
    /// returns `None`.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let set_up = Command::new(root().join("scripts/packages.sh"))
            .args(["server", "python"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&set_up.stderr);
        if set_up.status.code() == Some(3) {
            eprintln!("{said}");
            return None;
        }
        assert!(
            set_up.status.success(),
            "scripts/packages.sh server python: {said}"
        );
        let python = String::from_utf8(set_up.stdout).unwrap();
        let mut child = Command::new(python.trim())
            .args(["-E", "-s", "-B"])
            .arg(root().join("tests/server/python").join(name))
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Some(Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        })
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
    }

    /// Returns the next line that it prints.
    pub(crate) fn told(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the script said: {line:?}"))
    }

    /// Returns the next line, or `None` at the end.
    pub(crate) fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).unwrap();
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    pub(crate) fn ends_well(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}
