//! The server answers as `docs/openapi.json` describes: Schemathesis makes requests from the
//! description, sends them through Envoy, and compares every answer with it.

use std::fs;
use std::process::Command;

use keyward_harness::find::root;
use keyward_harness::process::Folder;
use serde_json::{Value, json};

use crate::world::{World, each_file};

/// Without `stateful`: that phase takes ids from answers, so it would find the key of the run and
/// end it. The test makes the objects for the other phases.
const PHASES: &str = "examples,coverage,fuzzing";

/// The maximum number of requests of each kind for one endpoint.
const EXAMPLES: &str = "20";

/// A fixed seed, so that every run sends the same requests.
const SEED: &str = "20261201";

#[test]
fn every_answer_is_as_the_description_says() {
    let Some(python) = python() else { return };
    let world = World::start();
    let values = objects(&world);
    let folder = Folder::new("schemathesis");
    let configuration = configuration(&values);
    fs::write(folder.path().join("schemathesis.toml"), &configuration).unwrap();
    let run = Command::new(python)
        .args(["-E", "-s", "-B", "-m", "schemathesis.cli", "run"])
        .arg(root().join("docs/openapi.json"))
        .args(["--url", &format!("http://{}", world.gateway)])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
        .args(["--phases", PHASES])
        .args(["--max-examples", EXAMPLES, "--seed", SEED])
        .args(["--continue-on-failure", "--no-color", "--request-timeout", "60"])
        // The server answers requests above its rate with 429, which the description allows and
        // which proves nothing about the endpoint. Reports in other formats would contain whole
        // answers, and with them the values of new keys.
        .args(["--rate-limit", "90/s", "--report", "json"])
        .arg("--report-dir")
        .arg(folder.path().join("reports"))
        .current_dir(folder.path())
        // In the environment, so that it is in no file and on no command line.
        .env("KEYWARD_OPERATOR_KEY", &world.first)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complained = String::from_utf8_lossy(&run.stderr);
    fs::write(folder.path().join("stdout"), &run.stdout).unwrap();
    fs::write(folder.path().join("stderr"), &run.stderr).unwrap();
    no_value_is_in(&folder, &world.first);
    assert!(run.status.success(), "{said}\n{complained}");
    // A run would also pass if its key had ended, or if its requests had reached nothing.
    let alive = world.api("GET", "/v2/iam/api_keys", None);
    assert_eq!(alive.status, 200, "{}", alive.text());
    world.assert_nowhere(&[&world.first]);
}

/// Returns the Python that has Schemathesis. If the machine has no Python, prints a line and
/// returns `None`.
fn python() -> Option<String> {
    let set_up = Command::new(root().join("scripts/packages.sh"))
        .args(["openapi", "python"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&set_up.stderr);
    if set_up.status.code() == Some(3) {
        eprintln!("{said}");
        return None;
    }
    assert!(
        set_up.status.success(),
        "scripts/packages.sh openapi python: {said}"
    );
    Some(String::from_utf8(set_up.stdout).unwrap().trim().to_owned())
}

/// Makes the objects for the requests, so that paths lead to something. Returns each with the path
/// of its endpoints.
fn objects(world: &World) -> Vec<(&'static str, &'static str, String)> {
    let made = |path: &str, body: Value| {
        let made = world.api("POST", path, Some(body));
        assert_eq!(made.status, 200, "{path}: {}", made.text());
    };
    world.account("acct_described");
    made(
        "/v2/keyward/grant_sets",
        json!({"name": "described", "permissions": ["customer_read"]}),
    );
    made("/v2/keyward/key_policies", json!({"name": "described"}));
    let (key, _) = world.key("acct_described", &["customer_read"]);
    let logs = world.api("GET", "/v2/iam/activity_logs", None).json();
    let log = logs["data"][0]["id"].as_str().unwrap().to_owned();
    vec![
        ("^/v2/(iam|keyward)/api_keys/[{]id[}]", "id", key),
        (
            "^/v2/keyward/accounts/[{]id[}]",
            "id",
            "acct_described".to_owned(),
        ),
        (
            "^/v2/keyward/grant_sets/[{]name[}]",
            "name",
            "described".to_owned(),
        ),
        (
            "^/v2/keyward/key_policies/[{]name[}]",
            "name",
            "described".to_owned(),
        ),
        ("^/v2/iam/activity_logs/[{]id[}]", "id", log),
        ("^/v2/keyward/changes/", "number", "1".to_owned()),
    ]
}

/// Returns the settings of Schemathesis that have no argument.
fn configuration(values: &[(&'static str, &'static str, String)]) -> String {
    let mut text = String::from(
        "headers = { Authorization = \"Bearer ${KEYWARD_OPERATOR_KEY}\" }\n\n[generation]\ndatabase = \"none\"\n",
    );
    for (paths, parameter, value) in values {
        text.push_str(&format!(
            "\n[[operations]]\ninclude-path-regex = '{paths}'\nparameters = {{ \"path.{parameter}\" = \"{value}\" }}\n"
        ));
    }
    text
}

/// Searches everything that the run wrote for its own key, and for anything in the form of a secret
/// value.
fn no_value_is_in(folder: &Folder, own: &str) {
    let mut files = 0;
    each_file(folder.path(), &mut |path, bytes| {
        files += 1;
        let text = String::from_utf8_lossy(bytes);
        assert!(
            !text.contains(own),
            "{} holds the key of the run",
            path.display()
        );
        for prefix in ["sk_", "rk_"]
            .iter()
            .flat_map(|kind| ["live_", "test_"].map(|mode| format!("{kind}{mode}")))
        {
            for rest in text.split(prefix.as_str()).skip(1) {
                let random = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
                assert!(random < 20, "{} holds a secret value", path.display());
            }
        }
    });
    assert!(files >= 4, "only {files} files were looked at");
}
