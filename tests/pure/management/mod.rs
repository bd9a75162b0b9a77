//! The rules on keys, with a store of a few maps.

mod accounts;
mod ceiling;
mod differential;
mod keys;
mod links;
mod properties;
mod refusals;

use std::sync::Arc;

use keyward::account::IdKind;
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Api, Ceiling, Command, Context, CreateKey, Decision,
    Details, EditKey, End, ExpireKey, Grant, Key, KeyTarget, Limits, Most, NewGrants, RecordChange,
    RotateKey, RuleCode, RuleRefusal, Value,
};
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::profile::Profile;
use keyward_reference::management::{Records, Seeded};

pub const NOW: u64 = 1_795_000_000;
pub const DAY: u64 = 86_400;

/// A store, and the surroundings for deciding commands.
pub struct Desk {
    pub api: Arc<Api>,
    pub records: Records,
    pub now: u64,
    pub ceiling: Ceiling,
    pub limits: Limits,
    pub randomness: Seeded,
}

/// Returns Stripe's API with an own endpoint that requires `widget`, and others for managing keys.
pub fn api() -> Arc<Api> {
    let own = ["widget", "tax_settings"];
    let asked = own.into_iter().chain(keyward::management::MANAGEMENT);
    Arc::new(Api::new(
        Profile::stripe(),
        PermissionRegistry::stripe(),
        asked,
    ))
}

/// Returns the server's limits.
pub fn limits() -> Limits {
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

impl Desk {
    /// Returns an empty store without a ceiling.
    pub fn empty() -> Self {
        Self {
            api: api(),
            records: Records::of_a_server(),
            now: NOW,
            ceiling: Ceiling::none(),
            limits: limits(),
            randomness: Seeded(1),
        }
    }

    /// Returns a store with `org_1`, `acct_1` and `acct_2` below it, and the grant set `support`.
    pub fn new() -> Self {
        let mut desk = Self::empty();
        for (id, parent) in [
            ("org_1", None),
            ("acct_1", Some("org_1")),
            ("acct_2", Some("org_1")),
        ] {
            desk.good(&add_account(id, parent));
        }
        desk.good(&Command::PutGrantSet {
            name: "support".to_owned(),
            grants: vec![read("customer"), write("charge")],
        });
        desk
    }

    pub fn run(&mut self, command: &Command) -> Result<Decision, RuleRefusal> {
        let before = self.records.clone();
        let context = Context {
            now: self.now,
            actor: "ann@example.com",
            ceiling: &self.ceiling,
            limits: &self.limits,
            randomness: &mut self.randomness,
        };
        let decided = self.records.run(&self.api, command, context);
        if decided.is_err() {
            assert_eq!(self.records, before, "a refused command changes nothing");
        }
        decided
    }

    #[track_caller]
    pub fn good(&mut self, command: &Command) -> Decision {
        self.run(command)
            .unwrap_or_else(|refusal| panic!("{:?}: {command:?}", refusal.code()))
    }

    #[track_caller]
    pub fn refused(&mut self, command: &Command) -> RuleCode {
        match self.run(command) {
            Ok(decision) => panic!("{:?}: {command:?}", decision.changes()),
            Err(refusal) => refusal.code().clone(),
        }
    }

    /// Makes a key with the id `id`.
    #[track_caller]
    pub fn make(&mut self, id: &str, kind: KeyKind, grants: &[Grant]) {
        let ids = &self.api.profile.names().ids;
        let owner = if kind == KeyKind::Organization {
            "org_1"
        } else {
            "acct_1"
        };
        assert!(ids.kind(owner) == Some(IdKind::Account) || kind == KeyKind::Organization);
        let create = CreateKey {
            kind: Some(kind),
            id: Some(id.to_owned()),
            grants: granted(grants),
            ..create(owner)
        };
        self.good(&Command::CreateKey(create));
    }

    #[track_caller]
    pub fn key(&self, id: &str) -> &Key {
        &self.records.keys[id]
    }

    /// Replaces a key. Returns the id of the replacement.
    #[track_caller]
    pub fn rotate(&mut self, id: &str) -> String {
        let decision = self.good(&rotate(id));
        decision.key().unwrap().to_owned()
    }
}

pub fn add_account(id: &str, parent: Option<&str>) -> Command {
    let account = Account {
        parent: parent.map(str::to_owned),
        ..Account::new(id)
    };
    Command::AddAccount(AddAccount {
        account,
        settings: AccountSettings::default(),
    })
}

/// Returns the command for a restricted test key without grants and without an expiry.
pub fn create(owner: &str) -> CreateKey {
    CreateKey {
        owner: owner.to_owned(),
        kind: None,
        mode: Livemode::Test,
        value: Value::Minted,
        id: None,
        grants: NewGrants::default(),
        connect_grants: NewGrants::default(),
        details: Details::default(),
    }
}

pub fn rotate(id: &str) -> Command {
    Command::RotateKey(RotateKey {
        id: id.to_owned(),
        keep_for: 0,
        keep_from: None,
        expires: End::Unsaid,
        value: Value::Minted,
    })
}

pub fn edit(id: &str) -> EditKey {
    EditKey {
        id: id.to_owned(),
        ..EditKey::default()
    }
}

pub fn expire(id: &str, end: Option<u64>) -> Command {
    let id = id.to_owned();
    let revive = false;
    Command::ExpireKey(ExpireKey { id, end, revive })
}

pub fn delete(id: &str) -> Command {
    Command::DeleteKey(target(id))
}

pub fn purge(id: &str) -> Command {
    Command::PurgeKey(target(id))
}

fn target(id: &str) -> KeyTarget {
    KeyTarget { id: id.to_owned() }
}

pub fn read(name: &str) -> Grant {
    Grant::new(name, Some(AccessLevel::Read))
}

pub fn write(name: &str) -> Grant {
    Grant::new(name, Some(AccessLevel::Write))
}

pub fn granted(grants: &[Grant]) -> NewGrants {
    NewGrants {
        set: None,
        grants: grants.to_vec(),
    }
}

pub fn following(set: &str) -> NewGrants {
    NewGrants {
        set: Some(set.to_owned()),
        grants: Vec::new(),
    }
}

pub fn digest(number: u8) -> KeyDigest {
    KeyDigest::of(&[number])
}

/// Returns the changes that turn an empty store into one with these records.
pub fn additions(records: &Records) -> Vec<RecordChange> {
    let mut changes = Vec::new();
    for (name, after) in &records.grant_sets {
        changes.push(RecordChange::PutGrantSet {
            name: name.clone(),
            before: None,
            after: after.clone(),
        });
    }
    for (account, settings) in records.accounts.values() {
        changes.push(RecordChange::AddAccount {
            account: account.clone(),
            settings: settings.clone(),
        });
    }
    for key in records.keys.values() {
        let key = Box::new(key.clone());
        changes.push(RecordChange::AddKey { key, beside: None });
    }
    changes
}
