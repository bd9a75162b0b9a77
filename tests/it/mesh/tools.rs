//! The tools that `scripts/mesh.sh` sets up: kubectl, and the schemas of the projects. On a machine
//! that cannot have them, the tests that need them print a line and are skipped.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use crate::support::bootstrap::documents;
use crate::support::find::root;

/// Returns kubectl, without a cluster.
fn kubectl(what: &str) -> Option<Command> {
    static KUBECTL: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(kubectl) = KUBECTL.get_or_init(|| set_up("kubectl")) else {
        tell(&format!("SKIPPED, for lack of kubectl: {what}"));
        return None;
    };
    let mut command = Command::new(kubectl);
    command.env("KUBECONFIG", "/dev/null");
    Some(command)
}

/// Returns what kubectl reads in a manifest, as the JSON that it would send.
pub fn read_by_kubectl(manifest: &Path) -> Option<Value> {
    let output = kubectl("what kubectl reads")?
        .args(["label", "--local", "-o", "json", "read=yes", "-f"])
        .arg(manifest)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Returns the manifests of a folder below `envoy`, as kustomize builds them: once for all tests.
pub fn kustomized(overlay: &str) -> Option<Vec<Value>> {
    static BUILT: Mutex<BTreeMap<String, Vec<Value>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(manifests) = built.get(overlay) {
        return Some(manifests.clone());
    }
    let output = kubectl(overlay)?
        .arg("kustomize")
        .arg(root().join("envoy").join(overlay))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // kubectl would report deprecated members there as well.
    assert_eq!(said, "");
    let manifests = documents(&String::from_utf8(output.stdout).unwrap());
    built.insert(overlay.to_owned(), manifests.clone());
    Some(manifests)
}

/// Returns the faults that the projects' schemas find in each of these manifests.
pub fn wrong(manifests: &[Value]) -> Option<Vec<Vec<String>>> {
    static SCHEMAS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let Some(folder) = SCHEMAS.get_or_init(|| set_up("schemas")) else {
        tell("SKIPPED, for lack of Node: the schemas of Istio and Envoy Gateway");
        return None;
    };
    let mut child = Command::new("node")
        // Node then looks for imports next to the link to the script, and not next to the script
        // itself.
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(folder.join("scripts/check.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = serde_json::to_vec(manifests).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let wrong: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(wrong.len(), manifests.len());
    Some(wrong)
}

/// Returns what `scripts/mesh.sh` prints, or `None` if it reports that the tool is not available.
/// Any other failure fails the test.
fn set_up(tool: &str) -> Option<PathBuf> {
    let output = Command::new(root().join("scripts/mesh.sh"))
        .arg(tool)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        tell(said.trim_end());
        return None;
    }
    assert!(output.status.success(), "scripts/mesh.sh {tool}: {said}");
    let path = String::from_utf8(output.stdout).unwrap();
    Some(PathBuf::from(path.trim()))
}

/// Prints a line past the capture of a passing test's output.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
