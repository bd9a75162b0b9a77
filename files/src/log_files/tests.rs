use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

fn line(number: usize) -> String {
    format!(
        "{{\"start_time\":\"2026-11-20T10:00:{:02}.000Z\",\"path\":\"/{number}\",\"keyward\":\"allow public\"}}\n",
        number % 60
    )
}

fn log(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(line).collect::<String>().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keyward-log-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn log_of(files: Vec<PathBuf>) -> Log {
    Log {
        files,
        time: 0..u64::MAX,
        follow: false,
        shown: str::to_owned,
    }
}

fn paths(files: Vec<PathBuf>) -> (Vec<String>, Tally) {
    let mut paths = Vec::new();
    let tally = read(&log_of(files), &(), &mut |record| {
        paths.push(record.path.as_str().to_owned());
        Ok(Go::On)
    });
    (paths, tally.unwrap())
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("/{number}")).collect()
}

#[test]
fn plain_gzip_and_zstd_are_told_apart_by_their_bytes() {
    let folder = Folder::new("forms");
    let two = |pack: fn(&[u8]) -> Vec<u8>| [pack(&log(0, 5000)), pack(&log(5000, 5003))].concat();
    let skippable = [
        &[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
        &zstd(&log(0, 9)),
    ];
    for (bytes, count) in [
        (log(0, 5003), 5003),
        (gzip(&log(0, 9)), 9),
        (zstd(&log(0, 9)), 9),
        // With several members or frames, which is how logs are appended to.
        (two(gzip), 5003),
        (two(zstd), 5003),
        (skippable.concat(), 9),
        (Vec::new(), 0),
        (b"{".to_vec(), 0),
    ] {
        // The name does not reveal the compression.
        let (read, _) = paths(vec![folder.file("access.log", &bytes)]);
        assert_eq!(read, numbers(0, count));
    }
}

#[test]
fn files_are_read_in_their_order() {
    let folder = Folder::new("order");
    let files = vec![
        folder.file("2.gz", &gzip(&log(0, 3))),
        folder.file("1", &log(3, 5)),
        folder.file("0.zst", &zstd(&log(5, 8))),
    ];
    let (read, tally) = paths(files);
    assert_eq!(read, numbers(0, 8));
    assert!(tally.sentences().is_empty());
    assert_eq!(tally.requests(), 8);
}

#[test]
fn a_file_that_breaks_off_is_read_up_to_there_and_told() {
    let folder = Folder::new("broken");
    for pack in [gzip, zstd] {
        let mut bytes = pack(&log(0, 50_000));
        bytes.truncate(bytes.len() / 2);
        let broken = folder.file("broken", &bytes);
        let (read, tally) = paths(vec![broken, folder.file("next", &log(0, 2))]);
        assert!(read.len() > 100, "{}", read.len());
        assert_eq!(read[read.len() - 2..], numbers(0, 2));
        let sentences = tally.sentences().join("\n");
        assert!(
            sentences.contains("was read up to where it breaks off"),
            "{sentences}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_told_before_anything_is_read() {
    let folder = Folder::new("missing");
    let files = vec![folder.file("there", &log(0, 2)), folder.0.join("not")];
    let error = read(&log_of(files), &(), &mut |_| panic!("read"));
    assert!(error.unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn what_is_skipped_is_counted_by_its_reason() {
    let folder = Folder::new("skipped");
    let text = format!(
        "{}\nlistening\n{{\"start_time\":\n{}{}x\n{{\"start_time\":\"no\",\"keyward\":null}}\n",
        line(0),
        line(1),
        "y".repeat(2 << 20)
    );
    let (read, tally) = paths(vec![folder.file("log", text.as_bytes())]);
    assert_eq!(read, numbers(0, 2));
    assert_eq!(
        tally.sentences(),
        [
            "4 lines were skipped: 1 begun as JSON and broken off, 1 not of this log, 1 with a member that holds what it cannot, 1 longer than any line of this log"
        ]
    );
}

#[test]
fn a_time_can_be_chosen_and_reading_can_stop() {
    let folder = Folder::new("time");
    let file = folder.file("log", &log(0, 60));
    let log = Log {
        time: 1_795_168_810_000..1_795_168_820_000,
        ..log_of(vec![file])
    };
    let mut read_paths = Vec::new();
    let tally = read(&log, &(), &mut |record| {
        read_paths.push(record.path.as_str().to_owned());
        Ok(if read_paths.len() == 7 {
            Go::Stop
        } else {
            Go::On
        })
    });
    assert_eq!(read_paths, numbers(10, 17));
    assert_eq!(tally.unwrap().requests(), 7);
}

#[test]
fn how_far_it_is_is_told_in_bytes_as_they_are_stored() {
    struct Told(std::cell::RefCell<Vec<u64>>);
    impl Progress for Told {
        fn expect(&self, bytes: u64) {
            self.0.borrow_mut().extend([bytes, 0]);
        }
        fn read(&self, bytes: u64) {
            self.0.borrow_mut()[1] += bytes;
        }
        fn finish(&self) {
            self.0.borrow_mut().push(u64::MAX);
        }
    }
    let folder = Folder::new("progress");
    let bytes = gzip(&log(0, 5000));
    let told = Told(Vec::new().into());
    let files = vec![folder.file("log", &bytes)];
    read(&log_of(files), &told, &mut |_| Ok(Go::On)).unwrap();
    let size = u64::try_from(bytes.len()).unwrap();
    assert_eq!(told.0.into_inner(), [size, size, u64::MAX]);
}
