use std::collections::BTreeMap;

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Ceiling, Command, Context, CreateKey, Decision, Details,
    Grant, Holder, KeyTarget, Limits, Needs, NewGrants, NoRandomness, Patch, Randomness, RotateKey,
    RuleRefusal, UpdateAccount, Value, decide, needs,
};
use keyward::permission::AccessLevel;

use super::*;
use crate::store::lists::{From as Begin, KeyFilter, Page};

/// Bytes that are all different, but the same each time.
pub(in crate::store) struct Counter(pub(in crate::store) u64);

impl Randomness for Counter {
    fn fill(&mut self, bytes: &mut [u8]) -> std::result::Result<(), NoRandomness> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = u8::try_from(mixed >> 56).unwrap();
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(in crate::store) enum Failure {
    Rule(Box<keyward::management::RuleCode>),
    Store(StoreError),
}

impl From<RuleRefusal> for Failure {
    fn from(refusal: RuleRefusal) -> Self {
        Self::Rule(Box::new(refusal.code().clone()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(in crate::store) struct Records {
    pub(in crate::store) fixture: Fixture,
    pub(in crate::store) seed: u64,
}

impl Records {
    pub(in crate::store) fn new() -> Self {
        Self {
            fixture: Fixture::new(),
            seed: 0,
        }
    }

    pub(in crate::store) fn carry_out(
        &mut self,
        scope: Scope,
        command: Command,
    ) -> std::result::Result<Decision, Failure> {
        self.seed += 1_000_000;
        let seed = self.seed;
        let carried = self.fixture.store.write(move |tx| {
            let facts = tx.facts(&scope, &needs(&command), NOW)?;
            let context = Context {
                now: NOW,
                actor: "test",
                ceiling: &Ceiling::none(),
                limits: &Limits::none(),
                randomness: &mut Counter(seed),
            };
            let decision = decide(&command, &facts, context)?;
            let origin = Origin {
                source: "api",
                by: Some("test"),
                at: NOW,
            };
            let applied = tx.apply(decision.changes(), &origin)?;
            for _ in applied.first..=applied.last {
                tx.record(entry("of_a_test"))?;
            }
            Ok(decision)
        });
        wait(carried)
    }

    pub(in crate::store) fn done(&mut self, command: Command) -> Decision {
        self.carry_out(Scope::everything(), command).unwrap()
    }

    pub(in crate::store) fn account(&mut self, id: &str, parent: Option<&str>) {
        let account = Account {
            parent: parent.map(str::to_owned),
            ..Account::new(id)
        };
        let settings = AccountSettings::default();
        self.done(Command::AddAccount(AddAccount { account, settings }));
    }

    pub(in crate::store) fn key(&mut self, owner: &str, mode: Livemode, name: &str) -> String {
        let decision = self.done(Command::CreateKey(create(owner, mode, name)));
        decision.key().unwrap().to_owned()
    }

    pub(in crate::store) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        wait(self.fixture.store.read(read)).unwrap()
    }

    pub(in crate::store) fn listed(&self, scope: &Scope, filter: KeyFilter) -> Vec<String> {
        let scope = scope.clone();
        let page = Page {
            from: Begin::Newest,
            limit: 100,
        };
        let listed = self.read(move |reader| reader.keys(&scope, &filter, page));
        listed
            .records
            .into_iter()
            .map(|stored| stored.key.id)
            .collect()
    }
}

pub(in crate::store) fn create(owner: &str, mode: Livemode, name: &str) -> CreateKey {
    CreateKey {
        owner: owner.to_owned(),
        kind: Some(KeyKind::Restricted),
        mode,
        value: Value::Minted,
        id: None,
        grants: NewGrants {
            set: None,
            grants: vec![Grant::new("charge", Some(AccessLevel::Write))],
        },
        connect_grants: NewGrants::default(),
        details: Details {
            name: Some(name.to_owned()),
            labels: BTreeMap::from([("team".to_owned(), "billing".to_owned())]),
            expires: keyward::management::End::Never,
            ..Details::default()
        },
    }
}

#[test]
fn a_key_that_was_created_is_read_as_it_was_decided() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let decision = records.done(Command::CreateKey(create("acct_1", Livemode::Live, "One")));
    let [keyward::management::RecordChange::AddKey { key, .. }] = decision.changes() else {
        panic!("{decision:?}");
    };
    let (id, digest) = (key.id.clone(), key.digest);
    let stored = records.read(move |reader| {
        Ok((
            reader.key(&Scope::owner("acct_1"), &id)?,
            reader.key_of_digest(&Scope::tree("acct_1"), &digest)?,
        ))
    });
    let (by_id, by_digest) = stored;
    let by_id = by_id.unwrap();
    assert_eq!(by_id.key, **key);
    assert_eq!((by_id.version, by_id.sequence, by_id.changed), (1, 2, 2));
    assert_eq!(by_digest, Some(by_id));
}

#[test]
fn what_is_out_of_scope_is_not_there() {
    let mut records = Records::new();
    records.account("org_1", None);
    records.account("acct_1", Some("org_1"));
    records.account("acct_2", None);
    let live = records.key("acct_1", Livemode::Live, "live");
    let test = records.key("acct_1", Livemode::Test, "test");
    let ids = |scope: Scope| records.listed(&scope, KeyFilter::default());
    let both = vec![test.clone(), live.clone()];
    assert_eq!(ids(Scope::everything()), both);
    assert_eq!(ids(Scope::owner("acct_1")), both);
    assert_eq!(ids(Scope::tree("org_1")), both);
    assert_eq!(
        ids(Scope::tree("org_1").test_only()),
        std::slice::from_ref(&test)
    );
    assert!(ids(Scope::owner("org_1")).is_empty());
    assert!(ids(Scope::owner("acct_2")).is_empty());
    assert!(ids(Scope::tree("acct_1")).is_empty(), "its root is another");
    for scope in [Scope::owner("acct_2"), Scope::owner("acct_1").test_only()] {
        let refused = records.carry_out(scope, Command::DeleteKey(KeyTarget { id: live.clone() }));
        let Err(Failure::Rule(code)) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            matches!(*code, keyward::management::RuleCode::KeyMissing { .. }),
            "{code:?}"
        );
    }
}

#[test]
fn a_digest_out_of_scope_is_known_to_be_taken() {
    let mut records = Records::new();
    records.account("acct_1", None);
    records.account("acct_2", None);
    let id = records.key("acct_1", Livemode::Live, "one");
    let key = id.clone();
    let digest = records
        .read(move |reader| reader.key(&Scope::everything(), &key))
        .unwrap()
        .key
        .digest;
    let holder = |scope: Scope| {
        let needs = Needs {
            digests: vec![digest],
            ..Needs::default()
        };
        let read = records
            .fixture
            .store
            .write(move |tx| Ok::<_, StoreError>(tx.facts(&scope, &needs, NOW)?.digests));
        wait(read).unwrap()
    };
    let own = vec![(digest, Holder::Key(id.clone()))];
    assert_eq!(holder(Scope::owner("acct_1")), own);
    assert_eq!(holder(Scope::owner("acct_2")), [(digest, Holder::Hidden)]);
    records.done(Command::PurgeKey(KeyTarget { id }));
    let gone = records.read(move |reader| reader.key_of_digest(&Scope::everything(), &digest));
    assert_eq!(gone, None);
    let needs = Needs {
        digests: vec![digest, KeyDigest::of(b"sk_test_FAKE-never-there")],
        ..Needs::default()
    };
    let read = records
        .fixture
        .store
        .write(move |tx| Ok::<_, StoreError>(tx.facts(&Scope::everything(), &needs, NOW)?.digests));
    assert_eq!(wait(read).unwrap(), [(digest, Holder::Ended)]);
}

#[test]
fn a_move_takes_all_below_along() {
    let mut records = Records::new();
    records.account("org_1", None);
    records.account("acct_1", None);
    records.account("acct_2", Some("acct_1"));
    let key = records.key("acct_2", Livemode::Test, "one");
    assert_eq!(
        records.listed(&Scope::tree("acct_1"), KeyFilter::default()),
        std::slice::from_ref(&key)
    );
    records.done(Command::UpdateAccount(UpdateAccount {
        parent: Patch::Set("org_1".to_owned()),
        ..UpdateAccount::of("acct_1")
    }));
    assert!(
        records
            .listed(&Scope::tree("acct_1"), KeyFilter::default())
            .is_empty()
    );
    assert_eq!(
        records.listed(&Scope::tree("org_1"), KeyFilter::default()),
        std::slice::from_ref(&key)
    );
    let root = records.read(|reader| {
        let found = reader.account(&Scope::tree("org_1"), "acct_2")?;
        Ok(found.map(|stored| stored.root))
    });
    assert_eq!(root.as_deref(), Some("org_1"));
    records.done(Command::UpdateAccount(UpdateAccount {
        parent: Patch::Clear,
        ..UpdateAccount::of("acct_1")
    }));
    assert_eq!(
        records.listed(&Scope::tree("acct_1"), KeyFilter::default()),
        [key]
    );
}

#[test]
fn a_rotation_links_both_keys_and_a_purge_takes_the_links_out() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let old = records.key("acct_1", Livemode::Live, "one");
    let rotated = records.done(Command::RotateKey(RotateKey {
        id: old.clone(),
        keep_for: 3_600,
        keep_from: None,
        expires: keyward::management::End::Unsaid,
        value: Value::Minted,
    }));
    let new = rotated.key().unwrap().to_owned();
    let links = |records: &Records| {
        let (old, new) = (old.clone(), new.clone());
        records.read(move |reader| {
            let everything = Scope::everything();
            let old = reader
                .key(&everything, &old)?
                .map(|stored| stored.key.replaced_by);
            let new = reader
                .key(&everything, &new)?
                .map(|stored| stored.key.replaces);
            Ok((old, new))
        })
    };
    assert_eq!(
        links(&records),
        (Some(Some(new.clone())), Some(Some(old.clone())))
    );
    records.done(Command::PurgeKey(KeyTarget { id: new.clone() }));
    assert_eq!(links(&records), (Some(None), None));
}

#[test]
fn records_without_activity_are_not_kept() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let seed = records.seed + 1;
    let written = records
        .fixture
        .store
        .write(move |tx| -> std::result::Result<(), Failure> {
            let command = Command::CreateKey(create("acct_1", Livemode::Live, "one"));
            let facts = tx.facts(&Scope::everything(), &needs(&command), NOW)?;
            let context = Context {
                now: NOW,
                actor: "test",
                ceiling: &Ceiling::none(),
                limits: &Limits::none(),
                randomness: &mut Counter(seed),
            };
            let decision = decide(&command, &facts, context)?;
            let origin = Origin {
                source: "api",
                by: None,
                at: NOW,
            };
            tx.apply(decision.changes(), &origin)?;
            Ok(())
        });
    let refused = wait(written).unwrap_err();
    assert!(
        matches!(&refused, Failure::Store(StoreError::Conflict(why)) if why == "records were changed, and no activity records it"),
        "{refused:?}"
    );
    assert!(
        records
            .listed(&Scope::everything(), KeyFilter::default())
            .is_empty()
    );
}

#[test]
fn what_no_gateway_would_load_is_not_kept() {
    let mut records = Records::new();
    records.account("org_1", None);
    let account = Account {
        parent: Some("org_1".to_owned()),
        ..Account::new("org_2")
    };
    let settings = AccountSettings::default();
    let refused = records.carry_out(
        Scope::everything(),
        Command::AddAccount(AddAccount { account, settings }),
    );
    assert!(refused.is_err(), "{refused:?}");
    let account = records.read(|reader| reader.account(&Scope::everything(), "org_2"));
    assert_eq!(account, None);
    assert_eq!(records.read(|reader| reader.trial()), Ok(()));
}
