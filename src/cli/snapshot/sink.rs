//! Where packed and unpacked snapshots go: a file that is there as a whole or not at all, or standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Writes to `path`, or to standard output where there is none. Bytes that are no text do not go to a terminal.
pub(super) fn write(
    path: Option<&Path>,
    is_text: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let Some(path) = path.filter(|path| *path != Path::new("-")) else {
        let out = io::stdout().lock();
        if !is_text && out.is_terminal() {
            bail!("the packed form is not for terminals; name a file with --output");
        }
        let mut out = BufWriter::new(out);
        write(&mut out)?;
        return Ok(out.flush()?);
    };
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = replace(path, &aside, write);
    if written.is_err() {
        // The half-written file is of no use to anybody.
        let _ = fs::remove_file(&aside);
    }
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}

fn replace(
    path: &Path,
    aside: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let mut out = BufWriter::new(File::create(aside)?);
    write(&mut out)?;
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(fs::rename(aside, path)?)
}
