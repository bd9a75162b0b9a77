//! Shared by the tests of the key file: carries out commands by the rules, and changes records.

use super::{EditRefusal, Key, KeyFile};
use keyward::management::{
    Ceiling, Command, Context, KeyTarget, Limits, NoRandomness, Randomness, RecordChange,
    RuleRefusal, decide, needs,
};

/// The time at which commands are carried out.
pub(super) const NOW: u64 = 1_795_194_529;

struct Counting(u8);

impl Randomness for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

/// Carries out a command, and returns the id of its key.
pub(super) fn run(file: &mut KeyFile, command: &Command) -> Result<Option<String>, RuleRefusal> {
    let context = Context {
        now: NOW,
        actor: "tests",
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        randomness: &mut Counting(0),
    };
    let decision = decide(command, &file.facts(&needs(command)), context)?;
    file.apply(decision.changes(), None).unwrap();
    Ok(decision.key().map(str::to_owned))
}

pub(super) fn target(id: &str) -> KeyTarget {
    KeyTarget { id: id.to_owned() }
}

/// Returns the change that adds a key.
pub(super) fn record(key: Key) -> RecordChange {
    RecordChange::AddKey {
        key: Box::new(key),
        beside: None,
    }
}

pub(super) fn add_key(
    file: &mut KeyFile,
    key: Key,
    place: Option<&str>,
) -> Result<(), EditRefusal> {
    file.apply(&[record(key)], place)
}

/// Changes a key without asking the rules.
pub(super) fn change_key(file: &mut KeyFile, id: &str, change: &dyn Fn(&mut Key)) {
    let before = file.key(id).unwrap().clone();
    let mut after = before.clone();
    change(&mut after);
    let (before, after) = (Box::new(before), Box::new(after));
    file.apply(&[RecordChange::PutKey { before, after }], None)
        .unwrap();
}
