use serde_json::{Value, json};

use crate::configuration::Configuration;

/// The public key of RFC 8032, 7.1, test 1.
const KEY: &str = "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

fn sample() -> Value {
    json!({
        "max_snapshot_age": 86400,
        "feed": {"name": "prod", "cluster": "outbound|443||feed.keys", "authority": "feed.keys:443", "public_keys": [KEY]},
    })
}

fn read(configuration: &Value) -> Result<Configuration, String> {
    let json = configuration.to_string();
    Configuration::from_json(json.as_bytes()).map_err(|refusal| refusal.to_string())
}

#[test]
fn a_feed_is_read_with_its_defaults() {
    let configuration = read(&sample()).unwrap();
    let feed = configuration.settings().feed.clone().unwrap();
    assert_eq!((&*feed.name, &*feed.path), ("prod", ""));
    assert_eq!((feed.wait, feed.interval), (25, 5));
    assert_eq!((feed.min_revision, feed.serve_seed), (None, false));
    assert_eq!(feed.public_keys.len(), 1);
    assert!(configuration.snapshot().is_none());
}

#[test]
fn a_slash_at_the_end_of_a_path_is_dropped() {
    for (given, path) in [("/", ""), ("", ""), ("/a/b.c~d/", "/a/b.c~d"), ("/a", "/a")] {
        let mut sample = sample();
        sample["feed"]["path"] = json!(given);
        let configuration = read(&sample).unwrap();
        assert_eq!(&*configuration.settings().feed.as_ref().unwrap().path, path);
    }
}

#[test]
fn what_is_no_feed_is_refused_with_its_place() {
    let path = "feed.path: expected a path `/…` of at most 256 letters, digits, `.`, `-`, `_` or `~`, no segment of which is empty or begins with a dot";
    let key = "feed.public_keys[0]: expected a public key of signify: the second line of its `.pub` file, 56 characters that begin with `RW`";
    let looks = "expected a name, and this looks like a key";
    for (member, value, why) in [
        ("name", json!(""), "feed.name: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`".to_owned()),
        ("name", json!("a/b"), "feed.name: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`".to_owned()),
        ("name", json!("sk_test_FAKE-feed-0001"), format!("feed.name: {looks}")),
        ("cluster", json!("sk_test_FAKE-feed-0001"), format!("feed.cluster: {looks}")),
        ("cluster", json!("a b"), "feed.cluster: expected the name of a cluster: 1 to 256 visible ASCII characters".to_owned()),
        ("authority", json!("a/b"), "feed.authority: expected a host, with or without a port: 1 to 255 letters, digits, `.`, `-`, `_`, `:`, `[` or `]`".to_owned()),
        ("path", json!("a"), path.to_owned()),
        ("path", json!("//"), path.to_owned()),
        ("path", json!("/a/../b"), path.to_owned()),
        ("path", json!("/a?b"), path.to_owned()),
        ("public_keys", json!([]), "feed.public_keys: expected 1 to 4 public keys".to_owned()),
        ("public_keys", json!([KEY, KEY, KEY, KEY, KEY]), "feed.public_keys: expected 1 to 4 public keys".to_owned()),
        ("public_keys", json!([KEY, KEY]), "feed.public_keys[1]: a key is given twice".to_owned()),
        ("public_keys", json!(["RWQ"]), key.to_owned()),
        ("wait", json!(0), "feed.wait: expected 1 to 60 seconds".to_owned()),
        ("wait", json!(61), "feed.wait: expected 1 to 60 seconds".to_owned()),
        ("interval", json!(0), "feed.interval: expected 1 to 3600 seconds".to_owned()),
        ("min_revision", json!(1_000_000_000_000_000_u64), "feed.min_revision: expected an integer below 10^15".to_owned()),
        ("serve_seed", json!("yes"), "feed.serve_seed: expected a boolean".to_owned()),
    ] {
        let mut sample = sample();
        sample["feed"][member] = value.clone();
        assert_eq!(read(&sample).unwrap_err(), why, "{member}: {value}");
    }
    for member in ["name", "cluster", "authority", "public_keys"] {
        let mut sample = sample();
        sample["feed"].as_object_mut().unwrap().remove(member);
        assert!(
            read(&sample)
                .unwrap_err()
                .contains(&format!("missing member `{member}`"))
        );
    }
}

#[test]
fn a_feed_needs_an_age_and_a_report_has_none() {
    let mut ageless = sample();
    ageless.as_object_mut().unwrap().remove("max_snapshot_age");
    assert_eq!(
        read(&ageless).unwrap_err(),
        "feed: a feed needs `max_snapshot_age`: without it, what a source that stops said last would hold for ever"
    );
    let mut report = sample();
    report["role"] = json!("usage_report");
    assert_eq!(
        read(&report).unwrap_err(),
        "role: a usage report has no snapshot, no feed and no verify_path"
    );
}
