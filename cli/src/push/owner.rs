//! Whose target it is. A target carries the name of the source that its keys are from, and a push from another source is rejected: it would replace keys that it knows nothing of.

use anyhow::{Context, Result, bail};

use super::target::{Found, Target};
use crate::source::Source;
use keyward_files::key_file::{EXPECTED_SOURCE, SourceName};
use keyward_files::snapshot::Built;

/// A name of an argument.
pub(super) fn parse(text: &str) -> Result<SourceName> {
    SourceName::parse(text).with_context(|| format!("expected {EXPECTED_SOURCE}"))
}

/// The name that a push has: the key file's own, or the one that `--source` says.
pub(super) fn name(built: &Built, said: Option<&SourceName>) -> Result<Option<SourceName>> {
    match (&built.source, said) {
        (Some(own), Some(said)) if own != said => bail!(
            "the key file is `{own}`, and --source says `{said}`; leave --source out, which is for a source without a name"
        ),
        (Some(name), _) | (None, Some(name)) => Ok(Some(name.clone())),
        (None, None) => Ok(None),
    }
}

/// What a person should know of a key file that has no name yet.
pub(super) fn nameless(source: &Source, name: Option<&SourceName>) -> Option<String> {
    match (source, name) {
        (Source::Keys(path), None) => Some(format!(
            "warning: `{}` has no name, so nothing tells a push from another key file from one of this. The next command that changes it gives it one; for a file that cannot be changed say --source file:NAME",
            path.display()
        )),
        (Source::Keys(_) | Source::Configuration(_), _) => None,
    }
}

/// Whether this source may push to the target; what a person should know of it, if it may.
pub(super) fn admit(
    found: &Found<'_>,
    target: &Target,
    name: Option<&SourceName>,
    takes_over: bool,
) -> Result<Option<String>> {
    let shown = target.shown();
    match (&found.source, name) {
        (Some(owner), Some(name)) if owner == name => Ok(None),
        (Some(owner), name) if takes_over => Ok(Some(match name {
            Some(name) => format!("`{name}` took {shown} over from `{owner}`"),
            None => format!("{shown} was taken over from `{owner}`, and has no name now"),
        })),
        (Some(owner), Some(name)) => bail!(
            "{shown} holds the keys of `{owner}`, and this push is from `{name}`: nothing was written. Push from the key file with that name, or say --take-over if this one replaces it"
        ),
        (Some(owner), None) => bail!(
            "{shown} holds the keys of `{owner}`, and this push has no name: nothing was written. Say --source {owner} if it is the same source, or --take-over if it replaces that one"
        ),
        (None, Some(name)) if found.holds_keys() => Ok(Some(format!(
            "warning: {shown} had keys without the name of a source; it is `{name}`'s from now on"
        ))),
        (None, _) => Ok(None),
    }
}
