//! A key file and the store get the same commands, and must agree on every outcome, every rejection
//! and the resulting snapshot, byte for byte.

mod followed;
mod generator;

use std::collections::BTreeMap;

use keyward::management::{
    Ceiling, Command, Context, Decision, Limits, Most, RuleRefusal, decide, needs,
};
use keyward_files::key_file::{Issue, KeyFile};

use super::crash::Dice;
use super::tests::records::Counter;
use super::tests::{Fixture, NOW, entry, wait};
use super::{Origin, Records, Scope, StoreError, Tx};
use followed::{Followed, Ways};
use generator::Generator;

/// The number of commands in a sequence.
const COMMANDS: usize = 25;

const ISSUE: Issue = Issue {
    revision: 1,
    issued_at: NOW,
    may_be_empty: true,
};

/// A command, its time, and the seed of its randomness.
#[derive(Clone, Debug)]
struct Step {
    command: Command,
    now: u64,
    seed: u64,
}

/// The result of a command: the decision without the value, or the reason for the rejection.
type Outcome = Result<String, RuleRefusal>;

/// Returns the same limits for both, so that texts are rejected by a rule and not when they are
/// read.
fn limits() -> Limits {
    Limits::of(Most {
        name: 128,
        note: 1_000,
        labels: 20,
        label: 128,
        ips: 200,
        permissions: 300,
        is_line: keyward_files::visible::is_line,
    })
}

fn context<'a>(
    step: &Step,
    ceiling: &'a Ceiling,
    limits: &'a Limits,
    randomness: &'a mut Counter,
) -> Context<'a> {
    Context {
        now: step.now,
        actor: "test",
        ceiling,
        limits,
        randomness,
    }
}

/// Returns the parts of a decision that must be equal. These are all except the key's value.
fn shown(decision: &Decision) -> String {
    let changes = decision.changes();
    format!("{:?} {changes:?} {:?}", decision.key(), decision.notes())
}

/// Makes a sequence, and runs it on a key file meanwhile.
fn in_key_file(seed: u64) -> (Vec<Step>, Vec<Outcome>, String) {
    let mut dice = Dice::new(seed);
    let text = "format = \"keyward.keys/v1\"\n".to_owned();
    let mut file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
    let (mut steps, mut outcomes) = (Vec::new(), Vec::new());
    let mut now = NOW;
    for number in 0..COMMANDS {
        now += dice.below(100_000);
        let mut generator = Generator {
            dice: &mut dice,
            now,
        };
        let command = generator.command(&file, number);
        let step = Step {
            command,
            now,
            seed: dice.below(u64::MAX),
        };
        let facts = file.facts(&needs(&step.command));
        let (ceiling, limits) = (Ceiling::none(), limits());
        let mut randomness = Counter(step.seed);
        let context = context(&step, &ceiling, &limits, &mut randomness);
        let decided = decide(&step.command, &facts, context);
        if let Ok(decision) = &decided {
            file.apply(decision.changes(), None).unwrap();
            let texts = file.texts().map(|(name, text)| (name.to_owned(), text));
            file = KeyFile::read(texts.collect()).unwrap_or_else(|faults| {
                panic!("seed {seed}: what was decided is refused: {faults}\n{step:#?}")
            });
        }
        outcomes.push(decided.map(|decision| shown(&decision)));
        steps.push(step);
    }
    (steps, outcomes, file.compile(&ISSUE).to_string())
}

/// The result of the store, from a transaction that is rolled back so that the next sequence finds
/// the store empty.
struct TakenBack(Result<(Vec<Outcome>, String, Ways), StoreError>);

impl From<StoreError> for TakenBack {
    fn from(error: StoreError) -> Self {
        Self(Err(error))
    }
}

fn in_store(fixture: &Fixture, steps: Vec<Step>) -> (Vec<Outcome>, String, Ways) {
    let written = fixture
        .store
        .write(move |tx| -> Result<(), TakenBack> { Err(TakenBack(carry_out(tx, &steps))) });
    wait(written).unwrap_err().0.unwrap()
}

fn carry_out(tx: &mut Tx<'_>, steps: &[Step]) -> Result<(Vec<Outcome>, String, Ways), StoreError> {
    let mut outcomes = Vec::new();
    // Brought up to date from time to time, and never read again as a whole.
    let mut book = Records::default();
    let mut followed = Followed::default();
    for step in steps {
        let facts = tx.facts(&Scope::everything(), &needs(&step.command), step.now)?;
        let (ceiling, limits) = (Ceiling::none(), limits());
        let mut randomness = Counter(step.seed);
        let context = context(step, &ceiling, &limits, &mut randomness);
        let decided = decide(&step.command, &facts, context);
        if let Ok(decision) = &decided {
            let origin = Origin {
                source: "api",
                by: None,
                at: step.now,
            };
            let applied = tx.apply(decision.changes(), &origin)?;
            for _ in applied.first..=applied.last {
                tx.record(entry("of_a_test"))?;
            }
        }
        outcomes.push(decided.map(|decision| shown(&decision)));
        if step.seed % 4 == 0 {
            let changes = book.advance(&tx.read())?;
            followed.follow(&book, &changes);
        }
    }
    let reader = tx.read();
    let changes = book.advance(&reader)?;
    followed.follow(&book, &changes);
    let fresh = Records::read(&reader)?;
    assert_eq!(
        serde_json::json!(book.snapshot(&ISSUE)),
        serde_json::json!(fresh.snapshot(&ISSUE))
    );
    assert_eq!(reader.check()?, []);
    let snapshot = reader.configuration(&ISSUE)?.to_string();
    Ok((outcomes, snapshot, followed.ways))
}

/// Runs sequences, and counts each outcome.
fn sequences(count: u64) -> (BTreeMap<String, u64>, Ways) {
    let fixture = Fixture::new();
    let mut seen = BTreeMap::new();
    let mut ways = Ways::default();
    // A failure names its seed. `KEYWARD_SEED` starts there.
    let first = std::env::var("KEYWARD_SEED");
    let first = first.map_or_else(
        |_| Dice::of_the_clock().below(u64::MAX / 2),
        |text| text.parse().unwrap(),
    );
    for seed in first..first + count {
        let (steps, by_file, snapshot_of_file) = in_key_file(seed);
        let (by_store, snapshot_of_store, more) = in_store(&fixture, steps.clone());
        for ((step, file), store) in steps.iter().zip(&by_file).zip(&by_store) {
            assert_eq!(file, store, "seed {seed}: {step:#?}");
            let outcome = match file {
                Ok(_) => "decided".to_owned(),
                Err(refusal) => format!("{:?}", refusal.code()),
            };
            let words = outcome.split([' ', '{', '(']);
            *seen.entry(words.take(1).collect()).or_default() += 1;
        }
        assert_eq!(snapshot_of_file, snapshot_of_store, "seed {seed}");
        ways.parts += more.parts;
        ways.wholes += more.wholes;
    }
    (seen, ways)
}

fn agree(count: u64) {
    let (seen, ways) = sequences(count);
    println!("{seen:#?}");
    println!("{ways:?}");
    assert!(ways.parts > count && ways.wholes > count, "{ways:?}");
    let decided = seen["decided"];
    let refused: u64 = seen.values().sum::<u64>() - decided;
    assert!(decided > count && refused > count, "{seen:?}");
    // A generator that reaches only a few rules compares little.
    assert!(seen.len() > 15, "{seen:?}");
}

#[test]
fn a_key_file_and_the_store_agree() {
    agree(200);
}

/// Runs ten thousand sequences, or the number in `KEYWARD_SEQUENCES`.
#[test]
fn a_key_file_and_the_store_agree_ten_thousand_times() {
    let wanted = std::env::var("KEYWARD_SEQUENCES");
    agree(wanted.map_or(10_000, |text| text.parse().unwrap()));
}
