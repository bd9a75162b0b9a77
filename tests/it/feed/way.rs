//! From a pushed file to a feed and back, and to another build of the filter, under load: `docs/feed.md` has the steps.

use serde_json::{Value, json};

use super::{everywhere, followers};
use crate::fail_closed::{ALICE, BOB, STRANGER, Watch, status};
use crate::publish::{begun, published};
use crate::rollout::code::{another, naming};
use crate::support::feed::{CLUSTER, cluster, configuration, now};
use crate::support::http;
use crate::support::publishing::{Press, Served};
use crate::support::{BOUND, Envoy, Push, eventually};

const WORKERS: u32 = 2;

/// Settings that follow the press's feed.
fn settings(press: &Press) -> Value {
    let mut settings = configuration();
    settings["feed"]["public_keys"] = json!([press.public_key]);
    settings
}

/// The present snapshot of the feed as a configuration, by `keyward feed seed`.
fn seed(press: &Press) -> Value {
    let text = press.good(&[
        "feed",
        "seed",
        "feed",
        "--feed",
        "prod",
        "--public-key",
        &press.public_key,
        "--configuration",
        "keyward.json",
    ]);
    serde_json::from_str(&text).unwrap()
}

/// Settings with a snapshot that serves until the feed's own is there.
fn seeded(press: &Press) -> Value {
    let mut both = settings(press);
    both["snapshot"] = seed(press)["snapshot"].clone();
    both["feed"]["serve_seed"] = json!(true);
    both
}

/// Waits until all VMs that poll serve the feed's revision. There are as many as the Envoy has.
fn all_follow(served: &Served, press: &Press) {
    let revision = press.present().head.revision.number();
    eventually("every VM follows", BOUND, || {
        let fleet = http::get(served.address, "/feeds/prod/fleet").json();
        let vms = fleet["vms"].as_array()?.iter();
        let good = vms.filter(|vm| vm["state"] == "ok" && vm["revision"] == revision);
        (good.count() >= followers(WORKERS.try_into().unwrap())).then_some(())
    });
}

fn started(press: &Press, served: &Served, configuration: &Value) -> Envoy {
    assert!(!press.public_key.is_empty());
    let address = served.address;
    Envoy::builder()
        .concurrency(WORKERS)
        .config(configuration.to_string())
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            let clusters = clusters.as_array_mut().unwrap();
            clusters.push(cluster(CLUSTER, address));
        })
        .start()
}

#[track_caller]
fn assert_always(watched: Vec<(Watch, u16)>) {
    for (watch, expected) in watched {
        let answers = watch.stop();
        assert_eq!(
            answers.keys().copied().collect::<Vec<_>>(),
            [expected],
            "{answers:?}"
        );
    }
}

#[test]
fn from_a_pushed_file_to_the_feed_and_back_without_one_wrong_verdict() {
    let press = begun("way");
    let served = Served::start(&press, &["--path", "/feeds/prod"]);
    // Pushed until now, with its own revision.
    let mut pushed = published(&[ALICE, BOB]);
    pushed["snapshot"]["issued_at"] = json!(now());
    let envoy = started(&press, &served, &pushed);
    everywhere(&envoy, ALICE, 200);
    let watch = |key, expected| (Watch::start(envoy.address(), key), expected);
    let mut watched = vec![watch(ALICE, 200), watch(STRANGER, 401)];

    let push = |configuration: &Value| {
        let pushed = envoy.push_and_wait(&configuration.to_string());
        assert_eq!(pushed, Push::Accepted);
    };
    push(&seeded(&press));
    all_follow(&served, &press);
    push(&settings(&press));
    // It follows the feed: a revocation is everywhere without a push.
    press.write(&published(&[ALICE]));
    press.published(&["--allow-removals"]);
    everywhere(&envoy, BOB, 401);
    watched.push(watch(BOB, 401));

    // And back.
    push(&seed(&press));
    everywhere(&envoy, BOB, 401);
    drop(served);
    let mut next = published(&[ALICE]);
    next["snapshot"]["revision"] = json!(press.present().head.revision.number() + 1);
    next["snapshot"]["issued_at"] = json!(now());
    push(&next);
    everywhere(&envoy, ALICE, 200);
    for _ in 0..20 {
        assert_eq!(status(&envoy, BOB), 401);
    }
    assert_always(watched);
}

#[test]
fn another_build_of_the_filter_serves_the_seed_until_it_follows() {
    let press = begun("builds");
    let served = Served::start(&press, &["--path", "/feeds/prod"]);
    let envoy = started(&press, &served, &settings(&press));
    everywhere(&envoy, ALICE, 200);
    press.write(&published(&[ALICE]));
    press.published(&["--allow-removals"]);
    everywhere(&envoy, BOB, 401);
    let watch = |key, expected| (Watch::start(envoy.address(), key), expected);
    let watched = vec![watch(ALICE, 200), watch(BOB, 401), watch(STRANGER, 401)];
    // The new code has nothing of the old one's memory. It serves the pushed configuration meanwhile.
    for number in 0..3 {
        let code = another(number, envoy.directory());
        let pushed = naming(&envoy, &code, &seeded(&press));
        assert_eq!(envoy.push_file_and_wait(&pushed), Push::Accepted);
        all_follow(&served, &press);
    }
    press.write(&published(&[ALICE, BOB]));
    assert_always(watched);
    press.published(&[]);
    everywhere(&envoy, BOB, 200);
}
