//! The filter as an OCI image, and as a file that Envoy downloads. `scripts/image.py` packs the
//! image. In place of a mesh, the tests use tools from elsewhere on it: Debian's registry and
//! `skopeo`.

mod hashes;
mod layout;
mod registry;
mod release;
mod remote;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use keyward::digest::KeyDigest;
use serde_json::Value;

use crate::support::find;
use crate::support::process::Folder;

/// `scripts/sbom.sh` takes minutes, and the packing does not look at the content.
const SBOM: &[u8] = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1}"#;

/// An image layout, packed for a test.
struct Image {
    folder: Folder,
    /// The digests and references that the script printed.
    printed: Vec<(String, String)>,
}

impl Image {
    fn pack() -> Self {
        let folder = Folder::new("image");
        let sbom = folder.path().join("sbom.json");
        std::fs::write(&sbom, SBOM).unwrap();
        let output = packing(&find::wasm(), &folder.path().join("layout"), &sbom);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scripts/image.py: {said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let printed = printed
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(digest, name)| (digest.to_owned(), name.to_owned()))
            .collect();
        Self { folder, printed }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("layout")
    }

    /// Returns the digest that was printed for this reference.
    #[track_caller]
    fn digest(&self, reference: &str) -> &str {
        let found = self.printed.iter().find(|(_, name)| name == reference);
        &found
            .unwrap_or_else(|| panic!("{reference}: {:?}", self.printed))
            .0
    }

    #[track_caller]
    fn blob(&self, digest: &str) -> Vec<u8> {
        blob(&self.path(), digest)
    }

    #[track_caller]
    fn json(&self, digest: &str) -> Value {
        serde_json::from_slice(&self.blob(digest)).unwrap()
    }
}

fn packing(wasm: &Path, layout: &Path, sbom: &Path) -> Output {
    Command::new("python3")
        .arg(find::root().join("scripts/image.py"))
        .args([wasm, layout])
        .arg("--sbom")
        .arg(sbom)
        .output()
        .unwrap()
}

/// Returns a blob of the layout in this folder, and checks that its content has this digest.
#[track_caller]
fn blob(layout: &Path, digest: &str) -> Vec<u8> {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let content = std::fs::read(layout.join("blobs/sha256").join(hex)).unwrap();
    assert_eq!(sha256(&content), hex);
    content
}

fn sha256(content: &[u8]) -> String {
    KeyDigest::of(content).to_string()
}

/// The references of the two variants: `0.1.0`, and `0.1.0-artifact`.
const COMPAT: &str = env!("CARGO_PKG_VERSION");
const ARTIFACT: &str = concat!(env!("CARGO_PKG_VERSION"), "-artifact");

/// Extracts `plugin.wasm` from a layer with the machine's `tar` and its gzip.
#[track_caller]
fn plugin_wasm(layer: &[u8]) -> Vec<u8> {
    let folder = Folder::new("layer");
    let file = folder.path().join("layer.tar.gz");
    std::fs::write(&file, layer).unwrap();
    let tar = |arguments: &[&str]| {
        let output = Command::new("tar")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "tar: {output:?}");
        output.stdout
    };
    assert_eq!(tar(&["-tzf", "layer.tar.gz"]), b"plugin.wasm\n");
    tar(&["-xzOf", "layer.tar.gz", "plugin.wasm"])
}
