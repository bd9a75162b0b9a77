//! One change among many keys: by a command that starts from nothing, and by a watcher.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keyward_benches::{Kind, World};

use crate::{Bound, median};

/// How often each is measured; the median is reported.
const ROUNDS: usize = 5;

/// Returns the command to measure: `$KEYWARD_BIN`, or the released one.
pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os("KEYWARD_BIN").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    named.unwrap_or_else(|| root.join("target/release/keyward"))
}

/// A folder with a signing key and a feed.
pub(crate) struct Press(pub(crate) tempfile::TempDir);

impl Press {
    pub(crate) fn new() -> Self {
        let press = Self(tempfile::tempdir().unwrap());
        fs::create_dir(press.0.path().join("feed")).unwrap();
        press.good(&["feed", "key", "new", "feed.sec"]);
        press
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .current_dir(self.0.path())
            .args(arguments)
            .stdout(Stdio::null());
        command
    }

    pub(crate) fn good(&self, arguments: &[&str]) {
        let status = self.command(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    /// Writes the source of the next publication, all or nothing.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let aside = self.0.path().join("next.new");
        fs::write(&aside, bytes).unwrap();
        fs::rename(aside, self.0.path().join("next.packed")).unwrap();
    }

    pub(crate) fn head(&self) -> Vec<u8> {
        fs::read(self.0.path().join("feed/head")).unwrap_or_default()
    }

    /// Waits until the head changes.
    pub(crate) fn next_head(&self, before: &[u8]) {
        let begun = Instant::now();
        while self.head() == before {
            assert!(begun.elapsed() < Duration::from_secs(120), "no other head");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

pub(crate) const PUBLISH: [&str; 9] = [
    "publish",
    "--configuration",
    "next.packed",
    "--source",
    "file:bench",
    "--feed",
    "bench",
    "--to",
    "feed",
];

pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn measure(keys: u32) -> Vec<Bound> {
    let world = World::new(keys, Kind::Restricted);
    // A key ends, and is back.
    let states = [Some(1), None].map(|revoked| world.packed(1, revoked));
    let press = Press::new();
    press.write(&states[1]);
    press.good(&[&PUBLISH[..], &["--begin"]].concat());
    let mut alone = Vec::new();
    for round in 0..ROUNDS {
        press.write(&states[round % 2]);
        let begun = Instant::now();
        press.good(&PUBLISH);
        alone.push(begun.elapsed());
    }
    let before = press.head();
    let watcher = press
        .command(&[&PUBLISH[..], &["--watch"]].concat())
        .spawn()
        .unwrap();
    let _watcher = Killed(watcher);
    // With its first head, the watcher has read everything.
    press.next_head(&before);
    let mut watching = Vec::new();
    for round in 0..ROUNDS {
        let before = press.head();
        press.write(&states[(ROUNDS + round) % 2]);
        let begun = Instant::now();
        press.next_head(&before);
        watching.push(begun.elapsed());
    }
    let bound = |what: &str, limits, measured: Vec<Duration>| {
        let what = format!("`keyward publish` of one change among {keys} keys{what}");
        Bound::time(what, limits, median(&measured))
    };
    vec![
        bound("", [3_000, 1_000], alone),
        bound(
            ", `--watch`: from the source's rename to the head's",
            [500, 200],
            watching,
        ),
    ]
}
