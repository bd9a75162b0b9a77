//! `server/keyward-server.service`: what it must contain, and what systemd itself reports about it,
//! if the machine has systemd.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::find::root;
use crate::support::process::Folder;

fn text() -> String {
    fs::read_to_string(root().join("server/keyward-server.service")).unwrap()
}

/// Returns the settings of `[Service]`. Repeated settings are joined.
fn service() -> BTreeMap<String, String> {
    let text = text();
    let part = text.split("[Service]\n").nth(1).unwrap();
    let part = part.split("\n[").next().unwrap();
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for line in part.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').unwrap();
        let joined = settings.entry(name.to_owned()).or_default();
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(value);
    }
    settings
}

#[test]
fn the_unit_confines_the_server_and_lets_it_see_who_connects() {
    let service = service();
    let value = |name: &str| service.get(name).map(String::as_str);
    for (name, expected) in [
        ("User", "keyward"),
        ("StateDirectoryMode", "0700"),
        ("RuntimeDirectoryMode", "0750"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("PrivateNetwork", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX"),
        ("MemoryDenyWriteExecute", "yes"),
        ("LimitCORE", "0"),
    ] {
        assert_eq!(value(name), Some(expected), "{name}");
    }
    // With either of them, the kernel reports Envoy's user as another one.
    assert_eq!(value("PrivateUsers"), None);
    assert_eq!(value("DynamicUser"), None);
}

/// The unit opens the same folders that the page asks the reader to create.
#[test]
fn the_unit_has_the_folders_of_the_page() {
    let page = fs::read_to_string(root().join("docs/server.md")).unwrap();
    let service = service();
    let value = |name: &str| service[name].as_str();
    for (option, folder) in [
        ("--data", format!("/var/lib/{}", value("StateDirectory"))),
        ("--run", format!("/run/{}", value("RuntimeDirectory"))),
        ("--envoy", value("ReadWritePaths").to_owned()),
    ] {
        let said = format!("{option} {folder} ");
        assert!(page.contains(&said), "docs/server.md has no `{said}`");
    }
    let command = value("ExecStart").split_once(' ').unwrap().1;
    let configuration = format!("/var/lib/{}/keyward-server.toml", value("StateDirectory"));
    assert_eq!(command, format!("serve --config {configuration}"));
}

#[test]
fn systemd_takes_the_unit_and_finds_it_confined() {
    let is_there = Command::new("systemd-analyze").arg("--version").output();
    if is_there.is_err() {
        eprintln!("skipped: this machine has no systemd-analyze");
        return;
    }
    let folder = Folder::new("unit");
    let path = folder.path().join("keyward-server.service");
    // The program need not be installed here, but systemd requires one.
    let text = text();
    let here = text.replace("ExecStart=/usr/bin/keyward-server", "ExecStart=/bin/true");
    assert_ne!(here, text);
    fs::write(&path, here).unwrap();
    // The second limits what systemd calls exposure: a threshold of 10 means 1.0 out of 10.
    for arguments in [
        &["verify", "--man=no"][..],
        &["security", "--offline=true", "--no-pager", "--threshold=10"],
    ] {
        let output = Command::new("systemd-analyze")
            .args(arguments)
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains("Unknown"), "{arguments:?}: {said}");
    }
}
