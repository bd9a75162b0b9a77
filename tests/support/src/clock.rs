//! A wall clock that jumps while a program runs, forth and back. The program is started with a library of a few lines before libc, compiled here, that adds an
//! offset only to the wall clock.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::find::root;
use crate::process::Folder;

pub struct Clock {
    folder: Folder,
    file: File,
}

impl Clock {
    #[expect(clippy::new_without_default, reason = "it compiles a library")]
    pub fn new() -> Self {
        let folder = Folder::new("clock");
        let library = folder.path().join("clock.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(root().join("tests/support/src/clock.c"))
            .output()
            .unwrap();
        assert!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let file = File::create(folder.path().join("offset")).unwrap();
        let mut clock = Self { folder, file };
        clock.jump(0);
        clock
    }

    /// What a program that has this clock finds in its environment.
    pub fn environment(&self) -> [(&'static str, PathBuf); 2] {
        let folder = self.folder.path();
        [
            ("LD_PRELOAD", folder.join("clock.so")),
            ("KEYWARD_TEST_CLOCK", folder.join("offset")),
        ]
    }

    /// From now on, the program's clock is `seconds` ahead.
    pub fn jump(&mut self, seconds: i64) {
        self.file.seek(SeekFrom::Start(0)).unwrap();
        self.file.write_all(&seconds.to_ne_bytes()).unwrap();
    }
}
