use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn line(key: &str, at: &str, verdict: &str) -> String {
    let state = format!("{verdict} key=\"{key}\", kind=secret, livemode=?1, revision=7");
    let line = serde_json::json!({
        "start_time": at, "method": "GET", "path": "/v1/customers", "response_code": 200, "keyward": state,
    });
    format!("{line}\n")
}

fn append(path: &Path, text: &str) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

struct Desk {
    folder: tempfile::TempDir,
    uses: Uses,
    tail: Tail,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            uses: Uses::default(),
            tail: Tail::default(),
        }
    }

    fn look(&mut self) {
        let mut requests: Requests = toml::from_str("files = [\"access*.log*\"]").unwrap();
        requests.below(self.folder.path()).unwrap();
        self.uses.read(&mut self.tail, &requests);
    }

    fn last(&self, id: &str) -> Option<String> {
        self.uses.last(id).map(crate::time::written)
    }
}

#[test]
fn the_last_request_that_passed_counts_to_the_minute() {
    let mut desk = Desk::new();
    let log = desk.folder.path().join("access.log");
    append(&log, &line("mk_1", "2026-11-20T10:00:59.000Z", "allow"));
    append(&log, &line("mk_1", "2026-11-20T09:00:00.000Z", "allow"));
    append(
        &log,
        &line("mk_2", "2026-11-20T10:00:00.000Z", "deny ip_not_allowed"),
    );
    append(&log, &line("mk_4", "2026-11-20T10:00:00.000Z", "verify"));
    append(&log, "nonsense\n");
    desk.look();
    assert_eq!(
        desk.last("mk_1").as_deref(),
        Some("2026-11-20T10:00:00.000Z")
    );
    assert_eq!(desk.last("mk_2"), None, "it was denied");
    assert_eq!(desk.last("mk_3"), None);
    assert!(desk.last("mk_4").is_some());
}

#[test]
fn what_is_added_cut_off_renamed_and_packed_is_read_once() {
    let mut desk = Desk::new();
    let log = desk.folder.path().join("access.log");
    let whole = line("mk_1", "2026-11-20T10:00:00.000Z", "allow");
    let (begin, end) = whole.split_at(40);
    append(&log, begin);
    desk.look();
    assert_eq!(desk.last("mk_1"), None, "half a line is none");
    append(&log, end);
    append(&log, &line("mk_2", "2026-11-20T10:00:00.000Z", "allow"));
    desk.look();
    assert!(desk.last("mk_1").is_some() && desk.last("mk_2").is_some());
    // Rotated: the old file goes on under another name, and is read on there.
    let old = desk.folder.path().join("access.log.1");
    fs::rename(&log, &old).unwrap();
    append(&old, &line("mk_3", "2026-11-20T11:00:00.000Z", "allow"));
    append(&log, &line("mk_4", "2026-11-20T12:00:00.000Z", "allow"));
    let packed = File::create(desk.folder.path().join("access.log.2.gz")).unwrap();
    let mut packed = GzEncoder::new(packed, Compression::fast());
    packed
        .write_all(line("mk_5", "2026-11-19T12:00:00.000Z", "allow").as_bytes())
        .unwrap();
    packed.finish().unwrap();
    desk.look();
    for id in ["mk_3", "mk_4", "mk_5"] {
        assert!(desk.last(id).is_some(), "{id}");
    }
    // Cut in its place, as by logrotate's copytruncate.
    File::create(&log).unwrap();
    desk.look();
    append(&log, &line("mk_6", "2026-11-20T13:00:00.000Z", "allow"));
    desk.look();
    assert!(desk.last("mk_6").is_some());
    let mut count = 0;
    let files = [log, old];
    desk.tail.read(&files, &mut |_| count += 1);
    assert_eq!(count, 0, "nothing is read twice");
}

#[test]
fn unused_is_said_only_as_far_as_the_logs_go_back() {
    let mut desk = Desk::new();
    let at = |text: &str| crate::time::read(text).unwrap();
    let since = at("2026-11-20T10:00:00Z");
    assert_eq!(desk.uses.reaches_back(since), Err(Unknown::Reading));
    desk.look();
    assert_eq!(desk.uses.reaches_back(since), Err(Unknown::Later(None)));
    let log = desk.folder.path().join("access.log");
    append(
        &log,
        &line("mk_1", "2026-11-20T10:00:01.000Z", "deny ip_not_allowed"),
    );
    desk.look();
    let later = Unknown::Later(Some(at("2026-11-20T10:00:01Z")));
    assert_eq!(desk.uses.reaches_back(since), Err(later));
    append(&log, &line("mk_1", "2026-11-20T10:00:00.000Z", "allow"));
    desk.look();
    assert_eq!(desk.uses.reaches_back(since), Ok(()));
}
