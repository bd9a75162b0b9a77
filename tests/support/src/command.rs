//! Runs the command under test as a person would.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// Returns the path of the command. Cargo builds it before the tests of its package, and puts it
/// next to the folder with their binaries.
pub fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let test = std::env::current_exe().unwrap();
            let folder = test.parent().and_then(std::path::Path::parent).unwrap();
            let program = folder.join("keyward");
            assert!(program.is_file(), "{}: no such file", program.display());
            program
        })
        .clone()
}

/// Returns the command, with empty standard input and without a key file from the environment.
pub fn command() -> Command {
    let mut command = Command::new(program());
    command
        .env_remove("KEYWARD_KEYS")
        .env_remove("KEYWARD_ECDS");
    command.stdin(Stdio::null());
    command
}

/// The output of a command.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the command.
pub fn keyward(arguments: &[&str]) -> Said {
    command().args(arguments).output().unwrap().into()
}

/// Runs a command with this standard input, of any length.
pub fn fed(command: &mut Command, input: impl AsRef<[u8]> + Send) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // Both pipes may be smaller than the data. A command that rejects its arguments exits
        // before it reads.
        scope.spawn(move || pipe.write_all(input.as_ref()));
        child.wait_with_output().unwrap()
    })
}
