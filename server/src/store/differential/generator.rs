//! Commands as people might give them: most are correct, and some name what does not exist, are not
//! allowed or are misspelled. They depend on the current records, so that many succeed.

use std::collections::BTreeMap;

use keyward::account::{AccountStatus, Children};
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Command, CreateKey, Details, DuplicateKey, EditKey, End,
    ExpireKey, Grant, GrantsChange, ImportKey, ImportedValue, IpAction, IpChange, KeyTarget,
    NewGrants, Patch, RotateKey, UpdateAccount, Value,
};
use keyward::permission::AccessLevel;
use keyward::snapshot::Enforcement;
use keyward_files::key_file::KeyFile;

use crate::store::crash::Dice;

const ACCOUNTS: [&str; 7] = [
    "acct_1", "acct_2", "acct_3", "acct_4", "org_1", "org_2", "no id",
];
const SETS: [&str; 4] = ["support", "billing", "empty", "not-there"];
const KINDS: [KeyKind; 4] = KeyKind::ALL;
const PERMISSIONS: [&str; 8] = [
    "charge",
    "customer",
    "rak_charge",
    "balance",
    "category:billing",
    "category:nothing",
    "no_such_permission",
    "sk_test_FAKE-in-place-of-a-name",
];
const RANGES: [&str; 8] = [
    "203.0.113.7",
    "203.0.113.0/24",
    "198.51.100.0/24 192.0.2.1",
    "2001:db8::/32",
    "203.0.113.7/24",
    "0.0.0.0/0",
    "anywhere",
    "192.0.2.1,192.0.2.2",
];
const TEXTS: [&str; 6] = [
    "Support desk",
    "Ünïcode ☂",
    "",
    "two\nlines",
    "\u{200b}",
    "plain",
];

pub(super) struct Generator<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) now: u64,
}

impl Generator<'_> {
    fn chance(&mut self, percent: u64) -> bool {
        self.dice.below(100) < percent
    }

    fn one<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        let index = self.dice.below(u64::try_from(of.len()).unwrap());
        &of[usize::try_from(index).unwrap()]
    }

    fn maybe<T>(&mut self, percent: u64, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| value(self))
    }

    /// Returns a command for `file`. The first ones make records for the others.
    pub(super) fn command(&mut self, file: &KeyFile, number: usize) -> Command {
        let add = |id: &str| {
            Command::AddAccount(AddAccount {
                account: Account::new(id),
                settings: AccountSettings::default(),
            })
        };
        match number {
            0 => return add("acct_1"),
            1 => return add("org_1"),
            2 => {
                return Command::PutGrantSet {
                    name: "support".to_owned(),
                    grants: vec![Grant::new("customer", Some(AccessLevel::Read))],
                };
            }
            _ => {}
        }
        match self.dice.below(20) {
            0..5 => Command::CreateKey(self.create(file)),
            5 => Command::DuplicateKey(DuplicateKey {
                id: self.key(file),
                live: self.chance(40),
                details: self.details(),
            }),
            6..9 => Command::EditKey(self.edit(file)),
            9 | 10 => Command::RotateKey(RotateKey {
                id: self.key(file),
                keep_for: *self.one(&[0, 3_600, 604_800, 604_801]),
                keep_from: None,
                expires: self.end(),
                value: self.value(file),
            }),
            11 => Command::ExpireKey(ExpireKey {
                id: self.key(file),
                end: self.maybe(80, Self::time),
                revive: self.chance(30),
            }),
            12 => Command::DeleteKey(KeyTarget { id: self.key(file) }),
            13 => Command::PurgeKey(KeyTarget { id: self.key(file) }),
            14 => Command::ImportKey(self.import(file)),
            15 | 16 => Command::AddAccount(self.add_account()),
            17 => Command::UpdateAccount(self.update_account()),
            18 => Command::RemoveAccount {
                id: self.account(),
                with_keys: self.chance(50),
            },
            _ => {
                let name = (*self.one(&SETS)).to_owned();
                if self.chance(70) {
                    let grants = self.grants();
                    Command::PutGrantSet { name, grants }
                } else {
                    Command::RemoveGrantSet { name }
                }
            }
        }
    }

    /// Picks an account, mostly one of the two that exist from the beginning.
    fn account(&mut self) -> String {
        if self.chance(60) {
            return (*self.one(&["acct_1", "acct_1", "org_1"])).to_owned();
        }
        (*self.one(&ACCOUNTS)).to_owned()
    }

    /// Picks the id of a key, mostly of an existing one.
    fn key(&mut self, file: &KeyFile) -> String {
        let ids: Vec<&str> = file.keys().map(|key| key.id.as_str()).collect();
        if ids.is_empty() || self.chance(5) {
            return (*self.one(&["mk_not-there", "no id at all", ""])).to_owned();
        }
        (*self.one(&ids)).to_owned()
    }

    fn new_id(&mut self, file: &KeyFile) -> Option<String> {
        match self.dice.below(20) {
            0 => Some(self.key(file)),
            1 => Some(format!("mk_own-{}", self.dice.below(1_000_000))),
            2 => Some("no id".to_owned()),
            _ => None,
        }
    }

    /// Picks a digest that no key has, or one that a key has. Never one that a key had: a key file
    /// forgets purged keys, and a store does not.
    fn digest(&mut self, file: &KeyFile) -> KeyDigest {
        let known: Vec<KeyDigest> = file.keys().map(|key| key.digest).collect();
        if !known.is_empty() && self.chance(15) {
            return *self.one(&known);
        }
        KeyDigest::of(&self.dice.below(u64::MAX).to_be_bytes())
    }

    fn value(&mut self, file: &KeyFile) -> Value {
        if self.chance(25) {
            return Value::Digest(self.digest(file));
        }
        Value::Minted
    }

    fn mode(&mut self) -> Livemode {
        Livemode::from(self.chance(50))
    }

    fn time(&mut self) -> u64 {
        self.now - 200_000 + self.dice.below(1_000_000)
    }

    fn end(&mut self) -> End {
        match self.dice.below(4) {
            0 => End::Never,
            1 => End::At(self.time()),
            _ => End::Unsaid,
        }
    }

    fn grants(&mut self) -> Vec<Grant> {
        // Most lists are good, because one bad name spoils a whole list.
        let names = if self.chance(80) {
            4
        } else {
            PERMISSIONS.len()
        };
        let count = self.dice.below(4);
        (0..count)
            .map(|_| {
                let level = *self.one(&[
                    Some(AccessLevel::Read),
                    Some(AccessLevel::Write),
                    Some(AccessLevel::Write),
                    None,
                ]);
                let name = *self.one(&PERMISSIONS[..names]);
                Grant::new(name, level)
            })
            .collect()
    }

    fn new_grants(&mut self) -> NewGrants {
        NewGrants {
            set: self.maybe(20, |this| (*this.one(&SETS)).to_owned()),
            grants: if self.chance(60) {
                self.grants()
            } else {
                Vec::new()
            },
        }
    }

    fn ranges(&mut self) -> Vec<String> {
        let good = if self.chance(80) { 3 } else { RANGES.len() };
        let count = self.dice.below(3);
        (0..count)
            .map(|_| (*self.one(&RANGES[..good])).to_owned())
            .collect()
    }

    fn text(&mut self) -> String {
        let good = if self.chance(90) { 2 } else { TEXTS.len() };
        (*self.one(&TEXTS[..good])).to_owned()
    }

    fn enforcement(&mut self) -> Enforcement {
        *self.one(&[
            Enforcement::Enforce,
            Enforcement::Enforce,
            Enforcement::Shadow,
        ])
    }

    fn details(&mut self) -> Details {
        let labels = self.maybe(30, |this| ("team".to_owned(), this.text()));
        Details {
            name: self.maybe(60, Self::text),
            note: self.maybe(20, Self::text),
            labels: BTreeMap::from_iter(labels),
            expires: self.end(),
            not_before: self.maybe(10, Self::time),
            allowed_ips: if self.chance(25) {
                self.ranges()
            } else {
                Vec::new()
            },
            ipv6: self.chance(30),
            enforcement: self.enforcement(),
        }
    }

    fn create(&mut self, file: &KeyFile) -> CreateKey {
        let kind = self.maybe(60, |this| *this.one(&KINDS));
        CreateKey {
            owner: self.account(),
            kind,
            mode: self.mode(),
            value: self.value(file),
            id: self.new_id(file),
            grants: self.new_grants(),
            connect_grants: if self.chance(20) {
                self.new_grants()
            } else {
                NewGrants::default()
            },
            details: self.details(),
        }
    }

    fn import(&mut self, file: &KeyFile) -> ImportKey {
        let digest = self.digest(file);
        let kind = *self.one(&KINDS);
        ImportKey {
            owner: self.account(),
            value: ImportedValue::digest_of(digest, kind, self.mode()),
            id: self.new_id(file),
            allow_short: self.chance(50),
            grants: self.new_grants(),
            connect_grants: NewGrants::default(),
            details: self.details(),
            created: self.maybe(50, Self::time),
        }
    }

    fn grants_change(&mut self) -> GrantsChange {
        match self.dice.below(5) {
            0 => GrantsChange::Replace(self.grants()),
            1 | 2 => GrantsChange::Edit {
                set: self.maybe(30, |this| (*this.one(&SETS)).to_owned()),
                grants: self.grants(),
                revoked: self
                    .maybe(30, |this| (*this.one(&PERMISSIONS[..4])).to_owned())
                    .into_iter()
                    .collect(),
            },
            _ => GrantsChange::Keep,
        }
    }

    fn edit(&mut self, file: &KeyFile) -> EditKey {
        let ips = self.maybe(30, |this| IpChange {
            action: *this.one(&[
                IpAction::Add,
                IpAction::Remove,
                IpAction::Set,
                IpAction::Clear,
            ]),
            texts: this.ranges(),
            ipv6: this.chance(30),
        });
        EditKey {
            id: self.key(file),
            name: self.patch(),
            note: self.patch(),
            labels: self
                .maybe(20, |this| ("team".to_owned(), this.text()))
                .into_iter()
                .collect(),
            unlabels: self.maybe(10, |_| "team".to_owned()).into_iter().collect(),
            enforcement: self.maybe(20, Self::enforcement),
            grants: self.grants_change(),
            connect_grants: self.grants_change(),
            limit: self.chance(30),
            ips,
            expires: self.end(),
            revive: self.chance(20),
        }
    }

    fn patch(&mut self) -> Patch<String> {
        match self.dice.below(6) {
            0 => Patch::Clear,
            1 | 2 => Patch::Set(self.text()),
            _ => Patch::Keep,
        }
    }

    fn children(&mut self) -> Children {
        *self.one(&[Children::Listed, Children::Any])
    }

    fn status(&mut self) -> AccountStatus {
        *self.one(&[
            AccountStatus::Active,
            AccountStatus::Active,
            AccountStatus::Suspended,
        ])
    }

    fn add_account(&mut self) -> AddAccount {
        let id = self.account();
        let parent = self.maybe(40, Self::account);
        let account = Account {
            parent: parent.filter(|_| may_have_parent(&id)),
            id,
            name: self.maybe(50, Self::text),
            children: self.children(),
            status: self.status(),
        };
        AddAccount {
            account,
            settings: AccountSettings::default(),
        }
    }

    fn update_account(&mut self) -> UpdateAccount {
        let id = self.account();
        UpdateAccount {
            name: self.patch(),
            parent: match self.dice.below(3) {
                0 => Patch::Clear,
                1 if may_have_parent(&id) => Patch::Set(self.account()),
                _ => Patch::Keep,
            },
            children: self.maybe(30, Self::children),
            status: self.maybe(30, Self::status),
            ..UpdateAccount::of(&id)
        }
    }
}

/// No rule rejects an organization below another account. The key file's reader and the store's
/// schema do.
fn may_have_parent(id: &str) -> bool {
    !id.starts_with("org_")
}
