//! How a command reaches a server: at its socket for people on its machine, through a gateway, and
//! through one with TLS.

use std::fs::{self, File};
use std::process::Command;

use keyward_harness::find::root;
use keyward_harness::process::Guarded;
use keyward_harness::{BOUND, eventually};
use keyward_support::command::{Said, command};
use serde_json::json;

use super::both::on_server;
use crate::world::World;

#[test]
fn the_servers_own_socket_needs_no_key_and_its_keys_are_named_by_its_user() {
    let world = World::start();
    world.account("acct_widgets");
    let socket = format!("unix:{}", world.data().join("admin/admin.sock").display());
    let run = |line: &str| -> Said {
        let mut command = command();
        command.args(line.split(' ')).args(["--server", &socket]);
        command.output().unwrap().into()
    };
    let said = run("keys create --owner acct_widgets --grant customer=read --json");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let made: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(
        made["created_by"]
            .as_str()
            .unwrap()
            .starts_with("local:uid="),
        "{made}"
    );
    let shown = run(&format!("keys show {}", made["id"].as_str().unwrap()));
    let history = shown.out.split_once("history:").unwrap().1;
    assert!(
        history.contains("api_key_created") && history.contains("local:uid="),
        "{}",
        shown.out
    );
    // An unrestricted key, which only the operator's own policy allows.
    let said = run("keys create --owner acct_widgets --kind secret --mode live");
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[test]
fn a_key_is_read_from_a_file_and_is_no_argument() {
    let world = World::start();
    let folder = keyward_harness::process::Folder::new("api-key");
    let file = folder.path().join("key");
    fs::write(&file, format!("{}\n", world.first)).unwrap();
    let url = format!("http://{}", world.gateway);
    let run = |arguments: &[&str]| -> Said { command().args(arguments).output().unwrap().into() };
    let path = file.to_str().unwrap();
    let said = run(&["keys", "list", "--server", &url, "--api-key-file", path]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("First key"), "{}", said.out);
    let said = run(&[
        "keys",
        "list",
        "--server",
        &url,
        "--api-key-file",
        &world.first,
    ]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("keys are not arguments"), "{}", said.err);
    assert!(!said.err.contains(&world.first));
    for (arguments, expected) in [
        (
            &["keys", "list", "--server", "http://10.0.0.7:10000"][..],
            "would cross the network unencrypted",
        ),
        (
            &["keys", "list", "--server", &url, "--keys", "a.toml"],
            "cannot be used with",
        ),
    ] {
        let said = run(arguments);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(expected), "{}", said.err);
    }
    let said: Said = on_server(&world)
        .env("KEYWARD_KEYS", "a.toml")
        .args(["keys", "list"])
        .output()
        .unwrap()
        .into();
    assert!(
        said.err
            .contains("KEYWARD_SERVER and KEYWARD_KEYS are both set"),
        "{}",
        said.err
    );
    let said: Said = on_server(&world)
        .args(["keys", "list", "--keys", "a.toml"])
        .output()
        .unwrap()
        .into();
    assert!(
        said.err.contains("there is no key file `a.toml`"),
        "{}",
        said.err
    );
}

/// A gateway with TLS, whose certificate is good, from an unknown authority, or expired.
#[test]
fn a_certificate_that_is_not_good_is_no_server() {
    let set_up = Command::new(root().join("scripts/packages.sh"))
        .args(["sdk", "python"])
        .output()
        .unwrap();
    if set_up.status.code() == Some(3) {
        eprintln!("{}", String::from_utf8_lossy(&set_up.stderr));
        return;
    }
    assert!(
        set_up.status.success(),
        "{}",
        String::from_utf8_lossy(&set_up.stderr)
    );
    let python = String::from_utf8(set_up.stdout).unwrap();
    let world = World::start();
    for (name, fault, expected) in [
        ("localhost", None, None),
        ("localhost", Some("stranger"), Some("UnknownIssuer")),
        ("localhost", Some("expired"), Some("expired")),
        ("elsewhere.example", None, Some("not valid for")),
    ] {
        let authority = world.folder.path().join("authority.pem");
        let plan = json!({"target": world.gateway.port(), "names": [name], "ca": authority, "fault": fault});
        let (told, plan_file) = (
            world.folder.path().join("port.txt"),
            world.folder.path().join("plan.json"),
        );
        fs::write(&plan_file, plan.to_string()).unwrap();
        let _front = Guarded::spawn(
            Command::new(python.trim())
                .args(["-E", "-s", "-B"])
                .arg(root().join("tests/sdk/python/tls_front.py"))
                .arg(plan_file)
                .stdout(File::create(&told).unwrap()),
        )
        .unwrap();
        let port = eventually("the front listens", BOUND, || {
            let text = fs::read_to_string(&told).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let said: Said = on_server(&world)
            .env("KEYWARD_SERVER", format!("https://localhost:{port}"))
            .env("SSL_CERT_FILE", &authority)
            .args(["keys", "list"])
            .output()
            .unwrap()
            .into();
        match expected {
            None => {
                assert_eq!(said.code, Some(0), "{}", said.err);
                assert!(said.out.contains("First key"), "{}", said.out);
            }
            Some(expected) => {
                assert_eq!(said.code, Some(4), "{}", said.out);
                assert!(said.err.contains(expected), "{fault:?}: {}", said.err);
            }
        }
    }
}
