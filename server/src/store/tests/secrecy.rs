//! Checks that no value that was ever made is in a file: databases, their logs, backups.

use std::fs;
use std::path::Path;

use keyward::key::KeyKind;

/// Panics if one of `values`, whole or in part, is in a file below `folder`.
pub(in crate::store) fn assert_no_value_in<'a>(
    folder: &Path,
    values: impl IntoIterator<Item = &'a str>,
) {
    let values: Vec<&[u8]> = values.into_iter().map(secret_part).collect();
    for path in files_below(folder) {
        let bytes = fs::read(&path).unwrap();
        if let Some(found) = first_in(&bytes, &values) {
            panic!("`{}` holds a value: {found} bytes of it", path.display());
        }
    }
}

/// Returns the middle of a value: long enough to rule out a coincidence, and no more than a mask
/// hides.
fn secret_part(value: &str) -> &[u8] {
    let bytes = value.as_bytes();
    &bytes[12..36]
}

/// Searches every position once, whatever the number of values.
fn first_in(bytes: &[u8], values: &[&[u8]]) -> Option<usize> {
    let wanted: std::collections::HashSet<&[u8]> = values.iter().copied().collect();
    let length = values.first()?.len();
    bytes
        .windows(length)
        .find(|window| wanted.contains(window))
        .map(<[u8]>::len)
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            files.extend(files_below(&path));
        } else if kind.is_file() {
            files.push(path);
        }
    }
    files
}

#[test]
fn no_value_that_was_made_is_in_the_data_folder_or_a_backup() {
    use keyward::key::Livemode;
    use keyward::management::{Command, KeyTarget};

    use super::records::{Records, create};

    let mut records = Records::new();
    records.account("acct_1", None);
    let mut values = Vec::new();
    for number in 0..40 {
        let kind = if number % 2 == 0 {
            KeyKind::Restricted
        } else {
            KeyKind::Secret
        };
        let mut new = create("acct_1", Livemode::Live, "of a test");
        if kind == KeyKind::Secret {
            new.grants = keyward::management::NewGrants::default();
        }
        new.kind = Some(kind);
        let mut decision = records.done(Command::CreateKey(new));
        let id = decision.key().unwrap().to_owned();
        values.push(decision.take_minted().unwrap().expose().to_owned());
        if number % 3 == 0 {
            records.done(Command::PurgeKey(KeyTarget { id }));
        }
    }
    let folder = records.fixture.folder.path();
    let copy = folder.join("copy.db");
    assert_eq!(
        crate::store::backup(&records.fixture.path(), &copy),
        Ok(Vec::new())
    );
    assert_no_value_in(folder, values.iter().map(String::as_str));
}

#[test]
#[should_panic(expected = "holds a value")]
fn a_value_in_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let value = "sk_test_FAKE-0001-of-a-value-that-is-as-long-as-ours-are";
    fs::write(folder.path().join("log"), format!("so {value} there")).unwrap();
    assert_no_value_in(folder.path(), [value]);
}
