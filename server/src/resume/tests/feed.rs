//! The same of a feed that is ahead of the store.

use std::os::unix::fs::PermissionsExt;

use keyward_files::feed::SigningKey;
use keyward_files::randomness::SystemRandomness;

use super::*;
use crate::configuration::Configuration;
use crate::fleet::{Come, Fleet};

/// A configuration whose only target is a feed.
fn configuration(folder: &Path) -> Configuration {
    let key = SigningKey::new(&mut SystemRandomness).unwrap();
    let path = folder.join("feed.sec");
    std::fs::write(&path, &*key.secret_text()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "data = \"data\"\noperator_account = \"acct_operator\"\n[listen]\napi = \"run/api.sock\"\ntrusted_uids = [\"0\"]\nadmin = \"admin/admin.sock\"\ngateway_sha256 = \"{}\"\n[feed]\nname = \"prod\"\nsigning_key = \"feed.sec\"\n",
        "0".repeat(64)
    );
    Configuration::parse(&text, folder).unwrap()
}

/// Publishes once. With all of a snapshot no gateway is ahead of the store afterwards.
fn published(store: &Store, targets: Targets<'_>, manner: Manner) -> Result<()> {
    wait(Publisher::start(store, targets, manner))?;
    if manner == Manner::Snapshot {
        assert!(revision(store) >= held(targets).revision);
    }
    Ok(())
}

fn revision(store: &Store) -> u64 {
    let head: std::result::Result<_, StoreError> = wait(store.read(|reader| reader.head()));
    head.unwrap().revision
}

fn held(targets: Targets<'_>) -> Held {
    targets.held("store1").unwrap().remove(0)
}

fn works(targets: Targets<'_>, digit: char, now: u64) -> bool {
    let digest = KeyDigest::from_hex(&digit.to_string().repeat(64)).unwrap();
    let key = held(targets).snapshot;
    let key = key.key(&digest);
    key.is_some_and(|key| !key.is_deleted() && key.expires_at().is_none_or(|end| now + 1 < end))
}

#[test]
fn a_feed_ahead_of_the_store_is_not_led_back_and_takes_ends_until_the_store_is_resumed() {
    let now = crate::time::now();
    let fixture = Fixture::new();
    let configuration = configuration(fixture.folder.path());
    let targets = Targets::of(&configuration);
    taken_in(&fixture.store, FILE);
    published(&fixture.store, targets, Manner::Snapshot).unwrap();
    let begun = held(targets).revision;
    let path = fixture.folder.path().join("restored");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(backup(&fixture.path(), &database_in(&path)), Ok(Vec::new()));
    taken_in(&fixture.store, LATER);
    end(&fixture.store, delete("mk_deleted"), now);
    published(&fixture.store, targets, Manner::Snapshot).unwrap();
    let ahead = held(targets).revision;
    assert!(ahead > begun);

    let store = Store::open(&path, &options()).unwrap();
    let refused = published(&store, targets, Manner::Snapshot).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("`keyward-server resume`"), "{said}");
    assert_eq!(held(targets).revision, ahead, "nothing was published");
    // An end reaches the gateways, and nothing else of the old store does.
    end(&store, expire("mk_earlier", now), now);
    let before = revision(&store);
    published(&store, targets, Manner::Ends).unwrap();
    assert_eq!(
        revision(&store),
        before,
        "it stays behind what gateways hold"
    );
    for (digit, expected) in [('1', true), ('2', false), ('3', false), ('5', true)] {
        assert_eq!(works(targets, digit, now), expected, "{digit}");
    }

    let resumed = wait(resume(
        &store,
        (
            vec![held(targets)],
            super::super::unseen(&configuration, now),
        ),
        None,
        now,
        false,
    ))
    .unwrap();
    assert_eq!(resumed.deleted, ["mk_deleted"]);
    assert_eq!(resumed.unknown, 1);
    published(&store, targets, Manner::Snapshot).unwrap();
    // VMs that began after the backup are not known, so nothing is everywhere before their heads are too old.
    let publisher = wait(Publisher::start(&store, targets, Manner::Snapshot)).unwrap();
    let fleet = wait(Fleet::start(
        &configuration,
        &store,
        &publisher,
        Manner::Snapshot,
    ))
    .unwrap();
    let change = publisher.state().through;
    wait(fleet.wait(change, std::time::Duration::from_secs(2)));
    assert!(
        matches!(fleet.come(change), Come::Published { latest_by: Some(until), .. } if until > now)
    );
    for (digit, expected) in [('1', true), ('2', false), ('3', false), ('5', false)] {
        assert_eq!(works(targets, digit, now), expected, "{digit}");
    }
}

#[test]
fn a_feed_of_another_store_is_left_alone() {
    let fixture = Fixture::new();
    let configuration = configuration(fixture.folder.path());
    let targets = Targets::of(&configuration);
    published(&fixture.store, targets, Manner::Snapshot).unwrap();
    let path = fixture.folder.path().join("other");
    let other = Store::create(&path, "store2", &options()).unwrap();
    let refused = wait(Publisher::start(&other, targets, Manner::Snapshot)).err();
    let said = refused.unwrap().to_string();
    assert!(said.contains("is of `server:store1`"), "{said}");
}
