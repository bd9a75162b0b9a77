//! What is new in log files. A plain file is read on from where it ended; it is known by its number, so that it may be renamed. A packed one is read once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use keyward_files::access_log::{Line, Record};
use keyward_files::log_files::{self, Go, Log};

/// How long a line may be; a longer one is passed over.
const LONGEST: u64 = 1 << 20;

/// How far each file was read: by its device and number, the bytes.
#[derive(Debug, Default)]
pub(super) struct Tail(HashMap<(u64, u64), u64>);

impl Tail {
    /// Passes on what was added to the files since the last time. If a file cannot be read, it is tried again next time.
    pub(super) fn read(&mut self, files: &[PathBuf], each: &mut dyn FnMut(&Record<'_>)) {
        let mut present = HashMap::new();
        for path in files {
            let Ok(found) = fs::metadata(path) else {
                continue;
            };
            let number = (found.dev(), found.ino());
            let before = self.0.get(&number).copied().unwrap_or_default();
            // A file that was cut begins again.
            let before = if found.len() < before { 0 } else { before };
            let read = if found.len() == before || !found.is_file() {
                Ok(before)
            } else {
                read_on(path, before, found.len(), each)
            };
            match read {
                Ok(end) => {
                    present.insert(number, end);
                }
                Err(error) => {
                    tracing::warn!(%error, "an access log cannot be read");
                    present.insert(number, before);
                }
            }
        }
        self.0 = present;
    }
}

/// Reads a file from there on. Where it ends: after its last whole line.
fn read_on(
    path: &Path,
    before: u64,
    length: u64,
    each: &mut dyn FnMut(&Record<'_>),
) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut magic = [0; 4];
    let begins = file.read(&mut magic)?;
    if is_packed(magic.get(..begins).unwrap_or_default()) {
        let log = Log {
            files: vec![path.to_owned()],
            time: 0..u64::MAX,
            follow: false,
            shown: str::to_owned,
        };
        let read = log_files::read_what_there_is(&log, &(), &mut |record| {
            each(record);
            Ok(Go::On)
        });
        return read.map(|_| length).map_err(io::Error::other);
    }
    file.seek(SeekFrom::Start(before))?;
    let (mut lines, mut end) = (BufReader::with_capacity(256 << 10, file), before);
    let mut line = Vec::new();
    loop {
        line.clear();
        let count = (&mut lines).take(LONGEST).read_until(b'\n', &mut line)?;
        let is_whole = line.last() == Some(&b'\n');
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if !is_whole && count < LONGEST {
            // The rest comes later.
            return Ok(end);
        }
        end = end.saturating_add(count);
        if is_whole
            && let Ok(parsed) = Line::parse(&line)
            && let Ok(record) = parsed.record()
        {
            each(&record);
        }
    }
}

/// gzip and zstd.
fn is_packed(begins: &[u8]) -> bool {
    begins.starts_with(&[0x1f, 0x8b]) || begins == [0x28, 0xb5, 0x2f, 0xfd]
}
