//! The effect of a push on working keys, and whether it removes so many that it must be a mistake.
//! The digest identifies a key: it still works with another id. If the source ends a key by
//! `deleted`, an expiry or a suspended account, that is intended, and the key never counts as
//! missing.

use std::io::Write;

use anyhow::Result;
use serde::Deserialize;
use serde::de::IgnoredAny;

use keyward::configuration::Configuration;
use keyward::snapshot::delta::Touched;
use keyward::snapshot::{KeyRecord, Snapshot};

/// The maximum number of accounts in a line.
const MOST_NAMED: usize = 20;

/// The present content of a target.
pub enum Present {
    /// Nothing that allows any request.
    Nothing,
    /// A configuration.
    Readable(Box<Configuration>),
    /// Content that may contain keys but that this version cannot read.
    Unreadable,
}

impl Present {
    /// Classifies this JSON.
    #[must_use]
    pub fn of(json: &str) -> Self {
        match Configuration::from_json(json.as_bytes()) {
            Ok(configuration) => Self::Readable(Box::new(configuration)),
            Err(_) if is_without_keys(json) => Self::Nothing,
            Err(_) => Self::Unreadable,
        }
    }

    /// Returns its snapshot, if it has one.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Self::Readable(configuration) => configuration.snapshot(),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// Whether this is a placeholder for a configuration, such as `{"snapshot": {}}`.
fn is_without_keys(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Whole {
        snapshot: Option<Lists>,
    }
    #[derive(Deserialize)]
    struct Lists {
        #[serde(default)]
        keys: Vec<IgnoredAny>,
        #[serde(default)]
        accounts: Vec<IgnoredAny>,
    }
    let whole: Result<Option<Whole>, _> = serde_json::from_str(json);
    match whole.map(|whole| whole.and_then(|whole| whole.snapshot)) {
        Ok(Some(lists)) => lists.keys.is_empty() && lists.accounts.is_empty(),
        Ok(None) => true,
        Err(_) => false,
    }
}

fn owner<'a>(snapshot: &'a Snapshot, key: &KeyRecord<'_>) -> Option<&'a str> {
    let owner = snapshot.accounts().account(key.owner())?;
    Some(owner.id())
}

/// Whether an account exists and is suspended.
pub(super) fn is_suspended(snapshot: &Snapshot, id: &str) -> bool {
    let accounts = snapshot.accounts();
    let account = accounts.find(id).and_then(|index| accounts.account(index));
    account.is_some_and(|account| account.is_suspended())
}

/// Whether the lifetime of this key and its account's status allow requests.
#[must_use]
pub fn works(snapshot: &Snapshot, key: &KeyRecord<'_>, now: u64) -> bool {
    let owner = snapshot.accounts().account(key.owner());
    !key.is_deleted()
        && key.not_before().is_none_or(|first| first <= now)
        && key.expires_at().is_none_or(|end| now < end)
        && owner.is_some_and(|owner| !owner.is_suspended())
}

/// The effect on the keys and accounts at a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Keys that begin to work.
    come: usize,
    /// Keys that no longer work.
    go: usize,
    /// Keys that work before the push.
    working: usize,
    /// Working keys that the source does not contain.
    pub missing: usize,
    /// Accounts in use that the source does not contain.
    pub accounts: Vec<String>,
    /// Suspended accounts that the source does not contain. Removing them affects no requests.
    suspended: Vec<String>,
}

impl Effect {
    /// Returns the effect of replacing `before` with `after`.
    #[must_use]
    pub fn between(before: Option<&Snapshot>, after: &Snapshot, now: u64) -> Self {
        let mut effect = Self::default();
        let worked = |digest: &_| {
            before.is_some_and(|before| {
                before
                    .key(digest)
                    .is_some_and(|key| works(before, &key, now))
            })
        };
        effect.come = after
            .keys()
            .filter(|(digest, key)| works(after, key, now) && !worked(digest))
            .count();
        let Some(before) = before else {
            return effect;
        };
        for (digest, key) in before.keys() {
            if !works(before, &key, now) {
                continue;
            }
            effect.working = effect.working.saturating_add(1);
            match after.key(&digest) {
                Some(key) if works(after, &key, now) => continue,
                Some(_) => {}
                // The key ended with its account, whether the source still lists the key or not.
                None if owner(before, &key).is_some_and(|id| is_suspended(after, id)) => {}
                None => effect.missing = effect.missing.saturating_add(1),
            }
            effect.go = effect.go.saturating_add(1);
        }
        for account in before.accounts().iter() {
            if after.accounts().find(account.id()).is_none() {
                let list = match account.is_suspended() {
                    true => &mut effect.suspended,
                    false => &mut effect.accounts,
                };
                list.push(account.id().to_owned());
            }
        }
        effect
    }

    /// Like [`Self::between`], if the differences are known. It examines nothing else, unless keys
    /// are missing or accounts differ.
    #[must_use]
    pub fn among(before: &Snapshot, after: &Snapshot, touched: &Touched, now: u64) -> Self {
        let mut effect = Self::default();
        for digest in &touched.keys {
            let lives = |of: &Snapshot| of.key(digest).map(|key| works(of, &key, now));
            match (lives(before), lives(after)) {
                (Some(true), None) => effect.missing = effect.missing.saturating_add(1),
                (Some(true), Some(false)) => effect.go = effect.go.saturating_add(1),
                (None | Some(false), Some(true)) => effect.come = effect.come.saturating_add(1),
                (None | Some(false), None | Some(false)) | (Some(true), Some(true)) => {}
            }
        }
        match effect.missing == 0 && touched.accounts.is_empty() {
            true => effect,
            false => Self::between(Some(before), after, now),
        }
    }

    /// Returns why the push looks like a mistake: more than a tenth of the working keys is missing,
    /// or an account in use is.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        let has_many = self.missing.saturating_mul(10) > self.working;
        if !has_many && self.accounts.is_empty() {
            return None;
        }
        let mut missing = Vec::new();
        if self.missing > 0 {
            missing.push(format!("{} of {} working keys", self.missing, self.working));
        }
        if !self.accounts.is_empty() {
            let word = match self.accounts.len() {
                1 => "the account",
                _ => "the accounts",
            };
            missing.push(format!("{word} {}", named(&self.accounts)));
        }
        let verb = match (self.missing, self.accounts.len()) {
            (0, 1) | (1, 0) => "is",
            _ => "are",
        };
        Some(format!("{} {verb} missing", missing.join(" and ")))
    }

    /// Formats the counts as `+3 -1`.
    #[must_use]
    pub fn counts(&self) -> String {
        format!("+{} -{}", self.come, self.go)
    }

    /// Writes the accounts that disappear, on a separate line.
    pub fn name_accounts(&self, out: &mut impl Write) -> Result<()> {
        let mut gone = self.accounts.clone();
        gone.extend_from_slice(&self.suspended);
        gone.sort();
        if !gone.is_empty() {
            writeln!(out, "accounts that disappear: {}", named(&gone))?;
        }
        Ok(())
    }
}

/// Lists the ids, as many as fit in a line.
fn named(ids: &[String]) -> String {
    let shown = ids.get(..MOST_NAMED.min(ids.len())).unwrap_or(ids);
    let shown = shown.join(", ");
    match ids.len().saturating_sub(MOST_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use keyward::digest::KeyDigest;

    const NOW: u64 = 1_795_194_529;

    fn key(number: usize) -> Value {
        let digest = KeyDigest::of(format!("sk_test_FAKE-{number}").as_bytes());
        json!({"id": format!("mk_{number}"), "sha256": digest.to_string(), "kind": "secret", "livemode": false, "owner": "acct_1"})
    }

    fn with(keys: Vec<Value>, accounts: Value) -> Configuration {
        let json = json!({"snapshot": {"format": "keyward.snapshot/v1", "revision": 1, "issued_at": NOW,
            "accounts": accounts, "keys": keys}});
        Configuration::from_json(json.to_string().as_bytes()).unwrap()
    }

    fn keys(numbers: std::ops::Range<usize>) -> Vec<Value> {
        numbers.map(key).collect()
    }

    fn one() -> Value {
        json!([{"id": "acct_1"}])
    }

    #[track_caller]
    fn effect(before: &Configuration, after: &Configuration) -> Effect {
        Effect::between(before.snapshot(), after.snapshot().unwrap(), NOW)
    }

    #[test]
    fn more_than_a_tenth_is_a_mistake_and_a_tenth_is_not() {
        for (before, after, missing) in [
            (10, 9, None),
            (10, 8, Some("2 of 10 working keys are missing")),
            (9, 8, Some("1 of 9 working keys is missing")),
            (1, 1, None),
            (59, 54, None),
            (59, 53, Some("6 of 59 working keys are missing")),
        ] {
            let effect = effect(
                &with(keys(0..before), one()),
                &with(keys(0..after).into_iter().chain([key(99)]).collect(), one()),
            );
            assert_eq!(effect.mistake().as_deref(), missing, "{before} {after}");
            assert_eq!(effect.counts(), format!("+1 -{}", before - after));
        }
    }

    #[test]
    fn what_the_source_ends_never_counts() {
        let mut after = keys(0..5);
        after[0]["status"] = json!("deleted");
        after[1]["expires_at"] = json!(NOW);
        after[2]["not_before"] = json!(NOW + 1);
        after[3]["owner"] = json!("acct_2");
        after[4]["id"] = json!("renamed");
        let accounts = json!([{"id": "acct_1"}, {"id": "acct_2", "status": "suspended"}]);
        let end = effect(&with(keys(0..5), one()), &with(after, accounts));
        assert_eq!((end.counts(), end.mistake()), ("+0 -4".into(), None));
        // Unlisted keys of a suspended account do not count as missing either.
        let suspended = json!([{"id": "acct_1", "status": "suspended"}]);
        let end = effect(&with(keys(0..5), one()), &with(vec![key(9)], suspended));
        assert_eq!((end.counts(), end.mistake()), ("+0 -5".into(), None));
    }

    #[test]
    fn keys_that_did_not_work_are_no_loss() {
        let mut before = keys(0..20);
        for key in before.iter_mut().take(10) {
            key["status"] = json!("deleted");
        }
        before[10]["expires_at"] = json!(NOW);
        let effect = effect(&with(before, one()), &with(keys(11..20), one()));
        assert_eq!((effect.counts(), effect.mistake()), ("+0 -0".into(), None));
    }

    #[test]
    fn an_account_in_use_is_missed_and_a_suspended_one_is_not() {
        let accounts =
            json!([{"id": "acct_1"}, {"id": "acct_2"}, {"id": "acct_3", "status": "suspended"}]);
        let effect = effect(&with(keys(0..1), accounts), &with(keys(0..1), one()));
        let missing = "the account acct_2 is missing";
        assert_eq!(effect.mistake().as_deref(), Some(missing));
        let mut out = Vec::new();
        effect.name_accounts(&mut out).unwrap();
        assert_eq!(out, b"accounts that disappear: acct_2, acct_3\n");
        let many: Vec<String> = (0..23).map(|number| format!("a{number}")).collect();
        assert!(named(&many).ends_with("a19 and 3 more"));
    }

    #[test]
    fn what_cannot_be_read_may_be_keys() {
        for (json, is_nothing) in [
            ("null", true),
            ("{\"snapshot\": {}}", true),
            ("{\"snapshot\": {\"keys\": [], \"x\": 1}}", true),
            ("{\"unknown\": 1}", true),
            ("{\"snapshot\": {\"keys\": [{}]}}", false),
            ("{\"snapshot\": {\"accounts\": [{}]}}", false),
            ("{\"snapshot\": 1}", false),
            ("{", false),
        ] {
            let found = matches!(Present::of(json), Present::Nothing);
            assert_eq!(found, is_nothing, "{json}");
        }
        assert!(matches!(Present::of("{}"), Present::Readable(_)));
    }
}
