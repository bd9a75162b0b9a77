//! Keys that are moved in and out: an export of all of them, and an import by digest through the API.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use keyward_server::commands::Part;
use keyward_server::store::{Store, StoreError};

use crate::pages::Console;

/// The number of keys in a request, which is the most that the API accepts.
const ROWS: u64 = 1_000;

/// Writes all records as a key file, and returns how long that took.
pub(crate) async fn export(store: &Store, to: &Path) -> Duration {
    let file = File::create(to).unwrap();
    let began = Instant::now();
    let written: Result<(), StoreError> = store
        .read_all(move |reader| {
            let mut out = BufWriter::new(file);
            let written = Part::of(None, false, None).write(reader, &mut out);
            written.map_err(|why| StoreError::WriteFailed(why.to_string()))?;
            out.flush().unwrap();
            Ok(())
        })
        .await;
    written.unwrap();
    began.elapsed()
}

/// Imports keys by digest, and returns how long that took.
pub(crate) fn import(console: &Console, keys: u64) -> Duration {
    let began = Instant::now();
    for first in (0..keys).step_by(ROWS as usize) {
        let rows: Vec<String> = (first..keys.min(first + ROWS)).map(row).collect();
        let body = format!("{{\"keys\": [{}]}}", rows.join(","));
        let answer = console.post("/v2/keyward/api_keys/import", &body);
        let made = answer.matches("\"created\"").count();
        assert_eq!(made, rows.len(), "{}", answer.split_at(400).0);
    }
    began.elapsed()
}

/// A row whose digest no other key has.
fn row(number: u64) -> String {
    format!(
        "{{\"sha256\":\"{:064x}\",\"name\":\"Key {number}\",\"permissions\":[\"charge_write\"],\
         \"keyward\":{{\"owner\":\"acct_{}\",\"livemode\":true,\"kind\":\"restricted\"}}}}",
        number + 1,
        number % 8
    )
}
