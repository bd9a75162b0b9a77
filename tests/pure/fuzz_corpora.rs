//! Runs the fuzz targets on the stable toolchain, with the same bodies as libFuzzer. The committed
//! corpora are replayed, and changed at random in a fixed sequence.
//!
//! `KEYWARD_FUZZ_CHANGES` multiplies the number of changes. `KEYWARD_BLESS` puts packed forms of
//! the cases' snapshots into their corpus, because they cannot be written by hand.

use std::fs;
use std::path::PathBuf;

use keyward::profile::Profile;
use keyward::snapshot::packed::Packed;
use keyward_fuzz_targets as targets;
use regex::bytes::Regex;
use serde_json::Value;

use crate::support::cases::corpus;
use crate::support::find::root;

/// Returns the number of changes for each target. Targets that compare whole decisions take longer.
fn changes(target: &str) -> usize {
    let factor = std::env::var("KEYWARD_FUZZ_CHANGES").map_or(1, |text| text.parse().unwrap());
    factor
        * match target {
            "decide" => 40,
            "endpoint" => 150,
            "feed_head" => 2_000,
            "feed_answers" | "feed_delta" => 600,
            "configuration" | "key_file" | "snapshot_json" | "snapshot_packed" => 600,
            _ => 10_000,
        }
}

fn folder(target: &str) -> PathBuf {
    let root = root().to_path_buf();
    root.join("fuzz/corpus").join(target)
}

/// Returns the inputs of a committed corpus in a fixed order.
fn corpus_of(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[track_caller]
fn replay(target: &str) {
    let (_, run) = targets::ALL
        .iter()
        .find(|(name, _)| *name == target)
        .unwrap();
    let corpus = corpus_of(target);
    assert!(corpus.len() >= 20, "{target}: {} inputs", corpus.len());
    for input in &corpus {
        told_on_failure(target, input, || run(input));
    }
    let mut dice = Dice(0x6b65_7977_6172_6421);
    for _ in 0..changes(target) {
        let mut input = corpus[dice.below(corpus.len())].clone();
        for _ in 0..=dice.below(4) {
            change(&mut dice, &mut input, &corpus);
        }
        told_on_failure(target, &input, || run(&input));
    }
}

/// Prints the input if the target fails.
fn told_on_failure(target: &str, input: &[u8], run: impl Fn() + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(run) {
        eprintln!("{target} fails for b\"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn change(dice: &mut Dice, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    if input.is_empty() {
        return input.push(dice.byte());
    }
    let at = dice.below(input.len());
    match dice.below(6) {
        0 => input[at] = dice.byte(),
        1 => input[at] ^= 1 << dice.below(8),
        2 => input.insert(at, dice.byte()),
        3 => drop(input.drain(at..(at + 1 + dice.below(8)).min(input.len()))),
        4 => input.truncate(at),
        _ => {
            let other = &corpus[dice.below(corpus.len())];
            let from = dice.below(other.len() + 1);
            let until = (from + dice.below(64)).min(other.len());
            input.splice(at..at, other[from..until].iter().copied());
        }
    }
}

/// SplitMix64: the same sequence in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % count as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

#[test]
fn access_log() {
    replay("access_log");
}

#[test]
fn configuration() {
    replay("configuration");
}

#[test]
fn context_path() {
    replay("context_path");
}

#[test]
fn credential() {
    replay("credential");
}

#[test]
fn decide() {
    replay("decide");
}

#[test]
fn endpoint() {
    replay("endpoint");
}

#[test]
fn feed_answers() {
    replay("feed_answers");
}

#[test]
fn feed_delta() {
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        write_deltas();
    }
    replay("feed_delta");
}

#[test]
fn feed_head() {
    replay("feed_head");
}

#[test]
fn hooks() {
    replay("hooks");
}

#[test]
fn key_file() {
    replay("key_file");
}

#[test]
fn server_body() {
    replay("server_body");
}

#[test]
fn server_forwarded() {
    replay("server_forwarded");
}

#[test]
fn server_page() {
    replay("server_page");
}

#[test]
fn server_principal() {
    replay("server_principal");
}

#[test]
fn snapshot_json() {
    replay("snapshot_json");
}

#[test]
fn snapshot_packed() {
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        pack_the_cases();
    }
    replay("snapshot_packed");
}

#[test]
fn version() {
    replay("version");
}

/// Writes each as a file, without what the target itself prepends.
fn pack_the_cases() {
    fs::create_dir_all(folder("snapshot_packed")).unwrap();
    for file in corpus::load() {
        let configuration: Value = serde_json::from_str(&file.configuration(0)).unwrap();
        let json = configuration["snapshot"].to_string();
        let Ok(packed) = Packed::from_json(json.as_bytes(), &Profile::stripe()) else {
            continue;
        };
        let bytes = packed.chunks().unwrap().concat();
        if bytes.len() <= 1024 {
            let path = folder("snapshot_packed").join(format!("case-{}", file.name));
            fs::write(path, &bytes[20..]).unwrap();
        }
    }
}

/// Writes a delta for each kind of change, without what the target itself prepends.
fn write_deltas() {
    use keyward::snapshot::delta::{Delta, Touched};
    use keyward::snapshot::packed::Trust;
    use serde_json::json;

    let key = |number: u32, owner: &str, grants: Value| {
        json!({"id": format!("mk_{number}"), "sha256": format!("{:02x}", number * 37).repeat(32), "kind": "restricted",
               "livemode": true, "owner": owner, "grants": grants})
    };
    let start = json!({
        "format": "keyward.snapshot/v1", "revision": 10, "issued_at": 1_796_000_000_u64, "catalogue": "none",
        "endpoints": [{"method": "GET", "path": "/a", "permission": "alpha"}, {"method": "GET", "path": "/b", "permission": "beta"}],
        "accounts": [{"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}, {"id": "acct_2", "parent": "acct_1"}, {"id": "acct_3"}],
        "grant_sets": {"readers": {"alpha": "read"}, "writers": {"beta": "write"}},
        "keys": [key(1, "acct_1", json!("readers")), key(2, "acct_2", json!({"beta": "read"})), key(3, "acct_3", json!("writers"))],
    });
    let changes: [(&str, Value); 20] = [
        ("/keys/0/status", json!("deleted")),
        ("/keys/1/livemode", json!(false)),
        (
            "/keys/1/allowed_ips",
            json!(["10.0.0.0/8", "2001:db8::/32"]),
        ),
        ("/keys/1/expires_at", json!(1_800_000_000)),
        ("/keys/1/not_before", json!(1_700_000_000)),
        ("/keys/2/annotations", json!({"user_id": "u-7"})),
        ("/keys/2/grants", json!({"alpha": "read", "beta": "write"})),
        ("/keys/2/connect_grants", json!("readers")),
        ("/keys/0/owner", json!("acct_3")),
        ("/keys/0/id", json!("an-id-of-another-form")),
        ("/keys/0/enforcement", json!("shadow")),
        (
            "/keys",
            json!([
                key(1, "acct_1", json!("readers")),
                key(3, "acct_3", json!("writers"))
            ]),
        ),
        (
            "/keys",
            json!([
                key(4, "acct_1", json!("readers")),
                key(5, "acct_3", json!({}))
            ]),
        ),
        ("/accounts/1/status", json!("suspended")),
        ("/accounts/2/parent", json!("org_1")),
        ("/accounts/3/children", json!("any")),
        ("/grant_sets/readers", json!({"beta": "write"})),
        ("/grant_sets/more", json!({"alpha": "write"})),
        (
            "/endpoints",
            json!([{"method": "GET", "path": "/b", "permission": "beta"}, {"method": "GET", "path": "/a", "permission": "alpha"}]),
        ),
        ("/api_versions", json!(["2026-10-28.endive"])),
    ];
    fs::create_dir_all(folder("feed_delta")).unwrap();
    let packed = |state: &Value| {
        Packed::from_json(state.to_string().as_bytes(), &Profile::stripe()).unwrap()
    };
    let snapshot = |state: &Value| {
        packed(state)
            .snapshot(&Profile::stripe(), Trust::Nothing)
            .unwrap()
    };
    for (number, (place, value)) in changes.into_iter().enumerate() {
        let mut after = start.clone();
        after["revision"] = json!(11);
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = after.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            _ => parent[name] = value,
        }
        let touched = Touched::between(&snapshot(&start), &snapshot(&after));
        let bytes = Delta::write(&packed(&after), &touched, snapshot(&start).revision()).unwrap();
        let path = folder("feed_delta").join(format!("change-{number:02}"));
        fs::write(path, &bytes[12..]).unwrap();
    }
}

#[test]
fn every_target_has_a_corpus_a_dictionary_and_a_test_here() {
    let root = root().to_path_buf();
    let tests = fs::read_to_string(root.join("tests/pure/fuzz_corpora.rs")).unwrap();
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
    for (target, _) in targets::ALL {
        assert!(
            root.join(format!("fuzz/dictionaries/{target}.dict"))
                .is_file()
        );
        assert!(
            root.join(format!("fuzz/fuzz_targets/{target}.rs"))
                .is_file()
        );
        assert!(tests.contains(&format!("replay(\"{target}\")")), "{target}");
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
    let listed = fs::read_dir(root.join("fuzz/fuzz_targets")).unwrap();
    assert_eq!(listed.count(), targets::ALL.len());
}

#[test]
fn no_committed_input_looks_like_a_key_in_use() {
    let live = Regex::new(r"(?-u)(?:[prs]k_(?:test|live)|sk_org(?:_test|_live)?)_[0-9A-Za-z]{10}");
    let live = live.unwrap();
    let mut size = 0;
    for (target, _) in targets::ALL {
        for input in corpus_of(target) {
            assert!(!live.is_match(&input), "{target}: {}", input.escape_ascii());
            size += input.len();
        }
    }
    assert!(size <= 300_000, "{size} bytes");
}
