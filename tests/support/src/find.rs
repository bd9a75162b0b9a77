//! Finds the project.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the project's root.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        root.canonicalize().unwrap()
    })
}
