//! `keyward snapshot`: from the key file to JSON, and its messages.

use std::fs;

use keyward::configuration::Configuration;
use serde_json::Value;

use super::{Folder, read};

/// Returns a folder with an account and its four keys.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(&format!("snapshot-{name}"));
    folder.good(&["accounts", "add", "acct_1", "--name", "Widgets"]);
    folder
}

fn out_of(folder: &Folder, code: i32, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_built_is_what_a_gateway_takes() {
    let folder = folder("build");
    let bare: Value = serde_json::from_str(&folder.good(&["snapshot", "build"])).unwrap();
    assert_eq!(bare["keys"].as_array().unwrap().len(), 4);
    assert!(bare["revision"].as_u64().unwrap() > 1_700_000_000);
    let file = [
        "snapshot",
        "build",
        "--configuration",
        "--after",
        "99999999999",
        "-o",
        "out.json",
    ];
    assert_eq!(folder.good(&file), "");
    let json = fs::read(folder.path.join("out.json")).unwrap();
    let configuration = Configuration::from_json(&json).unwrap();
    let snapshot = configuration.snapshot().unwrap();
    assert_eq!(
        (snapshot.revision().number(), snapshot.key_count()),
        (100_000_000_000, 4)
    );
    assert_eq!(
        folder.good(&["snapshot", "diff", "out.json", "keyward.toml"]),
        "no difference\n"
    );
}

#[test]
fn a_file_without_keys_is_built_only_on_request() {
    let folder = Folder::new("snapshot-empty");
    let said = folder.refused(&["snapshot", "build"]);
    assert!(
        said.contains("or say --allow-empty if that is meant"),
        "{said}"
    );
    let bare: Value =
        serde_json::from_str(&folder.good(&["snapshot", "build", "--allow-empty"])).unwrap();
    assert_eq!(bare["empty"], true);
}

#[test]
fn every_problem_is_named_with_its_place_at_once() {
    let folder = folder("problems");
    let mut json: Value = serde_json::from_str(&folder.good(&["snapshot", "build"])).unwrap();
    json["keys"][0]["owner"] = "acct_9".into();
    json["keys"][2]["sha256"] = "hunter2".into();
    json["keys"][3]["allowed_ips"] = serde_json::json!(["203.0.113.7/8"]);
    json["grant_sets"] = serde_json::json!({"good": {}, "bad": {"hunter2": "read"}});
    json["api_versions"] = serde_json::json!(["hunter2"]);
    fs::write(folder.path.join("bad.json"), json.to_string()).unwrap();
    let said = folder.refused(&["snapshot", "check", "bad.json"]);
    assert_eq!(
        said,
        "keyward: `bad.json` is refused: api_versions[0]: expected a version such as `2026-10-28.endive`\n\
         grant_sets.bad.*: expected the name of a known permission\n\
         keys[0].owner: expected the id of a listed account\n\
         keys[2].sha256: expected 64 hexadecimal digits\n\
         keys[3].allowed_ips[0]: expected an address or CIDR range\n"
    );
    fs::write(
        folder.path.join("twice.json"),
        r#"{"serve_mode": "any", "serve_mode": "live"}"#,
    )
    .unwrap();
    let said = folder.refused(&["snapshot", "check", "twice.json"]);
    assert!(said.contains("duplicate member"), "{said}");
}

#[test]
fn risky_keys_are_found_and_change_the_exit_code() {
    let folder = folder("risks");
    let text = out_of(&folder, 1, &["snapshot", "check"]);
    let file = read(&folder.text());
    let live = file
        .keys()
        .find(|key| key.mode.is_live() && key.value.is_none())
        .unwrap();
    let warnings: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        warnings,
        [format!(
            "warning: snapshot.keys[3]: `{}` is a live secret key with every permission, works from every address and never expires",
            live.id
        )]
    );
    let json: Value = serde_json::from_str(&out_of(
        &folder,
        1,
        &["snapshot", "check", "--json", "--max-key-age", "0s"],
    ))
    .unwrap();
    assert_eq!(json["findings"][0]["level"], "warning");
    assert_eq!(json["keys"], 4);
}

#[test]
fn a_difference_is_told_in_words_with_names() {
    let folder = folder("diff");
    fs::copy(folder.file(), folder.path.join("before.toml")).unwrap();
    folder.good(&["accounts", "suspend", "acct_1"]);
    let arguments = ["snapshot", "diff", "before.toml", "keyward.toml"];
    assert_eq!(
        out_of(&folder, 1, &arguments),
        "- account acct_1 (Widgets) is suspended\n"
    );
    let json: Value =
        serde_json::from_str(&out_of(&folder, 1, &[&arguments[..], &["--json"]].concat())).unwrap();
    assert_eq!(json["differences"][0]["passes"], "less");
}

#[test]
fn show_counts_keys_and_names_the_next_to_expire() {
    let folder = folder("show");
    let text = folder.text().replacen(
        "kind = \"secret\"",
        "expires = 2100-01-01T00:00:00Z\nkind = \"secret\"",
        1,
    );
    fs::write(folder.file(), text).unwrap();
    let shown = folder.good(&["snapshot", "show"]);
    assert!(
        shown.contains("1 accounts (0 suspended), 0 grant sets, 0 custom endpoints"),
        "{shown}"
    );
    assert!(
        shown.contains("live  publishable  1        0        0        0"),
        "{shown}"
    );
    assert!(shown.contains("2100-01-01T00:00:00Z  mk_"), "{shown}");
    assert!(shown.contains("Secret key"), "{shown}");
    let json: Value = serde_json::from_str(&folder.good(&["snapshot", "show", "--json"])).unwrap();
    assert_eq!(json["keys"].as_array().unwrap().len(), 4);
    assert_eq!(json["next_expiries"][0]["expires"], "2100-01-01T00:00:00Z");
}
