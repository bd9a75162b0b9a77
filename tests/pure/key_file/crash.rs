//! `kill -9` at random moments of a writing process. Afterwards the file is the old one or the new
//! one, and the journal records only what happened.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::Stdio;
use std::time::{Duration, Instant};

use keyward::management::{Account, AccountSettings, RecordChange};
use serde_json::Value;

use super::{Folder, read};
const MOMENTS: usize = 200;

/// An upper bound of the time that a writer needs, with four syncs.
const WRITING: Duration = Duration::from_millis(4);

/// What the killed writers had done.
#[derive(Debug, Default)]
struct Found {
    nothing_begun: usize,
    begun_only: usize,
    replaced_only: usize,
    done: usize,
}

impl Found {
    /// Returns the number of kills between the journal's first line and its last.
    fn within(&self) -> usize {
        self.begun_only + self.replaced_only
    }
}

fn state<'a>(journal: &'a [Value], account: &str) -> Vec<&'a str> {
    let begun = journal
        .iter()
        .find(|line| line["changes"][0]["account"] == account);
    let id = begun.map(|line| &line["change"]);
    journal
        .iter()
        .filter(|line| Some(&line["change"]) == id)
        .map(|line| line["state"].as_str().unwrap())
        .collect()
}

fn journal_len(folder: &Folder) -> u64 {
    let path = folder.path.join("keyward.toml.journal");
    fs::metadata(path).map_or(0, |found| found.len())
}

/// Returns a number from 0 to 1.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let folder = Folder::new("crash");
    let mut usual = Duration::MAX;
    for number in 0..5 {
        let start = Instant::now();
        folder.good(&[
            "accounts",
            "add",
            &format!("acct_warm{number}"),
            "--no-keys",
        ]);
        usual = usual.min(start.elapsed());
    }
    let mut found = Found::default();
    let mut moments = 0;
    // The disk decides how often a kill hits the write itself, so the test repeats until one did.
    while moments < MOMENTS || (found.within() < 5 && moments < 10 * MOMENTS) {
        let number = moments;
        moments += 1;
        let id = format!("acct_{number}");
        let before = folder.text();
        let mut after = read(&before);
        let add = RecordChange::AddAccount {
            account: Account::new(&id),
            settings: AccountSettings::default(),
        };
        after.apply(&[add], None).unwrap();
        let (_, after) = after.texts().next().unwrap();
        let journal_before = journal_len(&folder);
        let mut writer = folder
            .command(&["accounts", "add", &id, "--no-keys"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if number % 2 == 0 {
            // At any moment of the process's life.
            std::thread::sleep(usual.mul_f64(2.0 * random()));
        } else {
            // At any moment of the write, which is short: after its first line in the journal. This
            // checks only the length, because reading a journal with so many changes takes longer
            // than writing.
            while journal_len(&folder) == journal_before && writer.try_wait().unwrap().is_none() {}
            // Earlier rather than later, because the disk decides how fast the process writes.
            let until = Instant::now() + WRITING.mul_f64(random() * random());
            while Instant::now() < until {}
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let text = folder.text();
        assert!(text == before || text == after, "moment {number}:\n{text}");
        read(&text);
        let is_new = text == after;
        match (is_new, state(&folder.journal(), &id).as_slice()) {
            (false, []) => found.nothing_begun += 1,
            (false, ["begun"]) => found.begun_only += 1,
            (true, ["begun"]) => found.replaced_only += 1,
            (true, ["begun", "done"]) => found.done += 1,
            (is_new, states) => panic!("moment {number}: new {is_new}, journal {states:?}"),
        }
    }
    eprintln!("{moments} kills of a writer that takes {usual:?}: {found:?}");
    assert!(found.done >= 5 && found.nothing_begun >= 5, "{found:?}");
    assert!(found.within() >= 5, "{found:?}");
    // The next writer closes the open entry of the journal, and removes files that were left next
    // to the key file.
    folder.good(&["accounts", "add", "acct_last", "--no-keys"]);
    let (journal, file) = (folder.journal(), read(&folder.text()));
    for number in 0..moments {
        let id = format!("acct_{number}");
        match (file.account(&id).is_some(), state(&journal, &id).as_slice()) {
            (true, ["begun", "done"]) | (false, [] | ["begun", "undone"]) => {}
            (is_there, states) => panic!("{id}: there {is_there}, journal {states:?}"),
        }
    }
    let mut names: Vec<String> = fs::read_dir(&folder.path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["keyward.toml", "keyward.toml.journal", "keyward.toml.lock"]
    );
}

/// The states after kills at moments that are too short to hit often.
#[test]
fn what_a_crash_left_open_is_settled_by_comparing_the_file() {
    let folder = Folder::new("settled");
    let path = folder.path.join("keyward.toml.journal");
    let cut = |folder: &Folder| {
        let text = fs::read_to_string(&path).unwrap();
        let end = text.trim_end().rfind('\n').unwrap() + 1;
        fs::write(&path, &text[..end]).unwrap();
        assert_eq!(folder.journal().last().unwrap()["state"], "begun");
    };
    let states = |account| {
        let journal = folder.journal();
        state(&journal, account)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Killed between the rename and the last line.
    folder.good(&["accounts", "add", "acct_1", "--no-keys"]);
    cut(&folder);
    folder.good(&["accounts", "add", "acct_2", "--no-keys"]);
    assert_eq!(states("acct_1"), ["begun", "done"]);
    // Killed before the rename, in the middle of a journal line, with a temporary file next to the
    // key file.
    let before = folder.text();
    folder.good(&["accounts", "add", "acct_3", "--no-keys"]);
    cut(&folder);
    fs::write(folder.file(), &before).unwrap();
    let left = folder.path.join(".keyward.toml.0123456789abcdEF.new");
    fs::write(&left, "format = \"keyw").unwrap();
    let mut torn = fs::read_to_string(&path).unwrap();
    torn.push_str("{\"change\":\"x");
    fs::write(&path, torn).unwrap();
    folder.good(&["accounts", "add", "acct_4", "--no-keys"]);
    assert_eq!(states("acct_3"), ["begun", "undone"]);
    assert_eq!(states("acct_4"), ["begun", "done"]);
    assert!(!left.exists());
    // Killed, and then edited by hand: the outcome is unknown.
    folder.good(&["accounts", "add", "acct_5", "--no-keys"]);
    cut(&folder);
    fs::write(folder.file(), format!("{before}# by hand\n")).unwrap();
    folder.good(&["accounts", "add", "acct_6", "--no-keys"]);
    assert_eq!(states("acct_5"), ["begun", "unknown"]);
}
