//! Every file that a command writes is renamed into place from a new file that no one else can have
//! prepared, and links are followed.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::support::command::program;

/// Returns the commands that write a file, each with the file's name.
fn writers(desk: &Desk) -> Vec<(&'static str, Vec<String>)> {
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let keys = desk.keys("", &[ALICE]);
    let log = desk.path("access.log");
    fs::write(&log, "").unwrap();
    let log = log.to_str().unwrap();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        (
            "ecds.yaml",
            words(&[
                "push",
                "-c",
                &source,
                "--reissue",
                "--allow-removals",
                "--ecds",
            ]),
        ),
        (
            "out.json",
            words(&["snapshot", "build", "--keys", &keys, "-o"]),
        ),
        ("out.packed", words(&["snapshot", "pack", &source, "-o"])),
        (
            "audit.html",
            words(&["audit", log, "--keys", &keys, "--html"]),
        ),
        (
            "keys.toml",
            words(&["accounts", "add", "acct_9", "--no-keys", "--keys"]),
        ),
    ]
}

fn prepare(desk: &Desk, name: &str) {
    let content = match name {
        "ecds.yaml" => fs::read_to_string(find::root().join("envoy/ecds/keyward.yaml")).unwrap(),
        "keys.toml" => key_file("", &[ALICE]),
        _ => "old".to_owned(),
    };
    fs::write(desk.path(name), content).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Earlier versions wrote to these names, and anyone with write access to the folder could have
/// made them links.
#[test]
fn no_link_under_a_name_that_can_be_guessed_is_followed() {
    let desk = Desk::new();
    for (name, arguments) in writers(&desk) {
        prepare(&desk, name);
        let victim = desk.path("victim");
        fs::write(&victim, "mine").unwrap();
        let at = |id: u32| desk.path(&format!("{name}.{id}.new"));
        // The shell uses its own id in the name, and becomes the command with the same id.
        let script = "for name in \"$0.new\" \"$0.$$.new\"; do ln -s \"$VICTIM\" \"$name\"; done; exec \"$@\" \"$0\"";
        let child = Command::new("/bin/sh")
            .args(["-c", script])
            .arg(desk.path(name))
            .arg(program())
            .args(&arguments)
            .env("VICTIM", &victim)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let id = child.id();
        let output = child.wait_with_output().unwrap();
        let code = if name == "audit.html" { 1 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{name}: {output:?}");
        assert!(at(id).is_symlink(), "{name}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine", "{name}");
        assert_eq!(mode(&victim), mode(&desk.path("access.log")), "{name}");
        assert_ne!(fs::read(desk.path(name)).unwrap(), b"mine", "{name}");
        assert!(!desk.path(name).is_symlink(), "{name}");
    }
}

#[test]
fn a_target_that_is_a_link_is_updated_where_it_points() {
    let desk = Desk::new();
    fs::create_dir(desk.path("real")).unwrap();
    for (name, arguments) in writers(&desk) {
        let real = desk.path("real").join(name);
        prepare(&desk, name);
        fs::rename(desk.path(name), &real).unwrap();
        let before = fs::read(&real).unwrap();
        symlink(Path::new("real").join(name), desk.path(name)).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let path = desk.path(name);
        arguments.push(path.to_str().unwrap());
        let said = keyward(&arguments);
        assert_ne!(said.code, Some(4), "{name}: {}", said.err);
        assert!(path.is_symlink(), "{name}");
        assert_ne!(fs::read(&real).unwrap(), before, "{name}");
        let kept = if name == "keys.toml" { 0o600 } else { 0o640 };
        assert_eq!(mode(&real), kept, "{name}");
    }
    let mut left: Vec<String> = fs::read_dir(desk.path("real"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let expected = [
        "audit.html",
        "ecds.yaml",
        "keys.toml",
        "keys.toml.journal",
        "out.json",
        "out.packed",
    ];
    assert_eq!(left, expected);
}

#[test]
fn new_files_are_as_open_as_they_should_be() {
    let desk = Desk::new();
    let template = find::root().join("envoy/ecds/keyward.yaml");
    for (name, arguments) in writers(&desk) {
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let path = desk.path(name);
        arguments.push(path.to_str().unwrap());
        let expected = match name {
            // Envoy may run as another user, so the mode follows the umask.
            "ecds.yaml" => {
                arguments.extend(["--template", template.to_str().unwrap()]);
                mode(&desk.path("access.log"))
            }
            "keys.toml" => continue,
            _ => 0o600,
        };
        let said = keyward(&arguments);
        assert_ne!(said.code, Some(4), "{name}: {}", said.err);
        assert_eq!(mode(&path), expected, "{name}");
    }
}

/// The group of a file decides who may read it.
#[test]
fn a_file_keeps_its_owner_and_group_where_that_may_be_kept() {
    let desk = Desk::new();
    prepare(&desk, "ecds.yaml");
    let path = desk.path("ecds.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    if std::os::unix::fs::chown(&path, Some(12_345), Some(23_456)).is_err() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let said = keyward(&["push", "-c", &source, "--ecds", path.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let found = fs::metadata(&path).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), mode(&path)),
        (12_345, 23_456, 0o640)
    );
}

#[test]
fn a_device_is_never_replaced() {
    let desk = Desk::new();
    let keys = desk.keys("", &[ALICE]);
    let source = desk.configuration(&configuration(8, &[ALICE]));
    for arguments in [
        &["snapshot", "build", "--keys", &keys, "-o", "/dev/null"][..],
        &["snapshot", "pack", &source, "-o", "/dev/null"],
    ] {
        let said = keyward(arguments);
        assert_eq!(said.code, Some(4));
        assert!(
            said.err.contains("`/dev/null` is not a regular file"),
            "{}",
            said.err
        );
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

/// A lock's content is overwritten.
#[test]
fn a_lock_that_is_a_link_is_not_written_to() {
    let desk = Desk::new();
    let keys = desk.keys("", &[ALICE]);
    fs::write(desk.path("victim"), "mine").unwrap();
    symlink("victim", desk.path("keyward.toml.lock")).unwrap();
    let said = keyward(&["accounts", "suspend", "acct_1", "--keys", &keys]);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("it is a link, or not a file; remove it"),
        "{}",
        said.err
    );
    assert_eq!(desk.text("victim"), "mine");
}
