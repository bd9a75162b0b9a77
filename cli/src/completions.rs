//! `keyward completions` and `keyward man`: completions for a shell and pages for `man`, both
//! generated from the command's arguments.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap_complete::Shell;

use super::exit::Exit;
use super::output;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyward completions bash > /etc/bash_completion.d/keyward
  keyward completions zsh > ~/.zfunc/_keyward
  keyward completions fish > ~/.config/fish/completions/keyward.fish")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyward man man1 && man ./man1/keyward-keys-create.1")]
pub(super) struct ManArguments {
    /// The folder that the pages are written to; made if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Prints the completions for a shell.
pub(super) fn run(arguments: &Arguments, mut command: clap::Command) -> Result<Exit> {
    // Write to memory first, because clap_complete panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "keyward", &mut script);
    std::io::stdout()
        .write_all(&script)
        .context("the script cannot be written to standard output")?;
    Ok(Exit::Good)
}

/// Writes a man page for each command.
pub(super) fn man(arguments: &ManArguments, command: clap::Command) -> Result<Exit> {
    let folder = &arguments.folder;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("no pages can be written to `{}`", folder.display()))?;
    writeln!(output::stderr(), "the pages are in {}", folder.display())?;
    Ok(Exit::Good)
}
