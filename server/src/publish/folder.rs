//! The folder of a feed.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Makes the folder. It contains digests, accounts and grants, so only the server's user can read it,
/// unless the operator made it with another mode.
pub(super) fn make(path: &Path) -> Result<()> {
    let failure = || format!("`{}` cannot be made", path.display());
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700);
    folder.create(path).with_context(failure)
}
