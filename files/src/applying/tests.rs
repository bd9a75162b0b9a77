use std::cell::RefCell;

use super::*;

const FILE: &str = r#"format = "keyward.keys/v1"
source = "file:8mXzT4KqPbW2hVdN"

[[accounts]] # the shop
id = "acct_2"

[[keys]]
id = "mk_desk" # the support desk
kind = "restricted"
mode = "test"
owner = "acct_2"
grants = { customer = "read" }
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"

[[keys]]
id = "mk_new"
kind = "restricted"
mode = "test"
owner = "acct_2"
expires = 2096-01-01T00:00:00Z
grants = { customer = "read" }
sha256 = "2222222222222222222222222222222222222222222222222222222222222222"
"#;

/// A server that knows these ends until the file has them, and what it was sent.
struct Fake {
    ended: Json,
    count: u64,
    sent: RefCell<Vec<(String, Json)>>,
}

impl Fake {
    fn of(ended: Json, count: u64) -> Self {
        let sent = RefCell::default();
        Self { ended, count, sent }
    }

    fn answer(&self, path: &str, body: Json) -> Result<Json> {
        let text = body["files"]["keys.toml"].as_str().unwrap_or_default();
        let knows = text.contains("2026-11-30") || text.contains("deleted");
        let ended = if knows { json!([]) } else { self.ended.clone() };
        self.sent.borrow_mut().push((path.to_owned(), body));
        let changes: Vec<Json> = (0..self.count)
            .map(|_| json!({"change": "add", "id": "mk_x", "members": [], "object": "api_key"}))
            .collect();
        Ok(json!({
            "changes": changes, "count": self.count, "ended": ended, "kept": [],
            "plan": "plan_1", "same": 2, "of a newer server": true,
        }))
    }

    fn paths(&self) -> Vec<String> {
        let sent = self.sent.borrow();
        sent.iter().map(|(path, _)| path.clone()).collect()
    }
}

fn run(fake: &Fake, file: &Path, adopts_ends: bool, is_dry_run: bool) -> (Result<Applied>, String) {
    let order = Order {
        name: "billing",
        file,
        is_dry_run,
        adopts_ends,
        override_policy: None,
    };
    let mut out = Vec::new();
    let applied = apply(&order, &|path, body| fake.answer(path, body), &mut out);
    (applied, String::from_utf8(out).unwrap())
}

fn on_disk() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    fs::write(&file, FILE).unwrap();
    (folder, file)
}

fn ends() -> Json {
    json!([
        {"expires_at": "2026-11-30T12:00:00.000Z", "id": "mk_desk", "object": "api_key", "status": "active"},
        {"expires_at": "2096-01-01T00:00:00.000Z", "id": "mk_new", "object": "api_key", "status": "deleted"},
        {"expires_at": null, "id": "acct_2", "object": "account", "status": "suspended"},
    ])
}

#[test]
fn ends_are_written_into_the_file_and_the_rest_of_it_stays() {
    let (_folder, file) = on_disk();
    let fake = Fake::of(ends(), 1);
    let (applied, out) = run(&fake, &file, true, false);
    let applied = applied.unwrap();
    assert_eq!(applied.adopted.len(), 3);
    assert!(applied.plan.ended.is_empty() && !applied.is_left);
    assert_eq!(fake.paths(), [PLAN, PLAN, APPLY]);
    let text = fs::read_to_string(&file).unwrap();
    let expected = FILE
        .replace(
            "id = \"acct_2\"\n\n",
            "id = \"acct_2\"\nstatus = \"suspended\"\n\n",
        )
        .replacen(
            "grants = {",
            "expires = 2026-11-30T12:00:00Z\ngrants = {",
            1,
        )
        .replace("expires = 2096", "status = \"deleted\"\nexpires = 2096");
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(lines(&text), lines(&expected), "{text}");
    assert!(out.contains("was written into the file: mk_new, status = \"deleted\""));
    assert!(out.ends_with("1 changes were made\n"), "{out}");
}

#[test]
fn without_the_option_ends_are_shown_and_the_file_stays() {
    let (_folder, file) = on_disk();
    let fake = Fake::of(ends(), 0);
    let (applied, out) = run(&fake, &file, false, false);
    assert!(!applied.unwrap().is_left);
    assert_eq!(fake.paths(), [PLAN]);
    assert_eq!(fs::read_to_string(&file).unwrap(), FILE);
    assert!(
        out.contains("--adopt-ends writes these ends into the file"),
        "{out}"
    );
}

#[test]
fn a_dry_run_writes_nothing_and_says_that_something_is_left() {
    let (_folder, file) = on_disk();
    for (ended, count, is_left) in [
        (ends(), 0, true),
        (json!([]), 1, true),
        (json!([]), 0, false),
    ] {
        let fake = Fake::of(ended, count);
        let (applied, out) = run(&fake, &file, true, true);
        assert_eq!(applied.unwrap().is_left, is_left, "{out}");
        assert_eq!(fake.paths(), [PLAN]);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), FILE);
}

#[test]
fn an_end_that_cannot_be_written_is_told_and_nothing_is_applied() {
    let (_folder, file) = on_disk();
    for (strange, reason) in [
        (
            json!({"expires_at": null, "id": "mk_gone", "object": "api_key", "status": "deleted"}),
            "no longer has",
        ),
        (
            json!({"expires_at": null, "id": "mk_new", "object": "api_key", "status": "frozen"}),
            "does not know",
        ),
        (
            json!({"expires_at": "soon", "id": "mk_new", "object": "api_key", "status": "active"}),
            "invalid time",
        ),
        (
            json!({"expires_at": null, "id": "mk_new", "object": "api_key", "status": "active"}),
            "names no end",
        ),
        (
            json!({"expires_at": "2097-01-01T00:00:00Z", "id": "mk_new", "object": "api_key", "status": "active"}),
            "names no end",
        ),
    ] {
        let fake = Fake::of(json!([ends()[0], strange]), 1);
        let (applied, _) = run(&fake, &file, true, false);
        let error = format!("{:#}", applied.unwrap_err());
        assert!(error.contains(reason), "{error}");
        assert!(
            error.contains("Write them by hand:\n  mk_desk, expires = 2026-11-30T12:00:00.000Z"),
            "{error}"
        );
        assert_eq!(fake.paths(), [PLAN]);
        assert_eq!(fs::read_to_string(&file).unwrap(), FILE);
    }
}

#[test]
fn a_file_that_no_server_accepts_is_not_sent() {
    let (_folder, file) = on_disk();
    let long = format!("{FILE}{}", "#\n".repeat(LARGEST / 2));
    fs::write(&file, long).unwrap();
    let fake = Fake::of(json!([]), 1);
    let (applied, _) = run(&fake, &file, false, false);
    let error = applied.unwrap_err().to_string();
    assert!(error.contains("`keyward-server import`"), "{error}");
    assert!(fake.paths().is_empty());
}
