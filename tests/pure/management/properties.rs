//! Properties of every command, whatever the records and the caller.

use keyward::key::Livemode;
use keyward::management::{
    Caller, Ceiling, Context, Facts, Granted, Limits, Override, RecordChange, Value, decide, needs,
};
use keyward::management::{Command, MANAGEMENT};
use keyward::permission::AccessLevel;
use keyward::profile::Profile;
use keyward_reference::management::{Records, Seeded, command};
use proptest::prelude::*;

use super::{DAY, NOW, api};

/// Returns a caller that a few bytes encode.
fn ceiling(bytes: [u8; 3]) -> Ceiling {
    let [mode, holds, policy] = bytes;
    if mode % 4 == 0 {
        return Ceiling::none();
    }
    let names = [
        "customer",
        "charge",
        "balance",
        "key_policy",
        "management_api_key",
        "secret_api_key",
        "widget",
        "top_up",
    ];
    let held = names.into_iter().enumerate();
    let held = held.filter(|(bit, _)| holds >> bit & 1 == 1);
    let own: Granted = held
        .map(|(_, name)| (name.to_owned(), AccessLevel::Write))
        .collect();
    Ceiling::of(Caller {
        mode: Livemode::from(mode % 2 == 1),
        connected: own.clone(),
        own,
        passes_policy: match policy % 4 {
            0 => Override::Because("an incident".to_owned()),
            1 => Override::Because(" ".to_owned()),
            2 => Override::FirstKeys,
            _ => Override::None,
        },
    })
}

struct Play {
    records: Records,
    now: u64,
    values: Vec<String>,
}

impl Play {
    fn step(&mut self, choices: &[u8], caller: [u8; 3], seed: u64) {
        let api = api();
        let command = command(&self.records, choices, self.now);
        let (limits, ceiling) = (super::limits(), ceiling(caller));
        let decided = |facts: &Facts, limits: &Limits| {
            let context = Context {
                now: self.now,
                actor: "tests",
                ceiling: &ceiling,
                limits,
                randomness: &mut Seeded(seed),
            };
            decide(&command, facts, context)
        };
        let needs = needs(&command);
        let enough = decided(&self.records.facts(&api, &needs, self.now), &limits);
        let everything = decided(&self.records.everything(&api, &needs, self.now), &limits);
        match (enough, everything) {
            (Ok(mut enough), Ok(mut everything)) => {
                let shown = format!("{enough:?}");
                assert_eq!(enough.changes(), everything.changes(), "{command:?}");
                assert_eq!(enough.notes(), everything.notes(), "{command:?}");
                let secret = enough.take_minted();
                self.minted(&command, enough.changes(), secret, &shown);
                drop(everything.take_minted());
                self.records.apply(enough.changes());
                self.hold();
            }
            (Err(enough), Err(everything)) => {
                assert_eq!(enough, everything, "{command:?}");
                assert!(!enough.code().name().is_empty() && !enough.to_string().is_empty());
                let shown = format!("{enough:?} {enough}");
                assert!(!shown.contains("FAKE"), "{shown}");
            }
            (enough, everything) => panic!("{enough:?} and {everything:?}: {command:?}"),
        }
    }

    /// Asserts that a minted value has the form of its kind and mode, and is shown nowhere.
    fn minted(
        &mut self,
        command: &Command,
        changes: &[RecordChange],
        secret: Option<keyward::management::Secret>,
        shown: &str,
    ) {
        let mints = match command {
            Command::CreateKey(new) => new.value == Value::Minted,
            Command::RotateKey(rotate) => rotate.value == Value::Minted,
            Command::DuplicateKey(_) => true,
            _ => false,
        };
        assert_eq!(secret.is_some(), mints, "{command:?}");
        let Some(secret) = secret else {
            return;
        };
        let added = changes.iter().find_map(|change| match change {
            RecordChange::AddKey { key, .. } => Some(key),
            _ => None,
        });
        let key = added.expect("a minted value is that of a new key");
        let value = secret.expose();
        let profile = Profile::stripe();
        assert!(profile.is_key_of_kind(value, key.kind), "{:?}", key.kind);
        assert_eq!(value.len(), keyward::management::VALUE_LENGTH);
        let names = |mode: Livemode| value.contains(&format!("_{}_", mode.name()));
        let other = Livemode::from(!key.mode.is_live());
        assert!(!names(other), "{:?}", key.mode);
        assert_eq!(key.digest, keyward::digest::KeyDigest::of(value.as_bytes()));
        let is_public = key.value.as_deref() == Some(value);
        assert_eq!(is_public, key.kind == keyward::key::KeyKind::Publishable);
        if !is_public {
            assert!(!shown.contains(value) && !format!("{secret:?}").contains(value));
            self.values.push(value.to_owned());
        }
    }

    /// Asserts the invariants of the records after every command.
    fn hold(&self) {
        let shown = format!("{:?}", self.records);
        for value in &self.values {
            assert!(!shown.contains(value));
        }
        for key in self.records.keys.values() {
            assert!(self.records.accounts.contains_key(&key.owner));
            for (link, back) in [
                (&key.replaces, "replaced_by"),
                (&key.replaced_by, "replaces"),
            ] {
                let Some(other) = link.as_ref() else { continue };
                let other = &self.records.keys[other];
                let back = match back {
                    "replaces" => &other.replaces,
                    _ => &other.replaced_by,
                };
                assert_eq!(back.as_ref(), Some(&key.id));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_is_needed_is_enough_and_nothing_is_shown(
        steps in proptest::collection::vec(
            (
                proptest::collection::vec(any::<u8>(), 48),
                any::<[u8; 3]>(),
                0..20 * DAY as u32,
            ),
            1..60,
        )
    ) {
        let mut play = Play { records: Records::of_a_server(), now: NOW, values: Vec::new() };
        for (number, (choices, caller, later)) in steps.iter().enumerate() {
            play.now += u64::from(*later);
            // The first commands run without a ceiling, so that there are records.
            let caller = if number < 8 { [0, 0, 0] } else { *caller };
            play.step(choices, caller, number as u64);
        }
    }
}

#[test]
fn the_names_that_manage_keys_are_canonical() {
    let registry = keyward::permission::PermissionRegistry::stripe();
    for name in MANAGEMENT {
        let known = registry.find(name).map(|found| registry.name(found));
        assert!(known.is_none_or(|known| known == name), "{name}: {known:?}");
    }
}
