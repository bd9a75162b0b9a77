//! Generates commands from bytes. Most name records that exist, and some name others.

use keyward::account::{AccountStatus, Children};
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Command, CreateKey, DEFAULT_POLICY, Delegation, Details,
    DuplicateKey, EditKey, End, ExpireKey, Grant, GrantsChange, ImportKey, ImportedValue,
    IpAction::{Add, Clear, Remove, Set},
    IpChange, KeyTarget, NewGrants, Patch, Policy, RequiredIps, RotateKey, UpdateAccount, Value,
};
use keyward::permission::AccessLevel;
use keyward::profile::Profile;
use keyward::snapshot::Enforcement;

use super::Records;

const DAY: u64 = 86_400;

/// Returns the command that `choices` encode, given at `now` to a store with these records. Leaves
/// out policies if the store has none.
#[must_use]
pub fn command(records: &Records, choices: &[u8], now: u64) -> Command {
    Choices {
        records,
        now,
        left: choices.iter(),
    }
    .command()
}

struct Choices<'a> {
    records: &'a Records,
    now: u64,
    left: std::slice::Iter<'a, u8>,
}

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        self.left.next().copied().unwrap_or(0).into()
    }

    fn below(&mut self, count: usize) -> usize {
        self.byte() % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 1
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// Picks a record that exists, or sometimes one that does not.
    fn known(&mut self, all: Vec<&String>, other: &[&str]) -> String {
        if all.is_empty() || self.one_in(12) {
            return self.of(other).to_owned();
        }
        self.of(&all).clone()
    }

    fn key(&mut self) -> String {
        let records = self.records;
        self.known(
            records.keys.keys().collect(),
            &["mk_none", "", "sk_test_FAKE-alice-0001"],
        )
    }

    fn account(&mut self) -> String {
        let records = self.records;
        self.known(
            records.accounts.keys().collect(),
            &["acct_none", "org_none", "nobody"],
        )
    }

    fn set(&mut self) -> String {
        let records = self.records;
        self.known(
            records.grant_sets.keys().collect(),
            &["support", "reports", "none"],
        )
    }

    fn policy(&mut self) -> String {
        self.of(&[DEFAULT_POLICY, "strict", "wide"]).to_owned()
    }

    fn some<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(2).then(|| value(self))
    }

    fn patch<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Patch<T> {
        match self.below(4) {
            0 => Patch::Clear,
            1 => Patch::Set(value(self)),
            _ => Patch::Keep,
        }
    }

    fn text(&mut self) -> String {
        let texts = [
            "Billing",
            "N\u{f6} \"1\" # \\",
            "a\u{202e}b",
            "x y",
            "'''\"\"\"",
        ];
        self.of(&texts).to_owned()
    }

    fn time(&mut self) -> u64 {
        match self.below(4) {
            0 => self.now.saturating_sub(DAY),
            1 => self.now,
            _ => self.now + DAY * (1 + self.byte() as u64),
        }
    }

    fn end(&mut self) -> End {
        match self.below(3) {
            0 => End::Unsaid,
            1 => End::Never,
            _ => End::At(self.time()),
        }
    }

    fn grant(&mut self) -> Grant {
        let names = [
            "customer",
            "charge",
            "rak_topup",
            "balance",
            "edit_link",
            "widget",
            "category:billing",
            "category:none",
            "custmer",
            "api_key",
            "key_policy",
        ];
        let levels = [None, Some(AccessLevel::Read), Some(AccessLevel::Write)];
        let name = self.of(&names);
        Grant::new(name, self.of(&levels))
    }

    fn list<T>(&mut self, most: usize, value: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = self.below(most + 1);
        (0..count).map(|_| value(self)).collect()
    }

    fn new_grants(&mut self) -> NewGrants {
        NewGrants {
            set: self.one_in(4).then(|| self.set()),
            grants: self.list(3, Self::grant),
        }
    }

    fn change(&mut self) -> GrantsChange {
        match self.below(4) {
            0 | 1 => GrantsChange::Keep,
            2 => GrantsChange::Replace(self.list(3, Self::grant)),
            _ => GrantsChange::Edit {
                set: self.one_in(3).then(|| self.set()),
                grants: self.list(2, Self::grant),
                revoked: self.list(1, |choices| {
                    choices.of(&["customer", "rak_charge", "none"]).to_owned()
                }),
            },
        }
    }

    fn ips(&mut self) -> Vec<String> {
        let ips = [
            "203.0.113.7",
            "100.10.38.0/24 203.0.113.7/32",
            "2001:db8::/32",
            "10.0.0.1/8",
            "0.0.0.0/0",
            "localhost",
            " ",
        ];
        self.list(2, |choices| choices.of(&ips).to_owned())
    }

    fn details(&mut self) -> Details {
        Details {
            name: self.some(Self::text),
            note: self.some(Self::text),
            labels: self
                .list(2, |choices| {
                    let name = choices.of(&["team", "user_id"]).to_owned();
                    (name, choices.text())
                })
                .into_iter()
                .collect(),
            expires: self.end(),
            not_before: self.one_in(4).then(|| self.time()),
            allowed_ips: self.ips(),
            ipv6: self.one_in(2),
            enforcement: self.of(&[Enforcement::Enforce, Enforcement::Shadow]),
        }
    }

    fn value(&mut self) -> Value {
        match self.below(3) {
            0 => Value::Digest(KeyDigest::of(&[self.below(40) as u8])),
            _ => Value::Minted,
        }
    }

    fn mode(&mut self) -> Livemode {
        self.of(&[Livemode::Test, Livemode::Live])
    }

    fn new_id(&mut self) -> Option<String> {
        let ids = ["mk_a", "mk_b", "no id", "sk_live_FAKE-alice-0001"];
        self.one_in(4).then(|| self.of(&ids).to_owned())
    }

    fn command(&mut self) -> Command {
        let has_policies = !self.records.policies.is_empty();
        match self.below(if has_policies { 19 } else { 17 }) {
            0 | 1 => Command::CreateKey(CreateKey {
                owner: self.account(),
                kind: self.some(|choices| choices.of(&KeyKind::ALL)),
                mode: self.mode(),
                value: self.value(),
                id: self.new_id(),
                grants: self.new_grants(),
                connect_grants: self.new_grants(),
                details: self.details(),
            }),
            2 => Command::DuplicateKey(DuplicateKey {
                id: self.key(),
                live: self.one_in(2),
                details: self.details(),
            }),
            3 | 4 => Command::EditKey(EditKey {
                id: self.key(),
                name: self.patch(Self::text),
                note: self.patch(Self::text),
                labels: self.list(1, |choices| ("team".to_owned(), choices.text())),
                unlabels: self.list(1, |choices| choices.of(&["team", "none"]).to_owned()),
                enforcement: self.some(|choices| choices.of(&[Enforcement::Shadow])),
                grants: self.change(),
                connect_grants: self.change(),
                limit: self.one_in(2),
                ips: self.one_in(3).then(|| IpChange {
                    action: self.of(&[Add, Remove, Set, Clear]),
                    texts: self.ips(),
                    ipv6: self.one_in(2),
                }),
                expires: self.end(),
                revive: self.one_in(2),
            }),
            5 | 6 => Command::RotateKey(RotateKey {
                id: self.key(),
                keep_for: DAY * self.below(9) as u64,
                keep_from: self.some(Self::time),
                expires: self.end(),
                value: self.value(),
            }),
            7 => Command::ExpireKey(ExpireKey {
                id: self.key(),
                end: self.some(Self::time),
                revive: self.one_in(2),
            }),
            8 => Command::DeleteKey(KeyTarget { id: self.key() }),
            9 => Command::PurgeKey(KeyTarget { id: self.key() }),
            10 => self.import(),
            11 | 12 => self.add_account(),
            13 => Command::UpdateAccount(UpdateAccount {
                id: self.account(),
                name: self.patch(Self::text),
                parent: self.patch(Self::account),
                children: self.some(|choices| choices.of(&[Children::Listed, Children::Any])),
                status: self
                    .some(|choices| choices.of(&[AccountStatus::Active, AccountStatus::Suspended])),
                ..self.settings_of(has_policies)
            }),
            14 => Command::RemoveAccount {
                id: self.account(),
                with_keys: self.one_in(2),
            },
            15 => Command::PutGrantSet {
                name: self.set(),
                grants: self.list(3, Self::grant),
            },
            16 => Command::RemoveGrantSet { name: self.set() },
            17 => Command::PutPolicy {
                name: self.policy(),
                policy: Box::new(self.new_policy()),
            },
            _ => Command::RemovePolicy {
                name: self.policy(),
            },
        }
    }

    /// Picks settings of an account that only a server's store keeps.
    fn settings_of(&mut self, has_policies: bool) -> UpdateAccount {
        if !has_policies {
            return UpdateAccount::default();
        }
        UpdateAccount {
            reason: self.patch(Self::text),
            policy: self.patch(Self::policy),
            external_id: self.patch(|choices| choices.of(&["e1", "e2"]).to_owned()),
            ..UpdateAccount::default()
        }
    }

    fn add_account(&mut self) -> Command {
        let ids = [
            "acct_1", "acct_2", "acct_3", "acct_4", "org_1", "org_2", "acct_5", "nobody",
        ];
        let id = self.of(&ids);
        let mut account = Account::new(id);
        account.name = self.some(Self::text);
        account.parent = self.some(Self::account);
        account.children = self.of(&[Children::Listed, Children::Any]);
        let settings = if self.records.policies.is_empty() {
            AccountSettings::default()
        } else {
            AccountSettings {
                external_id: self.some(|choices| choices.of(&["e1", "e2"]).to_owned()),
                policy: self.some(Self::policy),
                suspended_reason: None,
            }
        };
        Command::AddAccount(AddAccount { account, settings })
    }

    fn import(&mut self) -> Command {
        let values = [
            "sk_test_FAKE-alice-0001",
            "rk_live_FAKE-a-key-as-long-as-it-must-be-0002",
            "pk_test_FAKE-a-key-as-long-as-it-must-be-0003",
            "sk_org_live_FAKE-a-key-as-long-as-it-must-4",
            "sk_live_",
            "acme_FAKE",
            "no key",
        ];
        let value = self.of(&values);
        let kind = self.one_in(3).then(|| self.of(&KeyKind::ALL));
        let mode = self.one_in(3).then(|| self.mode());
        let value = match self.below(3) {
            0 => {
                let digest = KeyDigest::of(&[self.below(40) as u8]);
                ImportedValue::digest_of(digest, KeyKind::Restricted, Livemode::Test)
            }
            _ => ImportedValue::read(&Profile::stripe(), value, kind, mode),
        };
        Command::ImportKey(ImportKey {
            owner: self.account(),
            value,
            id: self.new_id(),
            allow_short: self.one_in(2),
            grants: self.new_grants(),
            connect_grants: NewGrants::default(),
            details: self.details(),
            created: self.one_in(3).then(|| self.now.saturating_sub(DAY)),
        })
    }

    fn new_policy(&mut self) -> Policy {
        let granted = |choices: &mut Self| {
            let names = ["customer", "rak_charge", "balance", "none", "api_key"];
            choices
                .list(3, |choices| {
                    let name = choices.of(&names).to_owned();
                    (name, AccessLevel::Read)
                })
                .into_iter()
                .collect()
        };
        Policy {
            kinds: self.list(3, |choices| choices.of(&KeyKind::ALL)),
            permissions: self.some(granted),
            connect_permissions: self.some(granted),
            grant_sets: self.list(1, Self::set),
            free_choice: self.one_in(2),
            max_lifetime: self.some(|choices| DAY * choices.below(100) as u64),
            max_keys: self.some(|choices| choices.below(4) as u64),
            require_ip_allowlist: RequiredIps {
                live: self.one_in(3),
                test: self.one_in(3),
            },
            overlaps: self.list(2, |choices| DAY * choices.below(8) as u64),
            delegation: self.of(&[Delegation::Policy, Delegation::Own]),
            ..Policy::default()
        }
    }
}
