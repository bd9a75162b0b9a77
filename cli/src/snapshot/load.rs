//! Loads the input of snapshot commands: a snapshot, a plugin configuration that contains one, or a
//! key file from which one is made.

use std::path::Path;

use anyhow::{Context, Result};

use super::build::Issuing;
use crate::input;
use keyward_files::snapshot::{Checked, unpack};
use keyward_files::store::Store;

/// Reads JSON, the packed form, or a key file, which is a folder or a file that ends in `.toml`.
pub(crate) fn load(path: &Path) -> Result<Checked> {
    let is_key_file = path.extension().is_some_and(|ending| ending == "toml");
    let name = path.display().to_string();
    if is_key_file || path.is_dir() {
        let file = Store::open(path)?.read()?;
        return Checked::made(&name, file, &Issuing::default().issue(input::now()));
    }
    let json =
        unpack::to_json(input::read(path)?).with_context(|| format!("`{name}` is refused"))?;
    Checked::read(&name, &json)
}
