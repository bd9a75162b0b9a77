//! A folder and a process that do not outlive the test.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::find::root;

/// A folder in cargo's own folder for tests. It is removed on drop, unless the test fails: then its
/// logs remain.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = root()
            .join("target/tmp")
            .join(format!("{name}-{}-{number}", std::process::id()));
        // Left over from a process that had the same id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A child that is killed on drop, and also when the test process ends without dropping it: a
/// `static` is never dropped, and a test run can be interrupted. For that case, a shell reads from
/// a pipe that only this process keeps open.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    guard: Child,
}

impl Guarded {
    pub fn spawn(command: &mut Command) -> std::io::Result<Self> {
        Self::guard(command.stdin(Stdio::null()).spawn()?, Path::new(""))
    }

    /// Starts a child that may outlive the test that starts it. Its folder is removed if the test
    /// process ends without dropping either. With `PR_SET_PDEATHSIG`, Envoy ends with the *thread*
    /// that started it, and a test is a thread. This child ends with the process instead.
    pub fn spawn_for_all(mut command: Command, folder: &Path) -> std::io::Result<Self> {
        type Job = (Command, Sender<std::io::Result<Child>>);
        static STARTER: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
            let (sender, jobs) = channel::<Job>();
            std::thread::spawn(move || {
                for (mut command, answer) in jobs {
                    let _ = answer.send(command.spawn());
                }
            });
            Mutex::new(sender)
        });
        command.stdin(Stdio::null());
        let (answer, child) = channel();
        let starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
        starter.send((command, answer)).unwrap();
        drop(starter);
        Self::guard(child.recv().unwrap()?, folder)
    }

    fn guard(child: Child, folder: &Path) -> std::io::Result<Self> {
        // A line means that the child has been waited for, and that another process may have its id
        // by now. The end of the pipe without a line means that it has not.
        let guard = Command::new("/bin/sh")
            .args([
                "-c",
                "read -r _ || { kill -KILL \"$0\"; [ -z \"$1\" ] || rm -rf -- \"$1\"; } 2>/dev/null",
                &child.id().to_string(),
            ])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match guard {
            Ok(guard) => Ok(Self { child, guard }),
            Err(error) => {
                let mut child = child;
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(mut pipe) = self.guard.stdin.take() {
            let _ = pipe.write_all(b"ended\n");
        }
        let _ = self.guard.wait();
    }
}
