//! Runs `docs/your-own-api.md` exactly as written: from nothing to a denied request whose reply
//! shows no trace of Stripe.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::command::program;
use crate::support::process::Folder;
use crate::support::{Envoy, find};

/// Returns the fenced blocks in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let parts = page.split("```").skip(1).step_by(2);
    let of = |part: &str| {
        part.strip_prefix(language)?
            .strip_prefix('\n')
            .map(str::to_owned)
    };
    parts.filter_map(of).collect()
}

/// Runs a script as a person's shell would, and returns its output.
#[track_caller]
fn shell(folder: &Path, script: &str) -> String {
    let commands = program();
    let output = Command::new("/bin/bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env(
            "PATH",
            format!(
                "{}:{}",
                commands.parent().unwrap().display(),
                std::env::var("PATH").unwrap()
            ),
        )
        .env("KEYWARD", find::root())
        .env_remove("KEYWARD_KEYS")
        .env_remove("KEYWARD_ECDS")
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{script}\n{said}");
    said
}

#[test]
fn the_page_leads_from_nothing_to_a_reply_without_a_trace_of_stripe() {
    let page = fs::read_to_string(find::root().join("docs/your-own-api.md")).unwrap();
    let folder = Folder::new("own-api");
    let file = blocks(&page, "toml");
    assert_eq!(file.len(), 1);
    fs::write(folder.path().join("keyward.toml"), &file[0]).unwrap();
    let scripts = blocks(&page, "sh");
    let [make, check, push, ask] = scripts.as_slice() else {
        panic!("expected four scripts");
    };
    let before = format!("{make}\n{check}\n{push}\nprintf '%s' \"$KEY\" > key");
    let said = shell(folder.path(), &before);
    assert!(
        said.contains("good: revision") && !said.contains("warning"),
        "{said}"
    );
    assert!(said.contains("allow key="), "{said}");
    assert!(said.contains("ecds/keyward.yaml (+1 -0)"), "{said}");

    // Envoy, started in that folder, finds the file that was pushed to, and the filter.
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let bootstrap = read("bootstrap.yaml");
    assert!(
        bootstrap.contains(" path: ecds/keyward.yaml\n") && bootstrap.contains("{path: ecds}\n"),
        "{bootstrap}"
    );
    let pushed: serde_json::Value = serde_norway::from_str(&read("ecds/keyward.yaml")).unwrap();
    let pushed = &pushed["resources"][0]["typed_config"]["config"];
    let filter = &pushed["vm_config"]["code"]["local"]["filename"];
    assert_eq!(filter.as_str(), find::wasm().to_str());
    let configuration = &pushed["configuration"]["value"];
    let envoy = Envoy::builder()
        .config(configuration.as_str().unwrap())
        .start();
    let ask = ask.replace(
        "http://127.0.0.1:10000",
        &format!("http://{}", envoy.address()),
    );
    let ask = ask
        .replace("\ncurl", "\necho; echo ----; curl")
        .replace("curl -si", "curl --no-progress-meter -i");
    let said = shell(folder.path(), &format!("KEY=$(cat key)\n{ask}"));
    let answers: Vec<&str> = said.split("\n----\n").collect();
    let statuses: Vec<&str> = answers
        .iter()
        .map(|answer| answer.trim_start().get(9..12).unwrap())
        .collect();
    assert_eq!(statuses, ["200", "403", "401", "401"], "{said}");
    for denied in &answers[1..] {
        assert!(!denied.to_lowercase().contains("stripe"), "{denied}");
        assert!(
            denied.contains("acme-should-retry: ") && denied.contains("request-id: acme_"),
            "{denied}"
        );
    }
    // As the page shows it.
    let shown = &blocks(&page, "text")[0];
    let message = shown
        .lines()
        .find(|line| line.contains("\"message\""))
        .unwrap();
    assert!(
        answers[2].contains(message.trim().trim_end_matches(',')),
        "{}",
        answers[2]
    );
    assert!(
        answers[2].contains("www-authenticate: Bearer realm=\"Acme\""),
        "{}",
        answers[2]
    );
}

/// What the page promises about `check`.
#[test]
fn a_reply_that_would_name_stripe_is_warned_of() {
    let page = fs::read_to_string(find::root().join("docs/your-own-api.md")).unwrap();
    let folder = Folder::new("own-api-check");
    let file = blocks(&page, "toml")
        .remove(0)
        .replace("preset = \"plain\"", "preset = \"stripe\"");
    fs::write(folder.path().join("keyward.toml"), file).unwrap();
    let said = shell(
        folder.path(),
        "keyward accounts add acct_1 --no-keys\nkeyward keys create --owner acct_1 --grant widget=read >created\nkeyward snapshot check || test $? -eq 1",
    );
    assert!(said.contains("warning: configuration.profile: `catalogue = \"none\"` is for a custom API, but its replies name Stripe by `links.authentication`"), "{said}");
}
