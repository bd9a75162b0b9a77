//! A server for another API than Stripe's: other prefixes and endpoints, and keys that work at a gateway.

use std::fs;

use keyward_harness::eventually;
use keyward_harness::process::Folder;
use serde_json::json;

use crate::world::{PROPAGATION, World, command};

const PROFILE: &str = r#"
preset = "plain"
realm = "Acme"
request_id_prefix = "acme_"
headers = { version = "Acme-Version", context = "Acme-Context", account = "Acme-Account" }
prefixes = { secret = ["acme_test_", "acme_live_"], restricted = ["acme_rk_test_", "acme_rk_live_"] }
messages = { unknown_key = "Acme does not know the key {masked}." }
"#;

const FILE: &str = r#"
format = "keyward.keys/v1"

[[accounts]]
id = "acct_nightly"

[[keys]]
id = "mk_nightly"
kind = "restricted"
mode = "live"
owner = "acct_nightly"
grants = { widget = "write" }
sha256 = "SHA256"
"#;

#[test]
fn a_server_makes_keys_for_an_api_of_ones_own() {
    let folder = Folder::new("profile");
    let profile = folder.path().join("profile.toml");
    fs::write(&profile, PROFILE).unwrap();
    let mut world = World::start_by(
        &["--profile", profile.to_str().unwrap()],
        Vec::new(),
        |_| {},
    );
    assert!(world.first.starts_with("acme_rk_live_"));
    let path = "/v2/keyward/endpoints";
    let etag = world.api("GET", path, None);
    let etag = etag.header("etag").unwrap().to_owned();
    let row = |method: &str, access: &str| json!({"method": method, "path": "/v1/widgets", "permission": "widget", "access": access});
    let rows =
        json!({"catalogue": "none", "endpoints": [row("GET", "read"), row("POST", "write")]});
    let first = world.first.clone();
    let put = world.call_with(&first, "PUT", path, Some(rows), &[("if-match", &etag)]);
    assert_eq!(put.status, 200, "{}", put.text());
    world.account("acct_widgets");
    let (id, value) = world.key("acct_widgets", &["widget_read"]);
    assert!(value.starts_with("acme_rk_test_"));
    let shown = world.api("GET", &format!("/v2/iam/api_keys/{id}"), None);
    let redacted = &shown.json()["secret_key"]["secret_token_redacted"];
    let end = value.split_at(value.len() - 4).1;
    assert_eq!(redacted, &json!(format!("acme_rk_test_****{end}")));

    let works = |world: &World, value: &str, method: &str| {
        eventually("the key works", PROPAGATION, || {
            (world.call(value, method, "/v1/widgets", None).status == 200).then_some(())
        });
    };
    works(&world, &value, "GET");
    let denied = |method: &str, path: &str| {
        let denied = world.call(&value, method, path, None);
        denied.header("x-keyward-denied").map(str::to_owned)
    };
    let reason = |text: &str| Some(text.to_owned());
    assert_eq!(
        denied("POST", "/v1/widgets"),
        reason("insufficient_permission")
    );
    assert_eq!(denied("GET", "/v1/customers"), reason("unknown_endpoint"));
    let unknown = world.call("acme_live_FAKE0123456789abcdef", "GET", "/v1/widgets", None);
    assert!(
        unknown
            .text()
            .contains("Acme does not know the key acme_live_*"),
        "{}",
        unknown.text()
    );
    // What looks like one of its keys is refused wherever it is sent.
    let sent = json!({"name": "acme_live_FAKE0123456789abcdef"});
    let refused = world.api("POST", &format!("/v2/iam/api_keys/{id}"), Some(sent));
    assert_eq!(
        refused.json()["error"]["code"],
        "raw_key_refused",
        "{}",
        refused.text()
    );

    // A key file that says nothing of the API has the server's names and endpoints.
    let own = "acme_rk_live_FAKE-nightly-0001";
    let digest = keyward::digest::KeyDigest::of(own.as_bytes()).to_string();
    let body = json!({
        "as": "jobs", "files": {"jobs.toml": FILE.replace("SHA256", &digest)},
        "override_policy": true, "reason": "the nightly job",
    });
    let plan = world.api("POST", "/v2/keyward/key_file/plan", Some(body));
    assert_eq!(plan.status, 200, "{}", plan.text());
    let plan = plan.json();
    let order = json!({"plan": plan["plan"], "confirm": 2});
    let applied = world.api("POST", "/v2/keyward/key_file/apply", Some(order));
    assert_eq!(applied.status, 200, "{}", applied.text());
    works(&world, own, "POST");

    // The same on the server's machine, from a folder.
    let keys = folder.path().join("keys.d");
    fs::create_dir(&keys).unwrap();
    let text = FILE.replace("SHA256", &"5".repeat(64));
    let text = text.replace("_nightly", "_weekly");
    fs::write(keys.join("weekly.toml"), &text).unwrap();
    let apply = |more: &[&str]| {
        let mut program = command();
        program.args(["apply", "--as", "weekly", "--data"]);
        let done = program.arg(world.data()).args(more).arg(&keys).output();
        let done = done.unwrap();
        let said = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(said).unwrap())
    };
    let added = "add account acct_weekly\nadd api key mk_weekly\n2 changes; 0 records are as the file has them\n";
    assert_eq!(apply(&["--dry-run"]), (Some(1), added.to_owned()));
    let made = format!("{added}2 changes were made\n");
    assert_eq!(apply(&[]), (Some(0), made));
    let nothing = "0 changes; 2 records are as the file has them\n".to_owned();
    assert_eq!(apply(&["--dry-run"]), (Some(0), nothing));
    // The file learns of an end, though only the server knows its permissions.
    let path = "/v2/keyward/api_keys/mk_weekly";
    assert_eq!(world.api("DELETE", path, None).status, 200);
    let (code, said) = apply(&["--dry-run", "--adopt-ends"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("would be written into the file: mk_weekly, status = \"deleted\"\n"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(keys.join("weekly.toml")).unwrap(), text);
    assert_eq!(apply(&["--adopt-ends"]).0, Some(0));
    let adopted = fs::read_to_string(keys.join("weekly.toml")).unwrap();
    assert!(adopted.contains("status = \"deleted\""), "{adopted}");
    assert!(!adopted.contains("endpoints"), "{adopted}");
    let (code, said) = apply(&["--dry-run"]);
    assert!(code == Some(0) && !said.contains("stays ended"), "{said}");
    fs::write(keys.join("weekly.toml"), "nonsense").unwrap();
    assert_eq!(apply(&[]).0, Some(4));

    world.restart();
    let (_, another) = world.key("acct_widgets", &["widget_write"]);
    works(&world, &another, "POST");
    world.assert_nowhere(&[&value, &another, &world.first]);
}
