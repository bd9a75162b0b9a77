//! Several writers at the same time, and an editor that knows no lock.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Folder, read};

#[test]
fn writers_at_the_same_time_all_get_their_turn() {
    let folder = Folder::new("turns");
    let ids: Vec<String> = (0..12).map(|number| format!("acct_{number}")).collect();
    let writers: Vec<_> = ids
        .iter()
        .map(|id| {
            folder
                .command(&["accounts", "add", id, "--no-keys"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let file = read(&folder.text());
    assert!(ids.iter().all(|id| file.account(id).is_some()));
    let journal = folder.journal();
    // `init` and twelve changes, each begun and done before the next.
    let states: Vec<_> = journal
        .iter()
        .map(|line| line["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["begun", "done"].repeat(13));
}

#[test]
fn of_two_writers_of_the_same_thing_one_wins_and_the_other_is_told() {
    let folder = Folder::new("same");
    let writers: Vec<_> = (0..2)
        .map(|_| {
            folder
                .command(&["accounts", "add", "acct_1", "--no-keys"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut told = Vec::new();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        if !output.status.success() {
            told.push(String::from_utf8(output.stderr).unwrap());
        }
    }
    assert_eq!(
        told,
        ["keyward: `acct_1` is listed already; `keyward accounts show` shows it\n"]
    );
}

#[test]
fn who_waits_in_vain_is_told_by_whom_the_file_is_held() {
    let folder = Folder::new("held");
    let lock = File::options()
        .write(true)
        .open(folder.path.join("keyward.toml.lock"))
        .unwrap();
    lock.lock().unwrap();
    fs::write(
        folder.path.join("keyward.toml.lock"),
        "process 7 (`keyward keys rotate`, bob@x)",
    )
    .unwrap();
    let before = folder.text();
    let start = Instant::now();
    let said = folder.refused(&["accounts", "add", "acct_1"]);
    assert!(start.elapsed() >= Duration::from_secs(9));
    assert_eq!(
        said,
        "keyward: the key file is being changed by process 7 (`keyward keys rotate`, bob@x), and nothing was written; run this again when that has ended\n"
    );
    assert_eq!(folder.text(), before);
    drop(lock);
    folder.good(&["accounts", "add", "acct_1"]);
}

#[test]
fn files_are_for_their_owner_alone_and_a_link_stays_a_link() {
    let folder = Folder::new("mode");
    let real = folder.path.join("real.toml");
    fs::rename(folder.file(), &real).unwrap();
    std::os::unix::fs::symlink("real.toml", folder.file()).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    folder.good(&["accounts", "add", "acct_1"]);
    assert!(folder.file().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("acct_1"));
    for name in ["real.toml", "real.toml.journal", "keyward.toml.lock"] {
        let mode = fs::metadata(folder.path.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Returns a key file with 1,000 keys, which takes a debug build some time.
fn large(name: &str) -> Folder {
    let folder = Folder::new(name);
    let mut text = folder.text();
    for number in 0..100 {
        text += &format!("\n[[accounts]]\nid = \"acct_{number}\"\nname = \"Widgets {number}\"\n");
    }
    for number in 0..1000 {
        text += &format!(
            "\n# asked for by ann\n[[keys]]\nid = \"mk_{number}\"\nname = \"Billing {number}\"\ncreated = 2026-11-20T10:00:00Z\ncreated_by = \"ann@build-7\"\nkind = \"restricted\"\nmode = \"live\"\nowner = \"acct_{}\"\ngrants = {{ customer = \"read\", charge = \"write\" }}\nsha256 = \"{number:064x}\"\n",
            number % 100
        );
    }
    fs::write(folder.file(), text).unwrap();
    folder
}

#[test]
fn twenty_at_once_all_change_a_large_file() {
    let folder = large("twenty");
    let before = folder.text();
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let (id, name) = (format!("mk_{}", number * 50), format!("Renamed {number}"));
            let mut edit = folder.command(&["keys", "edit", &id, "--name", &name]);
            edit.stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
    let mut expected = before;
    for number in 0..20 {
        let id = number * 50;
        expected = expected.replace(
            &format!("\"Billing {id}\""),
            &format!("\"Renamed {number}\""),
        );
    }
    assert_eq!(folder.text(), expected);
    assert_eq!(folder.journal().len(), 2 * 21);
}
