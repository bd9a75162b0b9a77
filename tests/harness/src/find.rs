//! Finds the programs and files under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub use keyward_support::find::root;

/// Returns the Envoy that the Makefile also uses: `$ENVOY_BIN`, or the one that `scripts/envoy.sh`
/// finds.
pub fn envoy() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        if let Some(named) = std::env::var_os("ENVOY_BIN") {
            return PathBuf::from(named);
        }
        let script = root().join("scripts/envoy.sh");
        let output = Command::new(&script)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        assert!(
            output.status.success(),
            "{}: {}",
            script.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// Returns the released filter: `$KEYWARD_WASM`, or the file that `make build` makes.
pub fn wasm() -> PathBuf {
    built(
        "KEYWARD_WASM",
        "target/wasm32-wasip1/release/keyward.wasm",
        "make build",
    )
}

/// Returns the native module: `$KEYWARD_NATIVE`, or the file that `make native` makes.
pub fn native() -> PathBuf {
    built(
        "KEYWARD_NATIVE",
        "target/release/libkeyward.so",
        "make native",
    )
}

/// Returns the filter with switches that make a VM fail on demand: `$KEYWARD_TRAP_DOOR_WASM`, or
/// the file that `make trap-door` makes.
pub fn trap_door_wasm() -> PathBuf {
    built(
        "KEYWARD_TRAP_DOOR_WASM",
        "target/trap-door/wasm32-wasip1/release/keyward.wasm",
        "make trap-door",
    )
}

/// Returns the native module with switches that make a hook panic: `$KEYWARD_TRAP_DOOR_NATIVE`, or
/// the file that `make native-trap-door` makes.
pub fn trap_door_native() -> PathBuf {
    built(
        "KEYWARD_TRAP_DOOR_NATIVE",
        "target/trap-door/release/libkeyward.so",
        "make native-trap-door",
    )
}

fn built(variable: &str, place: &str, made_by: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| root().join(place), PathBuf::from);
    assert!(
        path.is_file(),
        "{}: no such file; `{made_by}` makes it",
        path.display()
    );
    path.canonicalize().unwrap()
}
