//! Where packed and unpacked snapshots are written: to a file, completely or not at all, or to
//! standard output.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::{Result, bail};

use keyward_files::replace::{Access, Staged};

/// Writes to `path`, or to standard output without one. Binary data does not go to a terminal.
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
    let mut staged = Staged::new(path, Access::Kept)?;
    staged.fill(write)?;
    staged.commit()
}
