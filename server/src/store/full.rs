//! A full disk: the store refuses additions, reads continue, and ends still work. The store is in a
//! separate process, on a file system in memory of 8 MiB, which needs a mount.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use keyward::key::Livemode;
use keyward::management::{Ceiling, Command, Context, KeyTarget, Limits, RuleCode, decide, needs};

use crate::store::tests::records::{Counter, Failure, create};
use crate::store::tests::{NOW, entry, wait};
use crate::store::{Options, Origin, Scope, Store, StoreError, Tx};

const FOLDER: &str = "KEYWARD_TEST_FULL_FOLDER";
const BALLAST: u64 = 1024 * 1024;
/// Mounts a tmpfs of 8 MiB at $1, and runs this binary in it. Without root, it uses a new
/// namespace.
const MOUNTED: &str =
    "mount -t tmpfs -o size=8m,mode=0700 none \"$1\" || exit 77; shift; exec \"$@\"";

#[test]
fn a_full_disk_refuses_additions_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let child = Program::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            MOUNTED,
            "sh",
        ])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::full::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .output();
    let said = match &child {
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let is_started = child
        .as_ref()
        .is_ok_and(|output| output.stdout.starts_with(b"\nrunning 1"));
    if !is_started {
        println!("skipped: a full disk needs a mount, which this user cannot make: {said}");
        return;
    }
    let output = child.unwrap();
    assert!(output.status.success(), "{said}");
}

/// Not a test by itself: the test above runs it on its small disk.
#[test]
#[ignore = "it wants a file system of 8 MiB"]
fn child() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let store = Store::create(
        &folder.join("data"),
        "full",
        &Options {
            now: NOW,
            ballast: BALLAST,
            ends_only: false,
        },
    )
    .unwrap();
    let filler = folder.join("filler");
    std::fs::write(&filler, vec![7; 2 * 1024 * 1024]).unwrap();
    wait(add_account(&store)).unwrap();
    let keys = keys_until_full(&store);
    assert!(keys.len() >= 30, "{} keys fill the disk", keys.len());
    assert!(
        ballast_is_there(&folder),
        "an addition took the room for ends"
    );
    assert_eq!(
        listed(&store),
        keys.len(),
        "reads go on, and nothing was lost"
    );

    for id in keys.iter().take(25) {
        wait(change(
            &store,
            Command::DeleteKey(KeyTarget { id: id.clone() }),
            0,
        ))
        .unwrap();
    }
    assert!(store.is_full() && !ballast_is_there(&folder));
    let refused = wait(create_key(&store, 9_999_999));
    assert!(
        matches!(refused, Err(Failure::Store(StoreError::Full))),
        "additions wait until the room is kept again: {refused:?}"
    );

    std::fs::remove_file(&filler).unwrap();
    wait(create_key(&store, 8_888_888)).unwrap();
    assert!(!store.is_full() && ballast_is_there(&folder));
    assert_eq!(
        wait(store.read_all(|reader| reader.check())),
        Ok(Vec::new())
    );
}

fn ballast_is_there(folder: &Path) -> bool {
    let path = folder.join("data/ballast");
    std::fs::metadata(path).is_ok_and(|found| found.len() == BALLAST)
}

fn keys_until_full(store: &Store) -> Vec<String> {
    let mut keys = Vec::new();
    let mut refused = 0;
    for seed in 1.. {
        match wait(create_key(store, seed * 1_000_003)) {
            Ok(id) => keys.push(id),
            // A small addition may still fit.
            Err(Failure::Store(StoreError::Full)) if refused < 10 => refused += 1,
            Err(Failure::Store(StoreError::Full)) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    keys
}

fn listed(store: &Store) -> usize {
    let counts = wait(store.read(|reader| reader.counts(&Scope::everything()))).unwrap();
    let keys: u64 = counts.iter().map(|count| count.keys).sum();
    usize::try_from(keys).unwrap()
}

async fn add_account(store: &Store) -> Result<String, Failure> {
    let add = keyward::management::AddAccount {
        account: keyward::management::Account::new("acct_1"),
        settings: keyward::management::AccountSettings::default(),
    };
    change(store, Command::AddAccount(add), 0).await
}

async fn create_key(store: &Store, seed: u64) -> Result<String, Failure> {
    let mut new = create("acct_1", Livemode::Live, "of a full disk");
    new.details.note = Some("n".repeat(1_000));
    change(store, Command::CreateKey(new), seed).await
}

async fn change(store: &Store, command: Command, seed: u64) -> Result<String, Failure> {
    let is_end = matches!(command, Command::DeleteKey(_));
    let carry_out = move |tx: &mut Tx<'_>| -> Result<String, Failure> {
        let facts = tx.facts(&Scope::everything(), &needs(&command), NOW)?;
        let context = Context {
            now: NOW,
            actor: "test",
            ceiling: &Ceiling::none(),
            limits: &Limits::none(),
            randomness: &mut Counter(seed),
        };
        let decision = match decide(&command, &facts, context) {
            Ok(decision) => decision,
            Err(refusal) => {
                assert!(!matches!(refusal.code(), RuleCode::IdExists { .. }));
                return Err(refusal.into());
            }
        };
        let origin = Origin {
            source: "api",
            by: None,
            at: NOW,
        };
        tx.apply(decision.changes(), &origin)?;
        tx.record(entry("of_a_full_disk"))?;
        Ok(decision.key().unwrap_or_default().to_owned())
    };
    if is_end {
        store.end(carry_out).await
    } else {
        store.write(carry_out).await
    }
}
