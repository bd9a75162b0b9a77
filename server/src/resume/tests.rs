//! A store that was restored from a backup, and what its gateways hold since the backup was made.

mod feed;

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward::digest::KeyDigest;
use keyward_files::key_file::KeyFile;

use super::*;
use crate::commands::{Taking, import};
use crate::configuration::{Group, Target};
use crate::publish::{Haste, Manner, Publisher, Targets, first};
use crate::store::tests::{Fixture, NOW, entry, options, wait};
use crate::store::{backup, database_in};

const FILE: &str = r#"format = "keyward.keys/v1"

[[accounts]]
id = "acct_1"

[[accounts]]
id = "acct_2"

[[keys]]
id = "mk_kept"
kind = "secret"
mode = "live"
owner = "acct_1"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"

[[keys]]
id = "mk_deleted"
kind = "secret"
mode = "live"
owner = "acct_1"
sha256 = "2222222222222222222222222222222222222222222222222222222222222222"

[[keys]]
id = "mk_earlier"
kind = "secret"
mode = "live"
owner = "acct_1"
sha256 = "3333333333333333333333333333333333333333333333333333333333333333"

[[keys]]
id = "mk_of_2"
kind = "secret"
mode = "live"
owner = "acct_2"
sha256 = "4444444444444444444444444444444444444444444444444444444444444444"

[[keys]]
id = "mk_public"
kind = "publishable"
mode = "live"
owner = "acct_1"
value = "pk_live_FAKE-public-0001"
"#;

/// What is made after the backup.
const LATER: &str = r#"format = "keyward.keys/v1"

[[accounts]]
id = "acct_1"

[[keys]]
id = "mk_later"
kind = "secret"
mode = "live"
owner = "acct_1"
sha256 = "5555555555555555555555555555555555555555555555555555555555555555"
"#;

/// The store as it went on, the one that was restored, and the file that gateways watch.
struct Restored {
    /// The folder of all.
    fixture: Fixture,
    path: PathBuf,
    target: Target,
    now: u64,
}

impl Restored {
    fn make() -> Self {
        let fixture = Fixture::new();
        let folder = fixture.folder.path().to_owned();
        let target = Target {
            file: folder.join("keyward.yaml"),
            group: Group::Edge,
        };
        taken_in(&fixture.store, FILE);
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/ecds/keyward.yaml");
        wait(first(&fixture.store, &target.file, &template)).unwrap();
        let path = folder.join("restored");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        assert_eq!(backup(&fixture.path(), &database_in(&path)), Ok(Vec::new()));
        let restored = Self {
            fixture,
            path,
            target,
            now: crate::time::now(),
        };
        restored.goes_on();
        restored
    }

    /// What happens after the backup.
    fn goes_on(&self) {
        let store = &self.fixture.store;
        taken_in(store, LATER);
        for command in [
            delete("mk_deleted"),
            expire("mk_earlier", self.now + 86_400),
            expire("mk_public", self.now),
            Command::UpdateAccount(UpdateAccount {
                status: Some(AccountStatus::Suspended),
                ..UpdateAccount::of("acct_2")
            }),
        ] {
            end(store, command, self.now);
        }
        self.published(store, Manner::Snapshot).unwrap();
    }

    fn published(&self, store: &Store, manner: Manner) -> Result<()> {
        let targets = files(std::slice::from_ref(&self.target));
        wait(Publisher::start(store, targets, manner)).map(|_| ())
    }

    fn open(&self, options: &Options) -> Store {
        Store::open(&self.path, options).unwrap()
    }

    /// What gateways hold.
    fn held(&self) -> Held {
        let targets = files(std::slice::from_ref(&self.target));
        targets.held("store1").unwrap().remove(0)
    }

    /// Whether a key works at the gateways a moment after all of this.
    fn works(&self, digit: char) -> bool {
        let digest = KeyDigest::from_hex(&digit.to_string().repeat(64)).unwrap();
        let held = self.held();
        let snapshot = &held.snapshot;
        snapshot.key(&digest).is_some_and(|key| {
            let owner = snapshot.accounts().account(key.owner());
            !key.is_deleted()
                && key.expires_at().is_none_or(|end| self.now + 1 < end)
                && owner.is_some_and(|owner| !owner.is_suspended())
        })
    }
}

fn files(files: &[Target]) -> Targets<'_> {
    Targets { files, feed: None }
}

fn taken_in(store: &Store, text: &str) {
    let file = KeyFile::read(vec![("keyward.toml".to_owned(), text.to_owned())]).unwrap();
    let taking = Taking {
        most_keys: 100,
        is_dry_run: false,
        now: NOW,
    };
    wait(import(store, file, taking)).unwrap();
}

fn delete(id: &str) -> Command {
    Command::DeleteKey(KeyTarget { id: id.to_owned() })
}

fn expire(id: &str, end: u64) -> Command {
    Command::ExpireKey(ExpireKey {
        id: id.to_owned(),
        end: Some(end),
        revive: false,
    })
}

fn end(store: &Store, command: Command, now: u64) {
    let done: std::result::Result<(), Stored> = wait(store.end(move |tx| {
        let bounds = Bounds {
            scope: &Scope::everything(),
            ceiling: &Ceiling::none(),
            sender: &Sender::system(),
            reason: None,
            quota: None,
            source: "api",
            now,
        };
        step(tx, &command, &bounds).map(|_| ())
    }));
    done.unwrap();
}

#[test]
fn a_restored_store_publishes_nothing_before_it_is_resumed_and_then_revives_no_key() {
    let world = Restored::make();
    let store = world.open(&options());
    let before = world.held().revision;
    let refused = world.published(&store, Manner::Snapshot).unwrap_err();
    assert!(
        refused.to_string().contains("`keyward-server resume`"),
        "{refused}"
    );
    assert_eq!(world.held().revision, before, "nothing was published");

    let expected = Resumed {
        deleted: vec!["mk_deleted".to_owned()],
        earlier: vec!["mk_earlier".to_owned(), "mk_public".to_owned()],
        suspended: vec!["acct_2".to_owned()],
        unknown: 1,
    };
    let head = || wait(store.read(|reader| reader.head())).unwrap();
    let at_first = head();
    let planned = wait(resume(
        &store,
        (vec![world.held()], Vec::new()),
        None,
        world.now,
        true,
    ))
    .unwrap();
    assert_eq!(planned, expected);
    assert_eq!(head(), at_first, "a dry run changes nothing");
    let resumed = wait(resume(
        &store,
        (vec![world.held()], Vec::new()),
        None,
        world.now,
        false,
    ))
    .unwrap();
    assert_eq!(resumed, expected);
    assert_eq!(wait(store.read_all(|reader| reader.check())), Ok(vec![]));

    world.published(&store, Manner::Snapshot).unwrap();
    assert!(world.held().revision > before);
    let working: Vec<char> = ('1'..='5').filter(|digit| world.works(*digit)).collect();
    assert_eq!(working, ['1', '3'], "kept, and the one that ends tomorrow");
}

#[test]
fn for_ends_only_a_store_ends_keys_in_what_gateways_hold_and_takes_nothing_else() {
    let world = Restored::make();
    let store = world.open(&options().ends_only());
    let refused: std::result::Result<(), StoreError> =
        wait(store.write(|tx| tx.record(entry("of_a_test")).map(|_| ())));
    assert_eq!(refused, Err(StoreError::EndsOnly));
    let before = world.held().revision;
    wait(async {
        let targets = [world.target.clone()];
        let publisher = Publisher::start(&store, files(&targets), Manner::Ends)
            .await
            .unwrap();
        let ended: std::result::Result<u64, Stored> = store
            .end(|tx| {
                let bounds = Bounds {
                    scope: &Scope::everything(),
                    ceiling: &Ceiling::none(),
                    sender: &Sender::system(),
                    reason: None,
                    quota: None,
                    source: "api",
                    now: NOW,
                };
                Ok(step(tx, &delete("mk_kept"), &bounds)?.change)
            })
            .await;
        publisher.wake(Haste::AtOnce);
        let change = ended.unwrap();
        publisher.wait(change, Duration::from_secs(30)).await;
        assert!(publisher.state().through >= change);
    });
    assert!(world.held().revision > before);
    let working: Vec<char> = ('1'..='5').filter(|digit| world.works(*digit)).collect();
    assert_eq!(
        working,
        ['3', '5'],
        "what had ended stays so, and what was made since stays, too"
    );
}
