//! Exit codes, the same for every subcommand. Most usage errors are clap's, with its code 2.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or allowed.
    Good,
    /// The gateway under test broke a promise, or is set up in a way that it cannot keep it;
    /// nothing was found; or the answer to a question was no.
    Failed,
    /// The command needs an argument that it was not given.
    Usage,
    /// The request would be denied.
    Denied,
    /// An input cannot be read or was rejected.
    Invalid,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Denied => 3,
            Exit::Invalid => 4,
        })
    }
}
