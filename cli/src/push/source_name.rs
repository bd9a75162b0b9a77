//! The source of a push: the key file's name for itself, or `--source`.

use anyhow::{Context, Result, bail};

use crate::source::Source;
use keyward_files::key_file::{EXPECTED_SOURCE, SourceName};
use keyward_files::snapshot::Built;

/// Parses a name in an argument.
pub(crate) fn parse(text: &str) -> Result<SourceName> {
    SourceName::parse(text).with_context(|| format!("expected {EXPECTED_SOURCE}"))
}

/// Returns the source of a push: the key file's own name, or the one from `--source`.
pub(super) fn of(built: &Built, said: Option<&SourceName>) -> Result<Option<SourceName>> {
    match (&built.source, said) {
        (Some(own), Some(said)) if own != said => bail!(
            "the key file is `{own}`, and --source says `{said}`; leave --source out, which is for a source without a name"
        ),
        (Some(name), _) | (None, Some(name)) => Ok(Some(name.clone())),
        (None, None) => Ok(None),
    }
}

/// Returns a warning for a key file that has no name yet.
pub(super) fn nameless(source: &Source, name: Option<&SourceName>) -> Option<String> {
    match (source, name) {
        (Source::Keys(path), None) => Some(format!(
            "warning: `{}` has no name, so a push of another key file looks like a push of this one. The next command that changes it gives it one; for a file that cannot be changed give --source file:NAME",
            path.display()
        )),
        (Source::Keys(_) | Source::Configuration(_), _) => None,
    }
}
