//! `keyward push --watch` beside a real Envoy that denies everybody once its snapshot is a few seconds old.

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant};

use super::*;

/// A running watcher. It is stopped as a service manager does, and must say that it was.
pub struct Watcher {
    child: Child,
    log: PathBuf,
}

impl Watcher {
    fn start(desk: &Desk, keys: &str, ecds: &Path) -> Self {
        Self::start_with(desk, keys, ecds, &["--allow-removals"])
    }

    pub fn start_with(desk: &Desk, keys: &str, ecds: &Path, more: &[&str]) -> Self {
        let log = desk.path("watch.log");
        let out = File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args([
                "push",
                "--watch",
                "--keys",
                keys,
                "--ecds",
                ecds.to_str().unwrap(),
            ])
            .args(more)
            .env_remove("KEYWARD_KEYS")
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    #[track_caller]
    pub fn says(&self, what: &str) {
        eventually(&format!("the watcher says `{what}`"), BOUND, || {
            self.said().contains(what).then_some(())
        });
    }

    #[track_caller]
    fn stop(self, signal: &str) {
        let said = self.stop_with(signal, 0);
        assert!(said.ends_with("stopped; what was pushed last stays where it is\n"));
    }

    /// Ends it, and returns what it said.
    #[track_caller]
    pub fn stop_with(mut self, signal: &str, code: i32) -> String {
        let id = self.child.id().to_string();
        let sent = Command::new("/bin/kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
        let status = eventually("the watcher ends", BOUND, || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code), "{}", self.said());
        self.said()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds for this long that the key passes.
#[track_caller]
fn passes_for(envoy: &Envoy, key: &str, time: Duration, watcher: &Watcher) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert_eq!(
            status(envoy, key),
            200,
            "{}\n{}",
            watcher.said(),
            envoy.logs()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_follows_the_keys_survives_a_broken_file_and_lets_nothing_grow_old() {
    let envoy = Envoy::builder().concurrency(2).start();
    let desk = Desk::new();
    let settings = "max_snapshot_age = 6";
    let keys = desk.keys(settings, &[ALICE]);
    let ecds = envoy.ecds_file();
    let watcher = Watcher::start(&desk, &keys, &ecds);
    let passes = |key: &'static str| {
        eventually(&format!("`{key}` passes"), BOUND, || {
            (status(&envoy, key) == 200).then_some(())
        });
    };
    passes(ALICE);
    // Longer than a snapshot may live, and nobody touches the file.
    passes_for(&envoy, ALICE, Duration::from_secs(8), &watcher);
    assert!(
        watcher.said().matches("pushed revision").count() >= 3,
        "{}",
        watcher.said()
    );

    desk.keys(settings, &[BOB]);
    passes(BOB);
    assert_eq!(status(&envoy, ALICE), 401);

    // A slip of the pen: the last good one goes on, and is issued anew.
    fs::write(
        &keys,
        key_file(settings, &[CAROL]).replace("acct_1", "acct 1"),
    )
    .unwrap();
    watcher.says("not pushed: ");
    passes_for(&envoy, BOB, Duration::from_secs(8), &watcher);
    fs::remove_file(&keys).unwrap();
    watcher.says("there is no key file");
    passes_for(&envoy, BOB, Duration::from_secs(1), &watcher);
    desk.keys(settings, &[CAROL]);
    passes(CAROL);
    assert_eq!(status(&envoy, BOB), 401);
    watcher.stop("-TERM");
}

#[test]
fn one_that_starts_beside_a_broken_file_goes_on_with_what_the_target_holds() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let keys = desk.keys("max_snapshot_age = 2", &[ALICE]);
    let said = keyward(&["push", "--keys", &keys, "--ecds", ecds.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let first = carried(&ecds);
    fs::write(&keys, "format = ").unwrap();
    let watcher = Watcher::start(&desk, &keys, &ecds);
    watcher.says("not pushed: ");
    watcher.says("pushed revision");
    let again = carried(&ecds);
    assert_eq!(again["snapshot"]["keys"], first["snapshot"]["keys"]);
    let number = |value: &Value, name: &str| value["snapshot"][name].as_u64().unwrap();
    assert!(number(&again, "revision") > number(&first, "revision"));
    assert!(number(&again, "issued_at") > number(&first, "issued_at"));
    watcher.stop("-INT");
}

#[test]
fn a_folder_of_key_files_is_followed_too() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let folder = desk.path("keys.d");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.toml"), key_file("", &[ALICE])).unwrap();
    let watcher = Watcher::start(&desk, folder.to_str().unwrap(), &ecds);
    watcher.says("with 1 keys");
    let more = key_file("", &[BOB])
        .replace("mk_0", "mk_b")
        .replace("[configuration]\n", "")
        .replace("[[accounts]]\nid = \"acct_1\"\n", "");
    fs::write(folder.join("b.toml"), more).unwrap();
    watcher.says("with 2 keys");
    fs::remove_file(folder.join("b.toml")).unwrap();
    eventually("one key is left", BOUND, || {
        let keys = carried(&ecds)["snapshot"]["keys"].as_array().unwrap().len();
        (keys == 1).then_some(())
    });
    watcher.stop("-TERM");
}
