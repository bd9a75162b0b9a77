//! Exit codes, the same for every subcommand. Usage errors are clap's, with its code 2.

use std::process::ExitCode;

/// Shown below every help text.
pub(super) const HELP: &str =
    "Exit codes: 0 good, 1 a case or a check failed, 2 usage, 3 denied, 4 invalid input";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or allowed.
    Good,
    /// The gateway under test broke a promise, or is set up so that it cannot keep it.
    Failed,
    /// The request would be denied.
    Denied,
    /// An input cannot be read or is refused.
    Invalid,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Denied => 3,
            Exit::Invalid => 4,
        })
    }
}
