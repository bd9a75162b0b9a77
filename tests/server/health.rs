//! What a supervisor asks: whether the server lives, and whether its store answers.

use crate::world::World;

#[test]
fn a_server_is_ready_while_its_store_answers() {
    let world = World::start();
    let ok = ("200".to_owned(), "ok\n".to_owned());
    assert_eq!(world.health("/livez"), ok);
    assert_eq!(world.health("/readyz"), ok);

    let store = rusqlite::Connection::open(world.data().join("keyward.db")).unwrap();
    store.busy_timeout(keyward_harness::BOUND).unwrap();
    store
        .execute_batch("ALTER TABLE head RENAME TO head_elsewhere")
        .unwrap();
    let (status, why) = world.health("/readyz");
    assert_eq!(status, "503", "{why}");
    assert!(why.contains("head"), "{why}");
    // To start it again would not help.
    assert_eq!(world.health("/livez"), ok);

    store
        .execute_batch("ALTER TABLE head_elsewhere RENAME TO head")
        .unwrap();
    assert_eq!(world.health("/readyz"), ok);
}
