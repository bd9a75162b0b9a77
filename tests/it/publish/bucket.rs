//! A feed in a bucket, with moto instead of S3: publishers make conditional writes, mirrors follow,
//! and an Envoy that signs its calls reads the private bucket.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::published;
use crate::fail_closed::{ALICE, BOB};
use crate::feed::everywhere;
use crate::support::command::Said;
use crate::support::feed::{CLUSTER, cluster, configuration};
use crate::support::find::root;
use crate::support::publishing::Press;
use crate::support::{BOUND, Envoy, eventually};

const FEED: &str = "s3://keyward-feeds/feeds/prod";
const MIRROR: &str = "s3://keyward-mirror/feeds/prod?region=eu-west-1";

/// A running moto. It ends when its standard input closes.
struct Moto {
    child: Child,
    address: SocketAddr,
    id: String,
    secret: String,
}

impl Moto {
    fn start() -> Option<Self> {
        let folder = root();
        let mut packages = Command::new(folder.join("scripts/packages.sh"));
        let output = packages.args(["moto", "python"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(3) => {
                println!("{}", said.trim());
                return None;
            }
            _ => panic!("scripts/packages.sh moto python: {said}"),
        }
        let python = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let mut child = Command::new(python)
            .arg(folder.join("tests/moto/python/serve.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(said["port"].as_u64().unwrap()).unwrap();
        Some(Self {
            child,
            address: ([127, 0, 0, 1], port).into(),
            id: said["id"].as_str().unwrap().to_owned(),
            secret: said["secret"].as_str().unwrap().to_owned(),
        })
    }

    /// Returns a command with one of the bucket's keys.
    fn command(&self, press: &Press, arguments: &[&str], secret: &str) -> Command {
        let mut command = press.command(arguments);
        command
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &self.id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        command
    }

    fn publish(&self, press: &Press, more: &[&str]) -> Said {
        let arguments = arguments(press, more);
        let mut command = self.command(press, &arguments, &self.secret);
        command.output().unwrap().into()
    }

    #[track_caller]
    fn published(&self, press: &Press, more: &[&str]) -> String {
        let said = self.publish(press, more);
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out
    }

    /// Returns the verified content of a place.
    #[track_caller]
    fn show(&self, press: &Press, place: &str) -> Value {
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
        let output = self
            .command(press, &arguments, &self.secret)
            .output()
            .unwrap();
        let said = Said::from(output);
        assert_eq!(said.code, Some(0), "{}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

/// Starts an Envoy with three workers that follows the bucket. Its cluster signs the calls, with a
/// secret that the plugin never has.
fn signing(press: &Press, moto: &Moto) -> Envoy {
    let mut configuration = configuration();
    configuration["feed"]["path"] = json!("/keyward-feeds/feeds/prod");
    configuration["feed"]["public_keys"] = json!([press.public_key]);
    configuration["feed"]["authority"] = json!(moto.address.to_string());
    let mut cluster = cluster(CLUSTER, moto.address);
    let page = root().join("docs/feed-bucket.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let options: Value = serde_norway::from_str(example).unwrap();
    cluster["typed_extension_protocol_options"] =
        options["typed_extension_protocol_options"].clone();
    // A separate folder, which Envoy watches.
    let folder = press.path("secrets");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(
        folder.join("aws-credentials"),
        format!(
            "[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
            moto.id, moto.secret
        ),
    )
    .unwrap();
    let text = cluster.to_string();
    let text = text.replace("/etc/envoy", folder.to_str().unwrap());
    let text = text.replace("eu-west-1", "us-east-1");
    let cluster: Value = serde_json::from_str(&text).unwrap();
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
    let refused = moto.publish(&press, &[]);
    assert!(
        refused
            .err
            .contains("there is no feed in `s3://keyward-feeds/feeds/prod`"),
        "{}",
        refused.err
    );
    let begun = moto.published(&press, &["--begin", "--mirror", MIRROR]);
    assert!(
        begun.contains("mirrored to s3://keyward-mirror/feeds/prod: 1 objects of"),
        "{begun}"
    );
    // The store rejects a wrong secret, and no output shows it.
    let wrong = "wrong-FAKE-secret";
    let arguments = arguments(&press, &[]);
    let said: Said = moto
        .command(&press, &arguments, wrong)
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
    // Two publishers at once: one of them starts again from the other's result.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| moto.published(&press, &[]));
        }
    });
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, BOB, 200);
    // Until the mirror has it, the mirror's gateways do not.
    let (feed, mirror) = (moto.show(&press, FEED), moto.show(&press, MIRROR));
    assert!(mirror["revision"].as_u64() < feed["revision"].as_u64());
    let mirrored = moto.published(&press, &["--mirror", MIRROR]);
    assert!(mirrored.contains("mirrored to"), "{mirrored}");
    let (feed, mirror) = (moto.show(&press, FEED), moto.show(&press, MIRROR));
    assert_eq!(feed, mirror);

    // A watcher does the same, and reports how many mirrors lag.
    let watching = arguments_of_a_watcher(&press);
    let mut watch = moto.command(&press, &watching, &moto.secret);
    let _watcher =
        crate::support::process::Guarded::spawn(watch.stdout(Stdio::null()).stderr(Stdio::null()))
            .unwrap();
    state["snapshot"]["keys"][1]["status"] = json!("deleted");
    press.write(&state);
    everywhere(&envoy, BOB, 401);
    eventually("the mirror has it too", BOUND, || {
        let page = std::fs::read_to_string(press.path("publish.prom")).ok()?;
        let is_even = page.contains("keyward_publish_mirrors_behind{feed=\"prod\"} 0");
        (is_even && moto.show(&press, FEED) == moto.show(&press, MIRROR)).then_some(())
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
