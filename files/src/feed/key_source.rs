//! Where a publisher's signing key comes from: a file that only its user can read, an environment
//! variable, or the output of a command.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::signing_key::SigningKey;
use crate::replace::{beside, sync_folder};

/// The maximum length of the text. Signing keys are shorter.
const LONGEST: u64 = 4_096;

/// The source of a signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// An environment variable with the text of such a file.
    Environment(String),
    /// A shell command that prints the text.
    Command(String),
}

impl KeySource {
    /// Parses `PATH`, `env:NAME` or `command:SHELL COMMAND`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("env", name)) => Self::Environment(name.to_owned()),
            Some(("command", command)) => Self::Command(command.to_owned()),
            Some(("file", path)) => Self::File(path.into()),
            _ => Self::File(text.into()),
        }
    }

    /// Reads the key.
    pub fn read(&self) -> Result<SigningKey> {
        let text = match self {
            Self::File(path) => of_file(path),
            Self::Environment(name) => std::env::var(name)
                .map(Zeroizing::new)
                .context("the variable is not set"),
            Self::Command(command) => of_command(command),
        };
        let key = text.and_then(|text| Ok(SigningKey::read(&text)?));
        key.with_context(|| format!("{self}: no signing key"))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Environment(name) => write!(f, "the environment variable `{name}`"),
            // The command may contain a password.
            Self::Command(_) => write!(f, "the command of the signing key"),
        }
    }
}

fn of_file(path: &Path) -> Result<Zeroizing<String>> {
    let file = File::open(path).context("it cannot be opened")?;
    let found = file.metadata()?;
    if !found.is_file() {
        bail!("it is not a regular file");
    }
    is_private(
        found.mode() & 0o777,
        found.uid(),
        rustix::process::geteuid().as_raw(),
    )?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Checks that only this user can have read or written a file. The group may read a file that root
/// owns, because Kubernetes mounts secrets this way.
fn is_private(mode: u32, owner: u32, user: u32) -> Result<()> {
    let closed = match owner {
        0 => 0o037,
        _ => 0o077,
    };
    if mode & closed != 0 {
        bail!(
            "it has mode {mode:o}, so others can read or change it; `chmod 600` it, and make a new key if others may have read it"
        );
    }
    if owner != user && owner != 0 {
        bail!(
            "it belongs to user {owner}, and this is user {user}: who owns the key can sign a feed"
        );
    }
    Ok(())
}

fn of_command(command: &str) -> Result<Zeroizing<String>> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("it cannot be started")?;
    let mut text = Zeroizing::new(String::new());
    if let Some(out) = child.stdout.take() {
        out.take(LONGEST).read_to_string(&mut text)?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(text)
}

/// Writes a new key to `path`, which must not exist yet, and the public half to the same path with
/// `.pub` appended.
pub fn create(path: &Path, key: &SigningKey) -> Result<PathBuf> {
    let public = beside(path, ".pub");
    write_new(path, 0o600, key.secret_text().as_bytes())?;
    write_new(&public, 0o644, key.public_text().as_bytes())?;
    sync_folder(path)?;
    Ok(public)
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    let written = || -> std::io::Result<()> {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().with_context(|| format!("`{}` cannot be made", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::randomness::SystemRandomness;

    fn key() -> SigningKey {
        SigningKey::new(&mut SystemRandomness).unwrap()
    }

    #[test]
    fn a_key_is_made_once_and_only_its_user_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.sec");
        let made = key();
        let public = create(&path, &made).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(public).unwrap(), made.public_text());
        let read = KeySource::File(path.clone()).read().unwrap();
        assert_eq!(read.public_key(), made.public_key());
        let error = format!("{:#}", create(&path, &key()).unwrap_err());
        assert!(error.contains("cannot be made"), "{error}");
        let again = KeySource::File(path).read().unwrap();
        assert_eq!(again.public_key(), made.public_key());
    }

    #[test]
    fn a_file_that_others_can_read_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.sec");
        create(&path, &key()).unwrap();
        for mode in [0o644, 0o604, 0o620, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = KeySource::File(path.clone()).read().unwrap_err();
            assert!(format!("{error:#}").contains("chmod 600"), "{error:#}");
        }
        for (mode, owner, is_good) in [
            (0o600, 7, true),
            (0o400, 7, true),
            (0o640, 7, false),
            (0o440, 0, true),
            (0o640, 0, true),
            (0o660, 0, false),
            (0o444, 0, false),
            (0o600, 8, false),
        ] {
            assert_eq!(
                is_private(mode, owner, 7).is_ok(),
                is_good,
                "{mode:o} {owner}"
            );
        }
    }

    #[test]
    fn a_key_comes_from_a_command_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.sec");
        let made = key();
        create(&path, &made).unwrap();
        let source = KeySource::parse(&format!("command:cat {}", path.display()));
        assert_eq!(source.read().unwrap().public_key(), made.public_key());
        for command in [
            "command:false",
            "command:echo hunter2",
            "env:KEYWARD_NOT_SET",
        ] {
            let error = format!("{:#}", KeySource::parse(command).read().unwrap_err());
            assert!(
                error.contains("no signing key") && !error.contains("hunter2"),
                "{error}"
            );
        }
        assert_eq!(KeySource::parse("a:b"), KeySource::File("a:b".into()));
        assert_eq!(
            KeySource::parse("file:env:b"),
            KeySource::File("env:b".into())
        );
    }
}
