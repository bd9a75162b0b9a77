//! Runs `scripts/release.py` in a small tree: checks the files that it collects, and the states
//! that it rejects.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// A committed tree with the files that the script reads, and stand-ins for those that
/// `make release` builds.
struct Tree(Folder);

const TESTED: &str = "x86_64-unknown-linux-gnu";
const UNTESTED: &str = "aarch64-unknown-linux-gnu";

/// Returns where `scripts/native.sh` puts the native module of a target.
fn module(target: &str) -> String {
    format!("native/libkeyward-{COMPAT}-{target}.so")
}

impl Tree {
    fn new(changelog: &str) -> Self {
        let tree = Self(Folder::new("release"));
        let of_ours = [
            "scripts/release.py",
            "Cargo.toml",
            "Cargo.lock",
            "rust-toolchain.toml",
            "server/keyward-server.service",
        ];
        for name in of_ours {
            let text = std::fs::read(find::root().join(name)).unwrap();
            tree.write(name, &text);
        }
        tree.write("CHANGELOG.md", changelog.as_bytes());
        tree.write(".gitignore", b"/target\n");
        for name in [
            "wasm32-wasip1/release/keyward.wasm",
            "release/keyward",
            "release/keyward-server",
            "keyward.wasm.cdx.json",
            "keyward.cdx.json",
            "keyward-server.cdx.json",
            "libkeyward.so.cdx.json",
            "image/index.json",
            &module(TESTED),
            &module(UNTESTED),
        ] {
            tree.write(&format!("target/{name}"), name.as_bytes());
        }
        tree.git(&["init", "--quiet"]);
        tree.git(&["add", "."]);
        tree.git(&["commit", "--quiet", "--message", "release"]);
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let output = Command::new("git")
            .current_dir(self.0.path())
            .args(who)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn release(&self) -> Output {
        Command::new("python3")
            .arg(self.path("scripts/release.py"))
            .output()
            .unwrap()
    }

    #[track_caller]
    fn assert_refused(&self, why: &str) {
        let output = self.release();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!self.path(&format!("target/release-{COMPAT}")).exists());
    }
}

fn changelog() -> String {
    format!(
        "# Changelog\n\n## [Unreleased]\n\n## [{COMPAT}] - 2026-11-28\n\n- ★ One thing.\n\n## [0.0.1] - 2026-01-01\n\n- Old.\n"
    )
}

#[test]
fn a_release_is_complete_and_its_checksums_hold() {
    let tree = Tree::new(&changelog());
    let output = tree.release();
    assert!(output.status.success(), "{output:?}");
    let folder = tree.path(&format!("target/release-{COMPAT}"));
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let files = std::fs::read_dir(&folder).unwrap().count();
    // All files except the list.
    assert_eq!((sums.lines().count(), files), (13, 14), "{sums}");

    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(
        read("NOTES.md"),
        format!("## [{COMPAT}] - 2026-11-28\n\n- ★ One thing.\n")
    );
    let wasm = read(&format!("keyward-{COMPAT}.wasm"));
    assert_eq!(wasm, "wasm32-wasip1/release/keyward.wasm");
    let native = read(&format!("libkeyward-{COMPAT}-{TESTED}.so"));
    assert_eq!(native, module(TESTED));
    // A module that no test has run has that in its name.
    let native = read(&format!("libkeyward-{COMPAT}-{UNTESTED}.not-tested.so"));
    assert_eq!(native, module(UNTESTED));
    let server = std::fs::read_dir(&folder).unwrap().find_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let of_host = name.strip_prefix(&format!("keyward-server-{COMPAT}-"))?;
        (!of_host.ends_with(".json")).then(|| entry.metadata().unwrap().permissions().mode())
    });
    assert_eq!(server.map(|mode| mode & 0o777), Some(0o755));
    let statement: Value =
        serde_json::from_str(&read(&format!("keyward-{COMPAT}.intoto.json"))).unwrap();
    let subjects = statement["subject"].as_array().unwrap();
    assert_eq!(subjects.len(), 12);
    for subject in subjects {
        let content = std::fs::read(folder.join(subject["name"].as_str().unwrap())).unwrap();
        assert_eq!(subject["digest"]["sha256"], sha256(&content), "{subject}");
    }
    let commit = &statement["predicate"]["buildDefinition"]["externalParameters"]["commit"];
    assert_eq!(commit.as_str().map(str::len), Some(40));
    // A second run has the same result.
    assert!(tree.release().status.success());
    assert_eq!(read("SHA256SUMS"), sums);
}

#[test]
fn a_release_of_what_nobody_can_look_up_is_refused() {
    let tree = Tree::new(&changelog());
    tree.write("Cargo.lock", b"changed");
    tree.assert_refused("the tree has changes");
    for unreleased in [
        "# Changelog\n\n## [Unreleased]\n",
        &changelog().replace(" - 2026-11-28", ""),
    ] {
        let tree = Tree::new(unreleased);
        tree.assert_refused("CHANGELOG.md has no section");
    }
}

#[test]
fn a_release_without_the_tested_native_module_is_refused() {
    let tree = Tree::new(&changelog());
    std::fs::remove_file(tree.path(&format!("target/{}", module(TESTED)))).unwrap();
    tree.assert_refused("no native module");
}
