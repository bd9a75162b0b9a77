//! The values that a test's server made, which must be in no file: data folder, write-ahead log, log
//! files, backups.

use std::path::Path;
use std::sync::Mutex;

use keyward_harness::http::Response;
use regex::bytes::RegexBuilder;
use serde_json::Value;

use crate::world::each_file;

/// How much of a value is searched for: more than a mask shows, and too much for a coincidence.
const LENGTH: usize = 24;

/// Values that answers contained.
#[derive(Default)]
pub(crate) struct Minted(Mutex<Vec<String>>);

impl Minted {
    pub(crate) fn note(&self, value: &str) {
        self.0.lock().unwrap().push(value.to_owned());
    }

    /// Notes the values in the answer to a request.
    pub(crate) fn note_those_of(&self, response: &Response) {
        let found = memchr::memmem::find(&response.body, b"\"token\": \"");
        if found.is_some()
            && let Ok(body) = serde_json::from_slice(&response.body)
        {
            self.note_those_in(&body);
        }
    }

    pub(crate) fn note_those_in(&self, body: &Value) {
        match body {
            Value::Object(members) => {
                let token = members.get("secret_key").map(|key| &key["token"]);
                if let Some(Value::String(value)) = token {
                    self.note(value);
                }
                members.values().for_each(|one| self.note_those_in(one));
            }
            Value::Array(all) => all.iter().for_each(|one| self.note_those_in(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    pub(crate) fn assert_nowhere(&self, folder: &Path) {
        let values = self.0.lock().unwrap();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert_nowhere(folder, &values);
    }
}

/// Asserts that no file in `folder` contains a part of the values. The prefix of a value is no
/// secret, so it is not part of the search.
pub(crate) fn assert_nowhere(folder: &Path, values: &[&str]) {
    let secret = |value: &&str| {
        let (_, random) = value.rsplit_once('_').unwrap();
        regex::escape(random.get(..LENGTH).unwrap_or(random))
    };
    let any: Vec<String> = values.iter().map(secret).collect();
    if any.is_empty() {
        return;
    }
    let any = RegexBuilder::new(&any.join("|"))
        .size_limit(256 << 20)
        .build()
        .unwrap();
    let mut files = 0;
    each_file(folder, &mut |path, bytes| {
        files += 1;
        // The room that is kept for ends has only zeros.
        let is_empty = bytes == vec![0; bytes.len()];
        assert!(
            is_empty || !any.is_match(bytes),
            "{} holds a value",
            path.display()
        );
    });
    assert!(files >= 6, "only {files} files were looked at");
}

#[test]
fn a_value_in_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let minted = Minted::default();
    let value = format!("rk_test_{}", "aB3".repeat(33));
    let answer = serde_json::json!({"first_keys": [{"secret_key": {"token": value}}]});
    minted.note_those_in(&answer);
    for number in 0..6 {
        std::fs::write(folder.path().join(number.to_string()), "nothing").unwrap();
    }
    minted.assert_nowhere(folder.path());
    let part = value.split_at(40).0;
    std::fs::create_dir(folder.path().join("in")).unwrap();
    std::fs::write(folder.path().join("in/log"), format!("so {part} there")).unwrap();
    let found = std::panic::catch_unwind(|| minted.assert_nowhere(folder.path()));
    assert!(found.is_err());
}
