//! A file is replaced by a rename: Envoy watches the folder for renames and never sees half a file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes beside the file and renames. The file stays as readable as it was: Envoy may run as somebody else.
pub(super) fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = write(path, &aside, contents);
    if written.is_err() {
        // The half-written file is of no use to anybody.
        let _ = fs::remove_file(&aside);
    }
    written.with_context(|| format!("`{}` cannot be replaced", path.display()))
}

fn write(path: &Path, aside: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(aside)?;
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(contents)?;
    file.sync_all()?;
    drop(file);
    fs::rename(aside, path)?;
    folder(path)?.sync_all()
}

/// The folder that the file is in.
pub(super) fn folder(path: &Path) -> std::io::Result<File> {
    match path.parent() {
        Some(folder) if folder != Path::new("") => File::open(folder),
        _ => File::open("."),
    }
}
