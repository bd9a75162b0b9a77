//! The server as a container image: what `scripts/server-image.py` packs runs by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_harness::process::Folder;
use serde_json::Value;

/// The user of the image.
const KEYWARD: u32 = 10_001;

#[test]
fn a_server_runs_from_its_image_with_nothing_else_around_it() {
    let folder = Folder::new("image");
    let layout = folder.path().join("layout");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/server-image.py");
    let packed = Command::new(&script)
        .arg(env!("CARGO_BIN_EXE_keyward-server"))
        .arg(&layout)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&packed.stderr);
    assert!(packed.status.success(), "{said}");
    let index = json(&layout.join("index.json"));
    let image = &index["manifests"][0];
    let printed = String::from_utf8(packed.stdout).unwrap();
    assert_eq!(printed.split(' ').next().unwrap(), image["digest"]);
    let manifest = json(&blob(&layout, image));
    let config = json(&blob(&layout, &manifest["config"]));
    assert_eq!(config["config"]["User"], format!("{KEYWARD}:{KEYWARD}"));
    let entry = config["config"]["Entrypoint"][0].as_str().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(blob(&layout, &manifest["layers"][0]))
        .arg("-C")
        .arg(&root)
        .status()
        .unwrap();
    assert!(unpacked.success());
    let owner = fs::metadata(root.join("var/lib/keyward")).unwrap();
    if std::os::unix::fs::MetadataExt::uid(&owner) != KEYWARD {
        eprintln!("skipped: to run what is in an image needs root");
        return;
    }
    let user = format!("--userspec={KEYWARD}:{KEYWARD}");
    let made = Command::new("chroot")
        .arg(&user)
        .arg(&root)
        .arg(entry)
        .args([
            "init",
            "--data",
            "/var/lib/keyward",
            "--run",
            "/run/keyward",
        ])
        .args(["--trusted-uid", "envoy"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    let checked = Command::new("chroot")
        .arg(&user)
        .arg(&root)
        .arg(entry)
        .args(["check", "--data", "/var/lib/keyward"])
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    // The values that init wrote are those that the command of the image reads.
    let command = config["config"]["Cmd"][2].as_str().unwrap();
    assert!(root.join(command.trim_start_matches('/')).exists());
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The blob of a descriptor.
fn blob(layout: &Path, descriptor: &Value) -> PathBuf {
    let digest = descriptor["digest"].as_str().unwrap();
    layout.join("blobs").join(digest.replace(':', "/"))
}
