//! Asks before an action that cannot be undone. The question appears on a terminal. Elsewhere an
//! option answers it in advance, usually `--yes`.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

use crate::exit::Exit;
use crate::output::{self, Tone, toned};

/// `--yes`.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct ConfirmArguments {
    /// Do not ask; required if standard input is not a terminal
    #[arg(long)]
    yes: bool,
}

/// Asks `question`, unless `--yes` has answered it. Returns `None` for yes. Otherwise returns the
/// command's exit status, and the person already knows why.
pub(super) fn ask(arguments: ConfirmArguments, question: &str) -> Result<Option<Exit>> {
    if arguments.yes {
        return Ok(None);
    }
    ask_or(question, "give --yes if you mean it")
}

/// Asks `question`. Without a terminal, it fails and names the option in `instead`.
pub(super) fn ask_or(question: &str, instead: &str) -> Result<Option<Exit>> {
    let mut err = output::stderr();
    let is_asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_asked {
        writeln!(
            err,
            "keyward: nothing was changed, because there is no terminal to ask on; {instead}"
        )?;
        return Ok(Some(Exit::Usage));
    }
    write!(err, "{} [y/N] ", toned(Tone::Warning, question))?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("the answer cannot be read, and nothing was changed")?;
    if is_yes(&answer) {
        return Ok(None);
    }
    writeln!(err, "nothing was changed")?;
    Ok(Some(Exit::Failed))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" YES \n"));
        for answer in ["", "\n", "n\n", "yep\n", "yy\n"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
    }
}
