//! Reads the input of commands: files, and keys from standard input.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

use zeroize::Zeroizing;

use keyward::configuration::Configuration;
use keyward_files::snapshot::unpack;

pub(super) use keyward_files::clock::now;

/// The maximum number of bytes that are read from standard input for a key.
const LONGEST_INPUT: u64 = 4096;

/// Reads the bytes of a file. `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
        return Ok(bytes);
    }
    fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
}

/// Reads the plugin configuration in a file.
pub(super) fn configuration(path: &Path) -> Result<Configuration> {
    let refused = || format!("`{}` is refused", path.display());
    let json = unpack::to_json(read(path)?).with_context(refused)?;
    Configuration::from_json(&json).with_context(refused)
}

/// Reads one key from standard input, without the line end. Keys are never arguments, because
/// process lists and shell histories show those.
pub(super) fn key() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .take(LONGEST_INPUT)
        .read_to_string(&mut text);
    if read.is_err() {
        bail!("standard input holds no text; give one key, on one line");
    }
    let key = text.trim_end_matches(['\n', '\r']);
    if key.is_empty() {
        bail!("standard input is empty; give one key, on one line");
    }
    Ok(key.to_owned())
}

/// Reads the API key in a file, which has one line.
pub(super) fn key_of_file(path: &Path) -> Result<Zeroizing<String>> {
    let unreadable = || format!("`{}` cannot be read", path.display());
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).with_context(unreadable)?;
    let read = file.take(LONGEST_INPUT).read_to_string(&mut text);
    read.with_context(unreadable)?;
    if text.trim().is_empty() {
        bail!("`{}` is empty; put the API key into it", path.display());
    }
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// Reads the API key in `KEYWARD_API_KEY`.
pub(super) fn key_of_environment() -> Result<Option<Zeroizing<String>>> {
    let Some(text) = std::env::var_os("KEYWARD_API_KEY") else {
        return Ok(None);
    };
    let Ok(text) = text.into_string() else {
        bail!("KEYWARD_API_KEY holds no text");
    };
    let text = Zeroizing::new(text);
    let key = text.trim();
    Ok((!key.is_empty()).then(|| Zeroizing::new(key.to_owned())))
}
