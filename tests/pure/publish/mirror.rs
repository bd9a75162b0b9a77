//! `publish --mirror`, from folder to folder: a mirror gets what the feed has, never goes back, and
//! delays nothing.

use std::fs;

use crate::support::publishing::{Press, revoke};
use crate::support::restricted::restricted;

#[test]
fn a_mirror_follows_never_goes_back_and_a_broken_one_holds_nothing_up() {
    let press = Press::new("mirror");
    let (feed, mirror) = (press.path("feed"), press.path("mirror"));
    fs::create_dir(&mirror).unwrap();
    let same = || fs::read(feed.join("head")).unwrap() == fs::read(mirror.join("head")).unwrap();
    let mut state = restricted(20);
    press.write(&state);
    let said = press.published(&["--begin", "--mirror", "mirror"]);
    assert!(said.contains("mirrored to mirror: 1 objects of"), "{said}");
    assert!(same());
    let first = fs::read(feed.join("head")).unwrap();
    revoke(&mut state, 3);
    press.write(&state);
    let said = press.published(&["--mirror", "mirror"]);
    // Only the delta: the mirror already has the base.
    assert!(said.contains("mirrored to mirror: 1 objects of"), "{said}");
    assert!(same());

    // A mirror that lost an object gets it again, even if its head is current.
    let lost = fs::read_dir(mirror.join("o")).unwrap().next().unwrap();
    fs::remove_file(lost.unwrap().path()).unwrap();
    press.published(&["--mirror", "mirror"]);
    let count = |folder: &std::path::Path| fs::read_dir(folder.join("o")).unwrap().count();
    assert_eq!(count(&feed), count(&mirror));

    // The feed is restored from a backup, but its mirror is not.
    let newest = fs::read(mirror.join("head")).unwrap();
    fs::write(feed.join("head"), first).unwrap();
    let said = press.good(&[
        "publish",
        "--feed",
        "prod",
        "--to",
        "feed",
        "--heartbeat",
        "--mirror",
        "mirror",
    ]);
    assert!(
        said.contains("mirror holds a newer head than the feed, and keeps it"),
        "{said}"
    );
    assert_eq!(fs::read(mirror.join("head")).unwrap(), newest);

    // Whatever is wrong with a mirror, the feed is published, and the exit code shows the fault.
    fs::write(mirror.join("head"), "no head").unwrap();
    for (place, why) in [
        ("mirror", "is refused"),
        ("nowhere", "there is no folder `nowhere`"),
    ] {
        revoke(&mut state, if place == "mirror" { 4 } else { 5 });
        press.write(&state);
        let said = press.publish(&["--mirror", place]);
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(
            said.err.contains("is not up to date") && said.err.contains(why),
            "{}",
            said.err
        );
        assert!(press.holds(&state));
    }
}
