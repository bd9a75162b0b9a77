//! What the filter and the command are built from: the server adds nothing to either.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::find::root;

/// What only the server needs.
const SERVERS: [&str; 4] = ["keyward-server", "libsqlite3-sys", "rusqlite", "utoipa"];

/// Returns the names of the packages that a build contains, as Cargo resolves them.
fn packages(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn the_server_adds_nothing_to_the_filter_and_the_command() {
    let servers = packages(&["--package", "keyward-server"]);
    let command = packages(&["--package", "keyward-cli", "--features", "object-store"]);
    let filter = packages(&["--package", "keyward", "--target", "wasm32-wasip1"]);
    for name in SERVERS {
        assert!(
            servers.contains(name),
            "{name} is not what the server is built from"
        );
        assert!(!command.contains(name), "the command is built from {name}");
        assert!(!filter.contains(name), "the filter is built from {name}");
    }
    for name in ["axum", "tokio", "keyward-files"] {
        assert!(command.contains(name) && !filter.contains(name), "{name}");
    }
    assert!(
        filter.contains("proxy-wasm") && filter.len() < 60,
        "{filter:?}"
    );
}
