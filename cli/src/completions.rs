//! `keyward completions` and `keyward man`: what a shell and `man` know of the command, made from its arguments as they are.

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

/// Prints what the shell reads.
pub(super) fn run(arguments: &Arguments, mut command: clap::Command) -> Result<Exit> {
    // Into memory first: clap_complete panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "keyward", &mut script);
    std::io::stdout()
        .write_all(&script)
        .context("the script cannot be written to standard output")?;
    Ok(Exit::Good)
}

/// Writes a page for each command.
pub(super) fn man(arguments: &ManArguments, command: clap::Command) -> Result<Exit> {
    let folder = &arguments.folder;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("no pages can be written to `{}`", folder.display()))?;
    writeln!(output::stderr(), "the pages stand in {}", folder.display())?;
    Ok(Exit::Good)
}
