//! The command on the page of a new key: what a person pastes into a terminal works. And why something was done, on the forms that ask for it.

use std::io::Write;
use std::process::{Command, Stdio};

use keyward_harness::eventually;
use serde_json::json;

use crate::browser::Browser;
use crate::world::{PROPAGATION, World};

/// Runs a command as a person does who then pastes the value, and returns the status of the answer.
fn tried(world: &World, command: &str, value: &str) -> String {
    let to = format!("api.test:80:127.0.0.1:{}", world.gateway.port());
    let whole = format!("{command} -sS -o /dev/null -w '%{{http_code}}' --connect-to {to}");
    let mut shell = Command::new("bash")
        .args(["-c", &whole])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pasted = shell.stdin.take().unwrap();
    writeln!(pasted, "{value}").unwrap();
    drop(pasted);
    let done = shell.wait_with_output().unwrap();
    String::from_utf8(done.stdout).unwrap()
}

/// The command of a page.
fn command(page: &str) -> String {
    let (_, after) = page.split_once("data-text>").unwrap();
    let (text, _) = after.split_once("</code>").unwrap();
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn the_command_of_a_new_key_works_and_reasons_are_kept() {
    let world = World::start_with(|data| {
        let file = data.join("keyward-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("api_url = \"http://api.test\"\n{text}")).unwrap();
    });
    world.account("acct_widgets");
    let console = Browser::signed_in(&world, "admin");
    let form = console.get("/console/keys/new");
    let fields = [
        ("name", "To try"),
        ("account", "acct_widgets"),
        ("mode", "test"),
        ("p.charge", "write"),
        ("ends", "90"),
        ("reason", "for the new desk"),
    ];
    let page = console.send(&form, "/console/keys/new", &fields);
    assert_eq!(page.status, 200, "{}", page.text());
    let text = command(page.text());
    assert_eq!(
        text,
        "read -rs KEY && curl -u \"$KEY:\" http://api.test/v1/charges"
    );
    let value = crate::browser::field(page.text(), "id=\"value\"", "value").to_owned();
    let (_, after) = page.text().split_once("action=\"/console/keys/").unwrap();
    let id = after.split('/').next().unwrap().to_owned();
    eventually("the command works", PROPAGATION, || {
        (tried(&world, &text, &value) == "200").then_some(())
    });
    assert_eq!(
        tried(&world, &text, &value.replace("rk_test_", "rk_test_x")),
        "401"
    );

    // A key that may read nothing has no command.
    let (nothing, _) = world.key("acct_widgets", &[]);
    let rotate = format!("/console/keys/{nothing}/rotate");
    let form = console.get(&rotate);
    let without = console.send(&form, &rotate, &[("overlap", "0")]);
    assert_eq!(without.status, 200, "{}", without.text());
    assert!(!without.text().contains("Try it"));

    // And why: of a rotation, of an end, of a duplicate.
    let at = |page: &str| format!("/console/keys/{id}/{page}");
    let form = console.get(&at("duplicate"));
    let fields = [
        ("name", "Copy"),
        ("mode", "test"),
        ("ends", "90"),
        ("reason", "a second desk"),
    ];
    let copied = console.send(&form, &at("duplicate"), &fields);
    assert_eq!(copied.status, 200, "{}", copied.text());
    let form = console.get(&at("rotate"));
    let fields = [
        ("overlap", "60"),
        ("ends", "90"),
        ("reason", "left the company"),
    ];
    let rotated = console.send(&form, &at("rotate"), &fields);
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let form = console.get(&at("expire"));
    let fields = [("ends", "now"), ("reason", "found on\na forge")];
    assert_eq!(console.send(&form, &at("expire"), &fields).status, 303);
    let activity = console.get("/console/activity");
    for reason in [
        "for the new desk",
        "a second desk",
        "left the company",
        "found on a forge",
    ] {
        assert!(
            activity.text().contains(reason),
            "{reason}: {}",
            activity.text()
        );
    }
    // A wrong reason makes no key.
    let body = json!({
        "type": "secret_key", "permissions": [],
        "keyward": {"owner": "acct_widgets", "livemode": false, "reason": "two\nlines"},
    });
    let refused = world.api("POST", "/v2/iam/api_keys", Some(body));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "keyward.reason");
}
