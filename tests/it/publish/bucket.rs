//! A feed in a bucket, with moto in place of S3: publishers make conditional writes, mirrors
//! follow, and an Envoy that signs its calls reads the private bucket.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::published;
use crate::fail_closed::{ALICE, BOB};
use crate::feed::everywhere;
use crate::support::command::Said;
use crate::support::feed::{CLUSTER, cluster, configuration};
use crate::support::moto::Moto;
use crate::support::publishing::Press;
use crate::support::{BOUND, Envoy, eventually};

const FEED: &str = "s3://keyward-feeds/feeds/prod";
const MIRROR: &str = "s3://keyward-mirror/feeds/prod?region=eu-west-1";

/// A command with a key of the bucket's.
fn command(moto: &Moto, press: &Press, arguments: &[&str], secret: &str) -> Command {
    let mut command = press.command(arguments);
    command.envs(moto.environment(secret));
    command
}

fn publish(moto: &Moto, press: &Press, more: &[&str]) -> Said {
    let arguments = arguments(press, more);
    let mut command = command(moto, press, &arguments, &moto.secret);
    command.output().unwrap().into()
}

#[track_caller]
fn written(moto: &Moto, press: &Press, more: &[&str]) -> String {
    let said = publish(moto, press, more);
    assert_eq!(said.code, Some(0), "{}", said.err);
    said.out
}

/// What a place holds, everything verified.
#[track_caller]
fn show(moto: &Moto, press: &Press, place: &str) -> Value {
    let arguments = [
        "feed",
        "show",
        place,
        "--feed",
        "prod",
        "--json",
        "--public-key",
        &press.public_key,
    ];
    let output = command(moto, press, &arguments, &moto.secret)
        .output()
        .unwrap();
    let said = Said::from(output);
    assert_eq!(said.code, Some(0), "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

fn arguments<'a>(press: &'a Press, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = press.arguments(more);
    for argument in &mut arguments {
        if *argument == "feed" {
            *argument = FEED;
        }
    }
    arguments
}

/// Starts an Envoy with three workers that follows the bucket. Its cluster signs the calls with a
/// secret that the plugin never has.
fn signing(press: &Press, moto: &Moto) -> Envoy {
    let mut configuration = configuration();
    configuration["feed"]["path"] = json!("/keyward-feeds/feeds/prod");
    configuration["feed"]["public_keys"] = json!([press.public_key]);
    configuration["feed"]["authority"] = json!(moto.address.to_string());
    let cluster = moto.signing(cluster(CLUSTER, moto.address), &press.path("secrets"));
    Envoy::builder()
        .config(configuration.to_string())
        .concurrency(3)
        .edit(move |bootstrap| {
            let clusters = &mut bootstrap["static_resources"]["clusters"];
            clusters.as_array_mut().unwrap().push(cluster);
        })
        .start()
}

#[test]
fn publishers_write_on_conditions_mirrors_follow_and_a_gateway_reads_a_private_bucket() {
    let Some(moto) = Moto::start() else { return };
    let press = Press::new("bucket");
    let mut state = published(&[ALICE, BOB]);
    press.write(&state);
    let refused = publish(&moto, &press, &[]);
    assert!(
        refused
            .err
            .contains("there is no feed in `s3://keyward-feeds/feeds/prod`"),
        "{}",
        refused.err
    );
    let begun = written(&moto, &press, &["--begin", "--mirror", MIRROR]);
    assert!(
        begun.contains("mirrored to s3://keyward-mirror/feeds/prod: 1 objects of"),
        "{begun}"
    );
    // The store rejects a wrong secret, and no output shows it.
    let wrong = "wrong-FAKE-secret";
    let arguments = arguments(&press, &[]);
    let said: Said = command(&moto, &press, &arguments, wrong)
        .output()
        .unwrap()
        .into();
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("cannot be read") && !said.err.contains(wrong),
        "{}",
        said.err
    );

    let envoy = signing(&press, &moto);
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, BOB, 200);
    state["snapshot"]["keys"][0]["status"] = json!("deleted");
    press.write(&state);
    // With two publishers at the same time, one starts again from what the other wrote.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| written(&moto, &press, &[]));
        }
    });
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    // Until the mirror has it, its gateways do not.
    let (feed, mirror) = (show(&moto, &press, FEED), show(&moto, &press, MIRROR));
    assert!(mirror["revision"].as_u64() < feed["revision"].as_u64());
    let mirrored = written(&moto, &press, &["--mirror", MIRROR]);
    assert!(mirrored.contains("mirrored to"), "{mirrored}");
    let (feed, mirror) = (show(&moto, &press, FEED), show(&moto, &press, MIRROR));
    assert_eq!(feed, mirror);

    // A watcher does the same, and reports how many mirrors lag.
    let watching = arguments_of_a_watcher(&press);
    let mut watch = command(&moto, &press, &watching, &moto.secret);
    let _watcher =
        crate::support::process::Guarded::spawn(watch.stdout(Stdio::null()).stderr(Stdio::null()))
            .unwrap();
    state["snapshot"]["keys"][1]["status"] = json!("deleted");
    press.write(&state);
    everywhere(&envoy, BOB, 401);
    eventually("the mirror has it too", BOUND, || {
        let page = std::fs::read_to_string(press.path("publish.prom")).ok()?;
        let is_even = page.contains("keyward_publish_mirrors_behind{feed=\"prod\"} 0");
        (is_even && show(&moto, &press, FEED) == show(&moto, &press, MIRROR)).then_some(())
    });
}

fn arguments_of_a_watcher(press: &Press) -> Vec<&str> {
    arguments(
        press,
        &[
            "--watch",
            "--metrics-file",
            "publish.prom",
            "--mirror",
            MIRROR,
            "--allow-removals",
        ],
    )
}
