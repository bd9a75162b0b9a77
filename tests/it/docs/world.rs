//! What the pages assume: a key file with some keys, access logs, a served snapshot, a leaked text,
//! and a running Envoy.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::UNIX_EPOCH;

use crate::support::command::program;
use crate::support::process::Folder;
use crate::support::{BOUND, Envoy, eventually, find};

/// Makes the files. `mk_1` is used. `mk_2` is for commands that end a key.
const PREPARE: &str = "
keyward init
keyward accounts add org_1 --name 'Widgets Group' --no-keys
keyward accounts add acct_1 --name 'Widgets Ltd' --parent org_1 --no-keys
import() { printf %s \"$1\" | keyward keys import --allow-short --owner acct_1 --id \"$2\" --grant customer=read \"${@:3}\"; }
for number in 1 2 3 4 5 6 7 8 9; do import rk_test_FAKE-page-000$number mk_$number; done
import rk_live_FAKE-page-0001 mk_new --enforcement shadow --expires 80d
git init -q . && git config user.name test && git config user.email test@example.com
git add keyward.toml && git commit -qm first
import rk_test_FAKE-page-0010 mk_10
git commit -qam second
keyward snapshot build --configuration >served.json
echo 'KEY=rk_test_FAKE-page-0002' >leaked.txt
";

/// Names that pages expect their readers to replace, and their values here.
const READERS: [(&str, &str); 23] = [
    ("keys delete ID", "keys delete mk_2"),
    ("keys rotate ID", "keys rotate mk_3"),
    ("keys show ID", "keys show mk_1"),
    ("logs --key ID", "logs --key mk_1"),
    ("--owner ID", "--owner acct_1"),
    ("accounts suspend ID", "accounts suspend acct_1"),
    ("accounts resume ID", "accounts resume acct_1"),
    // The question would need a terminal.
    ("keys delete mk_1", "keys delete mk_1 --yes"),
    ("keyward doctor  ", "keyward doctor --admin $ADMIN "),
    ("--revision N", "--revision 1"),
    ("--revision 1795194529", "--revision 1"),
    ("--request-id req_…", "--request-id \"$REQUEST\""),
    ("*.gz ", "access.log.1.gz "),
    // All keys of this key file are new, and none expires soon.
    (
        "--created-before 2026-11-20T10:00:00Z",
        "--created-before 2126-11-20T10:00:00Z",
    ),
    ("/srv/feed", "$PWD/feed"),
    ("http://127.0.0.1:9901", "$ADMIN"),
    ("http://127.0.0.1:9902", "$ADMIN"),
    ("http://127.0.0.1:19000", "$ADMIN"),
    ("http://127.0.0.1:19001", "$ADMIN"),
    ("http://127.0.0.1:15000", "$ADMIN"),
    ("http://127.0.0.1:15090", "$ADMIN"),
    ("http://127.0.0.1:10000", "$GATEWAY"),
    (
        "target/wasm32-wasip1/release/keyward.wasm gateway",
        "$ROOT/target/wasm32-wasip1/release/keyward.wasm gateway",
    ),
];

/// Pages that start without a key file, and push to their own file.
const FROM_NOTHING: [&str; 3] = ["README.md", "deploy-envoy.md", "egress.md"];

pub(super) struct World {
    prepared: Folder,
    envoy: Envoy,
    request: String,
}

impl World {
    pub(super) fn start() -> Self {
        let prepared = Folder::new("docs");
        let folder = prepared.path();
        let said = bash(folder, PREPARE).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let served = fs::read_to_string(folder.join("served.json")).unwrap();
        let envoy = Envoy::builder().config(served).start();
        for key in ["rk_test_FAKE-page-0001", "rk_test_FAKE-page-0011"] {
            for path in ["/v1/customers", "/v1/balance"] {
                envoy.get(path, &[("authorization", format!("Bearer {key}"))]);
            }
        }
        let log = envoy.directory().join("access.log");
        let lines = eventually("the log has all requests", BOUND, || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            (text.lines().count() == 4).then_some(text)
        });
        let request = lines.split('"').find(|text| text.starts_with("req_"));
        let request = request.expect("a denied request has an id").to_owned();
        fs::write(folder.join("access.log"), &lines).unwrap();
        let more = bash(
            folder,
            "gzip -k access.log && mv access.log.gz access.log.1.gz",
        );
        assert!({ more }.status().unwrap().success());
        Self {
            prepared,
            envoy,
            request,
        }
    }

    /// Returns the folder where a page starts.
    pub(super) fn folder_of(&self, page: &str) -> Folder {
        let folder = Folder::new(&format!("docs-{}", page.trim_end_matches(".md")));
        let (from, to) = (self.prepared.path().display(), folder.path());
        let root = find::root();
        let copy = format!(
            "cp -a {from}/. . && cp -r {root}/envoy {root}/scripts . && mkdir -p canary ecds gateway/ecds deploy && cp -r envoy/istio/. deploy && cp -r envoy/gateway/base deploy/eg && \
             sed 's|target/wasm32-wasip1/release/keyward.wasm|keyward-0.1.0.wasm|' envoy/ecds/keyward.yaml >gateway/ecds/keyward.yaml && cp envoy/ecds/keyward.yaml ecds",
            root = root.display()
        );
        assert!(bash(to, &copy).status().unwrap().success());
        if FROM_NOTHING.contains(&page) {
            fs::remove_file(to.join("keyward.toml")).unwrap();
            return folder;
        }
        let file = to.join("envoy/ecds/keyward.yaml");
        fs::remove_file(&file).unwrap();
        // The canary's file is the one that Envoy watches, so that the command can wait for it.
        for link in [&file, &to.join("canary/keyward.yaml")] {
            symlink(self.envoy.ecds_file(), link).unwrap();
        }
        self.let_revisions_pass();
        folder
    }

    /// Waits until a new revision is higher than the target's. A revision is the time, or one more
    /// than the target's. After several pushes in one second, a new configuration would otherwise
    /// be older than the target.
    fn let_revisions_pass(&self) {
        let text = fs::read_to_string(self.envoy.ecds_file()).unwrap();
        let digits = |text: &str| {
            text.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        };
        let numbers = text
            .split("revision")
            .map(|after| after.trim_start_matches(['\\', '"', ':', ' ']));
        let highest = numbers
            .filter_map(|after| digits(after).parse::<u64>().ok())
            .max();
        let highest = highest.expect("the target has a revision");
        eventually("the time is past the target's revision", BOUND, || {
            let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
            (now > highest).then_some(())
        });
    }

    /// Runs commands. The error is their output.
    pub(super) fn run(&self, folder: &Path, commands: &str) -> Result<(), String> {
        let mut script = format!("trap 'echo \"failed: $BASH_COMMAND\"' ERR\n{commands}");
        for (reader, here) in READERS {
            script = script.replace(reader, here);
        }
        let output = bash(folder, &script)
            .env("ROOT", find::root())
            .env("ADMIN", format!("http://{}", self.envoy.admin_address()))
            .env("GATEWAY", format!("http://{}", self.envoy.address()))
            .env("REQUEST", &self.request)
            .env("KEY", "rk_test_FAKE-page-0001")
            .env("NEW", "mk_new")
            .env("STRIPE_KEY", "rk_test_FAKE-stripe-0001")
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err([output.stdout, output.stderr]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .concat()),
        }
    }
}

fn bash(folder: &Path, script: &str) -> Command {
    let keyward = program();
    let path = format!(
        "{}:{}",
        keyward.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut command = Command::new("/bin/bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .env_remove("KEYWARD_KEYS")
        .env_remove("KEYWARD_ECDS");
    command
}
