//! Decides and carries out commands on the keys and accounts of a key file, by the rules that the
//! server also uses.

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

/// One of several commands that were carried out.
pub(crate) struct Done {
    /// The key that the command was about.
    pub(crate) key: String,
    pub(crate) notes: Vec<Note>,
}

/// Carries out a command. A new record goes into the file that `place` names, or next to a related
/// record.
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

/// Checks that a command would be carried out, before a person is asked.
pub(crate) fn check(file: &KeyFile, command: &Command, now: u64) -> Result<()> {
    decided(file, command, now).map(drop)
}

fn decided(file: &KeyFile, command: &Command, now: u64) -> Result<Decision> {
    decide(file, command, now).map_err(|refusal| anyhow!(text(&refusal, command, file)))
}

/// Decides a command. The holder of the key file may do everything with it, and if a text is not
/// allowed, reading the file names its line. A server decides again, with the limits of its caller.
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

/// Identifies one of several commands: by the key that it names, or by its line.
pub(crate) fn which(command: &Command, number: usize) -> String {
    match command.key() {
        Some(id) => format!("`{id}`"),
        None => format!("line {}", number.saturating_add(1)),
    }
}

/// Returns the error if one of several commands failed on a server.
pub(crate) fn interrupted(command: &Command, number: usize, count: usize) -> String {
    let which = which(command, number);
    format!("{number} of {count} were done, and {which} was not; run this again for the rest")
}

/// Returns the text of a refusal.
pub(crate) fn text(refusal: &RuleRefusal, command: &Command, file: &KeyFile) -> String {
    refusals::text(refusal.code(), command, file)
}
