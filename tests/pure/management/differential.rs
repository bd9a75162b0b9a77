//! Runs the same commands on a key file and on the maps: every outcome, rejection and snapshot is
//! the same.

use keyward::management::{Ceiling, Context, Limits, RuleCode, decide, needs};
use keyward_files::key_file::{Issue, KeyFile};
use keyward_reference::management::{Records, Seeded, command};
use proptest::prelude::*;

use super::{DAY, NOW, api};

/// The text that gives the file the API of the tests.
const ENDPOINTS: &str = "format = \"keyward.keys/v1\"\n";

fn endpoints() -> String {
    let mut text = ENDPOINTS.to_owned();
    let own = ["widget", "tax_settings"];
    for name in own.into_iter().chain(keyward::management::MANAGEMENT) {
        text.push_str(&format!(
            "[[endpoints]]\nmethod = \"POST\"\npath = \"/v1/own/{name}\"\npermission = \"{name}\"\n"
        ));
    }
    text
}

fn read(text: String) -> Result<KeyFile, String> {
    KeyFile::read(vec![("keyward.toml".to_owned(), text)]).map_err(|faults| faults.to_string())
}

fn text(file: &KeyFile) -> String {
    file.texts().map(|(_, text)| text).collect()
}

/// Sorts those parts of a snapshot whose order depends on the store and not on the rules.
fn snapshot(mut snapshot: serde_json::Value) -> serde_json::Value {
    for name in ["accounts", "keys"] {
        if let Some(rows) = snapshot.get_mut(name).and_then(|rows| rows.as_array_mut()) {
            rows.sort_by_key(|row| row["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    snapshot
}

fn context<'a>(
    now: u64,
    limits: &'a Limits,
    ceiling: &'a Ceiling,
    randomness: &'a mut Seeded,
) -> Context<'a> {
    Context {
        now,
        actor: "tests",
        ceiling,
        limits,
        randomness,
    }
}

/// Removes the record from a rejection if several records cause it, because a store may name any of
/// them.
fn comparable(code: &RuleCode) -> RuleCode {
    match code.clone() {
        RuleCode::AccountHasChildren { id, .. } => {
            let child = String::new();
            RuleCode::AccountHasChildren { id, child }
        }
        RuleCode::GrantSetInUse { name, .. } => {
            let user = String::new();
            RuleCode::GrantSetInUse { name, user }
        }
        code => code,
    }
}

/// Runs commands on both. Returns how many were carried out, and how many were rejected.
fn play(steps: &[(Vec<u8>, u32)]) -> (usize, usize) {
    let api = api();
    let mut file = read(endpoints()).unwrap();
    let mut records = Records::new();
    let (limits, ceiling) = (super::limits(), Ceiling::none());
    let (mut now, mut good, mut refused) = (NOW, 0, 0);
    for (number, (choices, later)) in steps.iter().enumerate() {
        now += u64::from(*later);
        let command = command(&records, choices, now);
        let seed = number as u64;
        let ours = {
            let mut randomness = Seeded(seed);
            records.run(
                &api,
                &command,
                context(now, &limits, &ceiling, &mut randomness),
            )
        };
        let facts = file.facts(&needs(&command));
        let mut randomness = Seeded(seed);
        let theirs = decide(
            &command,
            &facts,
            context(now, &limits, &ceiling, &mut randomness),
        );
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                good += 1;
                assert_eq!(ours.changes(), theirs.changes(), "{command:?}");
                assert_eq!(ours.notes(), theirs.notes(), "{command:?}");
                assert_eq!(ours.key(), theirs.key(), "{command:?}");
                file.apply(theirs.changes(), None).unwrap();
                // After each decision, the key file reads back as intended.
                let again = read(text(&file)).unwrap_or_else(|faults| {
                    panic!("{faults}\n{command:?}");
                });
                assert_eq!(again.changes_since(&file), [], "{command:?}");
                file = again;
            }
            (Err(ours), Err(theirs)) => {
                refused += 1;
                assert_eq!(
                    comparable(ours.code()),
                    comparable(theirs.code()),
                    "{command:?}"
                );
            }
            (ours, theirs) => panic!("{ours:?} and {theirs:?}: {command:?}"),
        }
    }
    let mut copy = read(endpoints()).unwrap();
    let mut all = Vec::new();
    all.extend(super::additions(&records));
    copy.apply(&all, None).unwrap();
    let issue = Issue {
        revision: 1,
        issued_at: now,
        may_be_empty: true,
    };
    let [ours, theirs] =
        [&copy, &file].map(|file| snapshot(file.compile(&issue).to_json()["snapshot"].clone()));
    assert_eq!(ours, theirs);
    (good, refused)
}

/// Roughly the maximum number of bytes that a command consumes.
const CHOICES: usize = 48;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_key_file_and_maps_agree_on_every_command(
        steps in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), CHOICES), 0..20 * DAY as u32),
            1..40,
        )
    ) {
        play(&steps);
    }
}

/// The sequences do not consist of rejections only.
#[test]
fn commands_are_carried_out_and_refused() {
    let mut seed = Seeded(7);
    let (mut good, mut refused) = (0, 0);
    for _ in 0..20 {
        let steps: Vec<(Vec<u8>, u32)> = (0..60)
            .map(|_| {
                let mut bytes = vec![0; CHOICES];
                keyward::management::Randomness::fill(&mut seed, &mut bytes).unwrap();
                (bytes, 3_600)
            })
            .collect();
        let (one, other) = play(&steps);
        good += one;
        refused += other;
    }
    assert!(good > 200 && refused > 200, "{good} and {refused}");
}
