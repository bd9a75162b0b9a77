//! A copy of the database, made while the server runs. The copy is one file, with one state of the
//! store.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::error::{Result, StoreError};
use super::folder::make_private_file;
use super::{Inspection, settings};

/// The number of pages that it copies before it checks again whether the writer waits: 4 MiB.
const PAGES: i32 = 1_024;

/// Copies the database in the data folder `from` to the new file `to`, and checks the copy. Returns
/// the findings, and keeps the copy in any case.
pub fn backup(from: &Path, to: &Path) -> Result<Vec<super::Finding>> {
    if to.exists() {
        return Err(StoreError::Unavailable(format!(
            "`{}` is there already and was left as it is",
            to.display()
        )));
    }
    let copied = copy(from, to);
    if copied.is_err() {
        // An incomplete copy is removed.
        let _ = fs::remove_file(to);
    }
    copied?;
    Inspection::of_file(to)?.check()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let inspection = Inspection::of_folder(from)?;
    make_private_file(to)?;
    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let backup = Backup::new(inspection.connection(), &mut copy)?;
    backup.run_to_completion(PAGES, Duration::from_millis(1), None)?;
    drop(backup);
    // Without a log, the copy is one file. A server that opens it creates a log again.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    if settings::read(&copy, "journal_mode")? != "delete" {
        return Err(StoreError::Unavailable(
            "the copy does not become one file".to_owned(),
        ));
    }
    Ok(())
}
