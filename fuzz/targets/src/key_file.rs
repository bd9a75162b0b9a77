//! The key file: what is read is kept to the byte and compiles to what a gateway takes; an edit is whole or not at all, and what it leaves can be read again.

use std::sync::LazyLock;

use keyward::account::{AccountStatus, Children};
use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::permission::AccessLevel;
use keyward_files::key_file::{
    Account, EditRefusal, Faults, Granted, Issue, Key, KeyFile, KeyGrants,
};
use regex::bytes::Regex;

use super::{pattern, take, take_part};

const NAME: &str = "keys.toml";

/// What the file refuses wherever it stands. Shorter texts are names, and shown.
static RAW_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:\A|[^0-9A-Za-z])(?:[rs]k_(?:test|live)|sk_org)_[0-9A-Za-z_-]{10}")
});

/// A byte that counts, so many bytes that choose edits, and the text.
pub fn run(mut input: &[u8]) {
    let mut edits = take_part(&mut input);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut file = match read(text) {
        Ok(file) => file,
        Err(faults) => {
            assert!(!faults.list().is_empty());
            for fault in faults.list() {
                assert_tells_no_key(&fault.to_string());
                assert!(
                    fault
                        .line
                        .is_none_or(|line| line <= text.lines().count() + 1),
                    "{fault}"
                );
            }
            return;
        }
    };
    assert!(!RAW_KEY.is_match(input), "a raw key is taken");
    assert_eq!(self::text(&file), text);
    assert_compiles(&file);
    while !edits.is_empty() {
        let before = self::text(&file);
        match edit(&mut file, &mut edits) {
            Ok(()) => {}
            Err(refusal) => {
                assert_tells_no_key(&refusal.to_string());
                assert_eq!(self::text(&file), before, "{refusal}");
            }
        }
        // Only a reading of the whole tells whether an edit names what is not there; whoever stores a file reads it first.
        match read(&self::text(&file)) {
            Ok(again) => {
                assert_eq!(again.changes_since(&file), [], "{}", self::text(&file));
                assert_eq!(self::text(&again), self::text(&file));
                assert_compiles(&again);
                file = again;
            }
            Err(faults) => {
                assert!(self::text(&file) != before, "{faults}");
                for fault in faults.list() {
                    assert_tells_no_key(&fault.to_string());
                    assert!(
                        !fault.to_string().ends_with("expected TOML"),
                        "{}",
                        self::text(&file)
                    );
                }
                return;
            }
        }
    }
}

fn assert_tells_no_key(refusal: &str) {
    assert!(!RAW_KEY.is_match(refusal.as_bytes()), "{refusal}");
    assert!(!refusal.is_empty() && !refusal.contains('\n'), "{refusal}");
}

fn read(text: &str) -> Result<KeyFile, Faults> {
    KeyFile::read(vec![(NAME.to_owned(), text.to_owned())])
}

fn text(file: &KeyFile) -> String {
    let texts: Vec<(&str, String)> = file.texts().collect();
    let [(name, text)] = texts.as_slice() else {
        panic!("one file became {}", texts.len());
    };
    assert_eq!(*name, NAME);
    text.clone()
}

fn assert_compiles(file: &KeyFile) {
    let issue = Issue {
        revision: 7,
        issued_at: 1_795_194_529,
        may_be_empty: true,
    };
    let json = file.compile(&issue).to_string();
    let configuration = Configuration::from_json(json.as_bytes())
        .unwrap_or_else(|refusal| panic!("{refusal}\n{json}"));
    let snapshot = configuration.snapshot().unwrap();
    assert_eq!(snapshot.key_count(), file.keys().count());
    for key in file.keys() {
        assert_eq!(snapshot.key(&key.digest).unwrap().id(), key.id);
    }
    // Publishable keys alone are public.
    assert!(!RAW_KEY.is_match(json.as_bytes()), "{json}");
}

/// One edit of all there are, on what the file has or on something new.
fn edit(file: &mut KeyFile, choices: &mut &[u8]) -> Result<(), EditRefusal> {
    let what = take(choices);
    let (one, two) = (usize::from(take(choices)), usize::from(take(choices)));
    let account = {
        let ids: Vec<String> = file.accounts().map(|account| account.id.clone()).collect();
        move |number: usize| {
            ids.get(number % (ids.len() + 1))
                .cloned()
                .unwrap_or("acct_new".into())
        }
    };
    let key = {
        let ids: Vec<String> = file.keys().map(|key| key.id.clone()).collect();
        move |number: usize| {
            ids.get(number % (ids.len() + 1))
                .cloned()
                .unwrap_or("mk_new".into())
        }
    };
    let set = {
        let names: Vec<String> = file.grant_sets().map(|(name, _)| name.to_owned()).collect();
        move |number: usize| {
            names
                .get(number % (names.len() + 1))
                .cloned()
                .unwrap_or("new".into())
        }
    };
    let instant = |number: usize| 1_795_200_000 + number as u64 * 86_400;
    let new_key = |file: &KeyFile| {
        let mut key = made(one, two, &account(one / 4));
        key.id = format!("mk_new-{}", file.keys().count());
        key
    };
    match what % 15 {
        0 => {
            let parent = (two % 2 == 1).then(|| account(two / 2));
            let mut new = Account::new(&format!("acct_new{one}"));
            new.parent = parent;
            new.name = Some(format!("N\u{f6} \"{one}\" # \\"));
            file.add_account(new, None)
        }
        1 => file.move_account(
            &account(one),
            (two % 4 > 0).then(|| account(two / 4)).as_deref(),
        ),
        2 => {
            let status = if two % 2 == 0 {
                AccountStatus::Active
            } else {
                AccountStatus::Suspended
            };
            file.set_account_status(&account(one), status)
        }
        3 => file.update_account(&account(one), |account| {
            account.children = if two % 2 == 0 {
                Children::Any
            } else {
                Children::Listed
            };
            account.name = (two % 3 > 0).then(|| format!("renamed {two}"));
        }),
        4 => file.remove_account(&account(one)),
        5 => file.remove_account_with_keys(&account(one)),
        6 => {
            let key = new_key(file);
            file.add_key(key, None)
        }
        7 => file.update_key(&key(one), |key| {
            key.note = (two % 2 == 0).then(|| format!("'''{two}\"\"\""));
            key.labels.insert("team".into(), format!("{two}"));
            key.grants = granted(two);
        }),
        8 => file.set_expiry(&key(one), (two % 4 > 0).then(|| instant(two))),
        9 => {
            let ranges = ["203.0.113.7", "100.10.38.0/24", "2001:db8::/32"];
            file.set_ips(
                &key(one),
                ranges[..two % 4]
                    .iter()
                    .map(|&range| range.into())
                    .collect(),
            )
        }
        10 => file.delete_key(&key(one)),
        11 => file.purge_key(&key(one)),
        12 => {
            let new = new_key(file);
            file.replace_key(&key(two), new, instant(one))
        }
        13 => {
            let granted = [
                ("customer", AccessLevel::Read),
                ("charge", AccessLevel::Write),
            ];
            let granted = granted.map(|(name, level)| (name.to_owned(), level));
            let granted: Granted = granted.into_iter().take(two % 3).collect();
            file.set_grant_set(&set(one), granted, None)
        }
        _ => file.remove_grant_set(&set(one)),
    }
}

fn made(kind: usize, number: usize, owner: &str) -> Key {
    let mode = Livemode::from(number.is_multiple_of(2));
    let kind = KeyKind::ALL[kind % 4];
    let raw = format!("pk_{}_FAKE-{number}", mode.name());
    match kind {
        KeyKind::Publishable => Key::publishable("mk_new", mode, owner, &raw),
        other => Key::new("mk_new", other, mode, owner, KeyDigest::of(raw.as_bytes())),
    }
}

fn granted(number: usize) -> Option<KeyGrants> {
    match number % 4 {
        0 => None,
        1 => Some(KeyGrants::Set("support".into())),
        2 => Some(KeyGrants::Inline(Granted::new())),
        _ => {
            let customer = ("customer".to_owned(), AccessLevel::Write);
            Some(KeyGrants::Inline([customer].into()))
        }
    }
}
