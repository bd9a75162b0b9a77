use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::publishing::{Press, revoke};
use crate::support::restricted::restricted;

#[test]
fn a_key_that_signs_is_made_once_and_shown_by_its_public_half() {
    let press = Press::new("key");
    assert!(press.public_key.starts_with("RW") && press.public_key.len() == 56);
    let again = press.run(&["feed", "key", "new", "feed.sec"]);
    assert_eq!(again.code, Some(4));
    assert!(
        again.err.contains("`feed.sec` cannot be made"),
        "{}",
        again.err
    );
    let secret = fs::read_to_string(press.path("feed.sec")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    for arguments in [
        &["feed", "key", "show", "feed.sec"][..],
        &["feed", "key", "show", "env:FEED_KEY"],
    ] {
        let mut command = press.command(arguments);
        let text = fs::read_to_string(press.path("feed.sec")).unwrap();
        let output = command.env("FEED_KEY", text).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(shown.trim(), press.public_key);
        assert!(!shown.contains(&secret[40..]));
    }
    fs::set_permissions(press.path("feed.sec"), fs::Permissions::from_mode(0o644)).unwrap();
    press.write(&restricted(10));
    let refused = press.publish(&["--begin"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.err.contains("has mode 644"), "{}", refused.err);
}

#[test]
fn a_feed_is_begun_changed_shown_and_seeded() {
    let press = Press::new("life");
    let mut state = restricted(100);
    press.write(&state);
    let refused = press.publish(&[]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(4), ""));
    assert!(refused.err.contains("use --begin"), "{}", refused.err);
    let begun = press.published(&["--begin"]);
    assert!(begun.contains("with 100 keys to feed (+100 -0"), "{begun}");
    assert!(begun.contains("gateways deny from "), "{begun}");
    revoke(&mut state, 7);
    press.write(&state);
    let would = press.published(&["--dry-run"]);
    assert!(would.contains("would change 1 record (+0 -1)"), "{would}");
    assert!(!press.holds(&state));
    let changed = press.published(&[]);
    assert!(
        changed.contains("(+0 -1, 1 record): a delta of "),
        "{changed}"
    );
    assert!(press.holds(&state));
    let same = press.published(&[]);
    assert!(
        same.contains("already; its head was signed again"),
        "{same}"
    );
    let beat = press.good(&["publish", "--feed", "prod", "--to", "feed", "--heartbeat"]);
    assert!(beat.starts_with("signed the head of revision "), "{beat}");
    let show = |key: &str| {
        press.run(&[
            "feed",
            "show",
            "--feed",
            "prod",
            "--public-key",
            key,
            "feed",
            "--json",
        ])
    };
    let shown: Value = serde_json::from_str(&show(&press.public_key).out).unwrap();
    assert_eq!(
        (&shown["keys"], &shown["source"]),
        (&100.into(), &"file:test".into())
    );
    assert_eq!(shown["signed_by"], *press.public_key);
    press.good(&["feed", "key", "new", "other.sec"]);
    let other = press.good(&["feed", "key", "show", "other.sec"]);
    let refused = show(other.trim());
    assert_eq!(refused.code, Some(4));
    assert!(refused.err.contains("not among"), "{}", refused.err);
    // A seed has the feed's revision, and is not older than its head.
    let seed = [
        "feed",
        "seed",
        "--feed",
        "prod",
        "--public-key",
        &press.public_key,
        "-c",
        "keyward.json",
        "feed",
    ];
    let written: Value = serde_json::from_str(&press.good(&seed)).unwrap();
    assert_eq!(written["snapshot"]["revision"], shown["revision"]);
    assert_eq!(written["max_snapshot_age"], state["max_snapshot_age"]);
    revoke(&mut state, 8);
    press.write(&state);
    let refused = press.run(&seed);
    assert!(refused.err.contains("publish it first"), "{}", refused.err);
}

#[test]
fn a_publication_is_rejected_as_a_push_is() {
    let press = Press::new("rejected");
    let state = restricted(100);
    press.write(&state);
    press.published(&["--begin"]);
    let mut half = state.clone();
    half["snapshot"]["keys"]
        .as_array_mut()
        .unwrap()
        .truncate(50);
    half["snapshot"]["accounts"]
        .as_array_mut()
        .unwrap()
        .truncate(6);
    press.write(&half);
    let refused = press.publish(&[]);
    assert_eq!(refused.code, Some(4));
    for expected in [
        "50 of 100 working keys",
        "accounts that disappear: acct_",
        "say --allow-removals",
    ] {
        assert!(
            refused.err.contains(expected),
            "{expected}: {}",
            refused.err
        );
    }
    assert!(press.holds(&state));
    press.published(&["--allow-removals"]);
    assert!(press.holds(&half));
    let mut other = press.arguments(&[]);
    other[4] = "file:other";
    let refused = press.run(&other);
    assert!(refused.err.contains("--take-over"), "{}", refused.err);
    other.push("--take-over");
    let taken = press.run(&other);
    assert!(
        taken
            .err
            .contains("`file:other` took feed over from `file:test`"),
        "{}",
        taken.err
    );
    assert_eq!(press.publish(&["--watch", "--dry-run"]).code, Some(2));
}
