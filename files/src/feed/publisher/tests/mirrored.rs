//! Mirrors of a feed whose publisher's clock was wrong for a while.

use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;
use crate::feed::mirrors::Event;
use crate::feed::publisher::{Ahead, When};
use crate::feed::store::{Mutable, StorePlace};
use crate::feed::{Mirror, Mirrored, Mirrors, Original};

const MONTH: u64 = 30 * 86_400;

fn copied(from: &Folder, to: &Folder, now: u64) -> Mirrored {
    let keys = [public(1)];
    let mirror = Mirror {
        from,
        to,
        feed: "prod",
        keys: &keys,
        retain: RETAIN,
        now,
    };
    mirror.run().unwrap()
}

fn signed_at(store: &Folder) -> (u64, u64) {
    let (profile, keys) = (Profile::stripe(), [public(1)]);
    let (head, _, _) = reader(store, &profile, &keys).head().unwrap().unwrap();
    (head.revision.number(), head.issued_at)
}

fn publisher(world: &World) -> Publisher<'_> {
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    publisher.number(When {
        ahead: Ahead::Overruled,
        ..When::default()
    });
    publisher
}

#[test]
fn a_mirror_lets_go_of_a_head_that_no_gateway_accepts_and_of_no_other() {
    let mut state = world(10);
    let world = World::begun(&state);
    let folder = tempfile::tempdir().unwrap();
    let mirror = Folder::open(folder.path()).unwrap();
    let mut publisher = publisher(&world);
    // The clock jumps ahead by a month, a heartbeat signs, and the clock comes back.
    publisher.renew(&world.profile, NOW + MONTH).unwrap();
    copied(&world.store, &mirror, NOW + MONTH);
    assert_eq!(signed_at(&mirror).1, NOW + MONTH);
    publisher.renew(&world.profile, NOW + 60).unwrap();
    let kept = Mirrored::Ahead { is_later: false };
    // On a machine whose clock is still ahead, it is the newer one.
    assert_eq!(copied(&world.store, &mirror, NOW + MONTH), kept);
    let same = copied(&world.store, &mirror, NOW + 60);
    assert!(matches!(same, Mirrored::Same { .. }), "{same:?}");
    assert_eq!(signed_at(&mirror), signed_at(&world.store));
    // Gateways accept a head that is ahead by a little, and then no older one.
    let older = world.store.read(Mutable::Head, 9_999).unwrap();
    publisher.renew(&world.profile, NOW + 360).unwrap();
    copied(&world.store, &mirror, NOW + 360);
    let (_, version) = world.store.read(Mutable::Head, 9_999).unwrap().unwrap();
    let name = Mutable::Head;
    world
        .store
        .swap(name, Some(&version), &older.unwrap().0)
        .unwrap();
    assert_eq!(copied(&world.store, &mirror, NOW + 60), kept);
    assert_eq!(signed_at(&mirror).1, NOW + 360);
    // A higher revision stays whatever its time is.
    state["keys"][1]["status"] = json!("deleted");
    let later = World::begun(&state);
    later.publish(&state, &request(), NOW + MONTH).unwrap();
    state["keys"][2]["status"] = json!("deleted");
    later.publish(&state, &request(), NOW + MONTH).unwrap();
    let (bytes, _) = later.store.read(name, 9_999).unwrap().unwrap();
    let (_, version) = mirror.read(name, 9_999).unwrap().unwrap();
    mirror.swap(name, Some(&version), &bytes).unwrap();
    let later = Mirrored::Ahead { is_later: true };
    assert_eq!(copied(&world.store, &mirror, NOW + 60), later);
}

#[test]
fn a_mirror_that_keeps_a_head_that_was_signed_later_is_behind() {
    let now = crate::clock::now();
    let state = world(10);
    let world = World::new();
    world.publish(&state, &begin(), now - 100).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mirror = Folder::open(folder.path()).unwrap();
    let (older, _) = world.store.read(Mutable::Head, 9_999).unwrap().unwrap();
    publisher(&world).renew(&world.profile, now).unwrap();
    copied(&world.store, &mirror, now);
    let name = Mutable::Head;
    let (_, version) = world.store.read(name, 9_999).unwrap().unwrap();
    world.store.swap(name, Some(&version), &older).unwrap();
    let original = Original {
        from: StorePlace::Folder(world._folder.path().to_owned()),
        feed: "prod".to_owned(),
        keys: vec![public(1)],
        retain: RETAIN,
    };
    let (told, heard) = channel();
    let tell = move |_: &StorePlace, event: Event<'_>| {
        let is_ahead = matches!(event, Event::Noted(Mirrored::Ahead { is_later: false }));
        told.send(is_ahead).unwrap();
    };
    let places = [StorePlace::Folder(folder.path().to_owned())];
    let mirrors = Mirrors::start(&original, &places, tell).unwrap();
    mirrors.wake();
    assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok(true));
    assert_eq!(mirrors.behind(), 1);
    // The next heartbeat of the feed ends that.
    publisher(&world).renew(&world.profile, now + 1).unwrap();
    mirrors.wake();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while mirrors.behind() > 0 {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(signed_at(&mirror).1, now + 1);
}
