//! The key file: a file that is read is preserved byte for byte, and compiles to what a gateway
//! accepts. An edit happens completely or not at all, and its result can be read again.

use std::sync::LazyLock;

use keyward::account::{AccountStatus, Children};
use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Ceiling, Command, Context, CreateKey, Details, EditKey,
    End, ExpireKey, Grant, GrantsChange, IpAction, IpChange, KeyTarget, Limits, NewGrants,
    NoRandomness, Patch, Randomness, RotateKey, UpdateAccount, Value, decide, needs,
};
use keyward::permission::AccessLevel;
use keyward_files::key_file::{Faults, Issue, KeyFile};
use regex::bytes::Regex;

use super::{pattern, take, take_part};

const NAME: &str = "keys.toml";

const NOW: u64 = 1_795_200_000;

/// What the file rejects in every place. Shorter texts are names, and may be shown.
static RAW_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:\A|[^0-9A-Za-z])(?:[rs]k_(?:test|live)|sk_org)_[0-9A-Za-z_-]{10}")
});

/// The input is a length byte, that many bytes that choose edits, and the text.
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
                assert_tells_no_key(&refusal);
                assert_eq!(self::text(&file), before, "{refusal}");
            }
        }
        // Only reading the whole shows whether an edit names something that does not exist. Every
        // program that stores a file reads it first.
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
    // Only publishable keys are in the snapshot in plain text.
    assert!(!RAW_KEY.is_match(json.as_bytes()), "{json}");
}

/// Runs one of all commands, on records of the file or on new ones.
fn edit(file: &mut KeyFile, choices: &mut &[u8]) -> Result<(), String> {
    let command = command(file, choices);
    let facts = file.facts(&needs(&command));
    let context = Context {
        now: NOW,
        actor: "fuzz",
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        // New ids differ from those of existing keys.
        randomness: &mut Counting(file.keys().count()),
    };
    let decision = decide(&command, &facts, context).map_err(|refusal| refusal.to_string())?;
    let applied = file.apply(decision.changes(), None);
    applied.map_err(|refusal| refusal.to_string())
}

/// Bytes from a counter.
struct Counting(usize);

impl Randomness for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(17);
            *byte = (self.0 % 248) as u8;
        }
        Ok(())
    }
}

fn command(file: &KeyFile, choices: &mut &[u8]) -> Command {
    let what = take(choices);
    let (one, two) = (usize::from(take(choices)), usize::from(take(choices)));
    let account = |number: usize| {
        let ids: Vec<&str> = file.accounts().map(|account| &*account.id).collect();
        let id = ids.get(number % (ids.len() + 1));
        (*id.unwrap_or(&"acct_new")).to_owned()
    };
    let key = |number: usize| {
        let ids: Vec<&str> = file.keys().map(|key| &*key.id).collect();
        (*ids.get(number % (ids.len() + 1)).unwrap_or(&"mk_new")).to_owned()
    };
    let set = |number: usize| {
        let names: Vec<&str> = file.grant_sets().map(|(name, _)| name).collect();
        (*names.get(number % (names.len() + 1)).unwrap_or(&"new")).to_owned()
    };
    let instant = |number: usize| NOW + number as u64 * 86_400;
    let update = |id: usize| UpdateAccount::of(&account(id));
    match what % 15 {
        0 => {
            let mut new = Account::new(&format!("acct_new{one}"));
            new.parent = (two % 2 == 1).then(|| account(two / 2));
            new.name = Some(format!("N\u{f6} \"{one}\" # \\"));
            Command::AddAccount(AddAccount {
                account: new,
                settings: AccountSettings::default(),
            })
        }
        1 => Command::UpdateAccount(UpdateAccount {
            parent: match two % 4 {
                0 => Patch::Clear,
                _ => Patch::Set(account(two / 4)),
            },
            ..update(one)
        }),
        2 => Command::UpdateAccount(UpdateAccount {
            status: Some(match two % 2 {
                0 => AccountStatus::Active,
                _ => AccountStatus::Suspended,
            }),
            ..update(one)
        }),
        3 => Command::UpdateAccount(UpdateAccount {
            children: Some(match two % 2 {
                0 => Children::Any,
                _ => Children::Listed,
            }),
            name: match two % 3 {
                0 => Patch::Clear,
                _ => Patch::Set(format!("renamed {two}")),
            },
            ..update(one)
        }),
        4 | 5 => Command::RemoveAccount {
            id: account(one),
            with_keys: what % 15 == 5,
        },
        6 => Command::CreateKey(CreateKey {
            owner: account(one / 4),
            kind: Some(KeyKind::ALL[one % 4]),
            mode: Livemode::from(two.is_multiple_of(2)),
            value: match two % 3 {
                0 => Value::Minted,
                _ => Value::Digest(KeyDigest::of(&[choices.len() as u8, what])),
            },
            id: (two % 5 == 0).then(|| format!("mk_new-{}", file.keys().count())),
            grants: granted(two / 4),
            connect_grants: granted(two / 16),
            details: Details::default(),
        }),
        7 => Command::EditKey(EditKey {
            id: key(one),
            note: match two % 2 {
                0 => Patch::Set(format!("'''{two}\"\"\"")),
                _ => Patch::Clear,
            },
            labels: vec![("team".into(), format!("{two}"))],
            grants: match granted(two) {
                NewGrants { set: Some(set), .. } => GrantsChange::Edit {
                    set: Some(set),
                    grants: Vec::new(),
                    revoked: Vec::new(),
                },
                NewGrants { grants, .. } => GrantsChange::Replace(grants),
            },
            limit: two % 3 == 0,
            ..EditKey::default()
        }),
        8 => Command::ExpireKey(ExpireKey {
            id: key(one),
            end: (two % 4 > 0).then(|| instant(two / 8)),
            revive: two % 3 == 0,
        }),
        9 => {
            let ranges = ["203.0.113.7", "100.10.38.0/24", "2001:db8::/32"];
            let texts: Vec<String> = ranges.iter().take(two % 4).map(|&ip| ip.into()).collect();
            let actions = [
                IpAction::Add,
                IpAction::Remove,
                IpAction::Set,
                IpAction::Clear,
            ];
            Command::EditKey(EditKey {
                id: key(one),
                ips: Some(IpChange {
                    action: actions[two / 4 % 4],
                    texts,
                    ipv6: true,
                }),
                ..EditKey::default()
            })
        }
        10 => Command::DeleteKey(KeyTarget { id: key(one) }),
        11 => Command::PurgeKey(KeyTarget { id: key(one) }),
        12 => Command::RotateKey(RotateKey {
            id: key(two),
            keep_for: one as u64 * 3_600,
            keep_from: None,
            expires: End::Never,
            value: Value::Minted,
        }),
        13 => {
            let grants = granted(1 + two % 3 * 2).grants;
            Command::PutGrantSet {
                name: set(one),
                grants,
            }
        }
        _ => Command::RemoveGrantSet { name: set(one) },
    }
}

fn granted(number: usize) -> NewGrants {
    let grant = |name: &str, level| Grant::new(name, Some(level));
    match number % 4 {
        0 => NewGrants::default(),
        1 => NewGrants {
            set: Some("support".into()),
            grants: Vec::new(),
        },
        2 => NewGrants {
            set: None,
            grants: vec![grant("customer", AccessLevel::Write)],
        },
        _ => NewGrants {
            set: None,
            grants: vec![
                grant("customer", AccessLevel::Read),
                grant("charge", AccessLevel::Write),
            ],
        },
    }
}
