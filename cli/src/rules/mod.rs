//! Commands on keys and accounts, decided and carried out on a key file by the rules, which the server shares.

mod notes;
mod refusals;

use anyhow::{Result, anyhow};

use keyward::management::{
    self, Ceiling, Command, Context, Decision, Limits, Note, RuleRefusal, needs,
};
use keyward_files::key_file::KeyFile;
use keyward_files::randomness::SystemRandomness;
use keyward_files::store::actor;

pub(crate) use notes::text as note;
pub(crate) use refusals::{OVERLAP_TOO_LONG, missing_set};

/// One of many commands that were carried out.
pub(crate) struct Done {
    /// The key that it was about.
    pub(crate) key: String,
    pub(crate) notes: Vec<Note>,
}

/// Carries a command out. A new record goes into the file that `place` names, or next to what it
/// belongs to.
pub(crate) fn carry_out(
    file: &mut KeyFile,
    command: &Command,
    place: Option<&str>,
    now: u64,
) -> Result<Decision> {
    let decision = decided(file, command, now)?;
    file.apply(decision.changes(), place)?;
    Ok(decision)
}

/// Whether a command would be carried out, before a person is asked.
pub(crate) fn check(file: &KeyFile, command: &Command, now: u64) -> Result<()> {
    decided(file, command, now).map(drop)
}

fn decided(file: &KeyFile, command: &Command, now: u64) -> Result<Decision> {
    decide(file, command, now).map_err(|refusal| anyhow!(text(&refusal, command, file)))
}

/// Decides a command. The holder of the key file may do everything with it, and reading it names the line
/// of a text that cannot be kept; a server decides again, with what bounds its caller.
pub(crate) fn decide(file: &KeyFile, command: &Command, now: u64) -> Result<Decision, RuleRefusal> {
    let context = Context {
        now,
        actor: &actor(),
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        randomness: &mut SystemRandomness,
    };
    management::decide(command, &file.facts(&needs(command)), context)
}

/// Which of many commands it is: the key that it names, or its line.
pub(crate) fn which(command: &Command, number: usize) -> String {
    match command.key() {
        Some(id) => format!("`{id}`"),
        None => format!("line {}", number.saturating_add(1)),
    }
}

/// What is said where one of many commands failed on a server.
pub(crate) fn interrupted(command: &Command, number: usize, count: usize) -> String {
    let which = which(command, number);
    format!("{number} of {count} were done, and {which} was not; run this again for the rest")
}

/// The text of a refusal.
pub(crate) fn text(refusal: &RuleRefusal, command: &Command, file: &KeyFile) -> String {
    refusals::text(refusal.code(), command, file)
}
