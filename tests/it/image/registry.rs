//! The image in a registry: pushed with `skopeo` to Debian's `docker-registry` on loopback, pulled
//! again, and unchanged.

use std::fs::{self, File};

use super::*;
use crate::support::process::Guarded;
use crate::support::{BOUND, eventually};

/// A registry on a free port of the loopback interface, and the client to use it.
struct Registry {
    _process: Guarded,
    _folder: Folder,
    port: u16,
    skopeo: PathBuf,
}

impl Registry {
    /// Starts a registry. If the machine cannot run one, prints a line and returns `None`.
    fn start(test: &str) -> Option<Self> {
        let script = find::root().join("scripts/registry.sh");
        let output = Command::new(&script).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(3) {
            crate::sdk::script::skipped(&format!("{test}: {}", said.trim_end()));
            return None;
        }
        assert!(output.status.success(), "scripts/registry.sh: {said}");
        let programs = String::from_utf8(output.stdout).unwrap();
        let (registry, skopeo) = programs.trim_end().split_once('\n').unwrap();

        let folder = Folder::new("registry");
        let data = folder.path().join("data");
        let configuration = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n",
            data.display()
        );
        let (file, log) = (folder.path().join("config.yml"), folder.path().join("log"));
        fs::write(&file, configuration).unwrap();
        let mut process = Guarded::spawn(
            Command::new(registry)
                .arg("serve")
                .arg(&file)
                .stdout(File::create(folder.path().join("stdout")).unwrap())
                .stderr(File::create(&log).unwrap()),
        )
        .unwrap();
        let port = eventually("the registry listens", BOUND, || {
            let log = fs::read_to_string(&log).unwrap();
            assert!(!process.has_ended(), "the registry ended: {log}");
            let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
            rest.split_once('"')?.0.parse().ok()
        });
        Some(Self {
            _process: process,
            _folder: folder,
            port,
            skopeo: PathBuf::from(skopeo),
        })
    }

    fn place(&self, tag: &str) -> String {
        format!("docker://127.0.0.1:{}/keyward:{tag}", self.port)
    }

    #[track_caller]
    fn skopeo(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(&self.skopeo).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "skopeo {arguments:?}: {said}");
        output.stdout
    }

    #[track_caller]
    fn push(&self, image: &Image, tag: &str) {
        let from = format!("oci:{}:{tag}", image.path().display());
        let options = ["--insecure-policy", "--dest-tls-verify=false", "--all"];
        self.skopeo(&[&["copy"], &options[..], &[&from, &self.place(tag)]].concat());
    }

    #[track_caller]
    fn pull(&self, tag: &str, to: &Path) {
        let to = format!("oci:{}:{tag}", to.display());
        let options = ["--insecure-policy", "--src-tls-verify=false", "--all"];
        self.skopeo(&[&["copy"], &options[..], &[&self.place(tag), &to]].concat());
    }

    /// Returns the manifest as the registry serves it.
    #[track_caller]
    fn manifest(&self, tag: &str) -> Vec<u8> {
        self.skopeo(&["inspect", "--raw", "--tls-verify=false", &self.place(tag)])
    }
}

#[test]
fn what_is_pulled_from_a_registry_is_what_was_packed() {
    let Some(registry) = Registry::start("image::registry") else {
        return;
    };
    let image = Image::pack();
    let wasm = std::fs::read(find::wasm()).unwrap();
    let pulled = Folder::new("pulled");
    for tag in [COMPAT, ARTIFACT] {
        registry.push(&image, tag);
        let served = registry.manifest(tag);
        assert_eq!(format!("sha256:{}", sha256(&served)), image.digest(tag));
        let to = pulled.path().join(tag);
        registry.pull(tag, &to);
        let manifest: Value = serde_json::from_slice(&blob(&to, image.digest(tag))).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        let layer = blob(&to, layers.last().unwrap()["digest"].as_str().unwrap());
        let got = if tag == COMPAT {
            plugin_wasm(&layer)
        } else {
            layer
        };
        assert_eq!(sha256(&got), sha256(&wasm), "{tag}");
    }
    // By its digest, which is how a mesh should refer to it.
    let by_digest = registry
        .place(COMPAT)
        .replace(&format!(":{COMPAT}"), &format!("@{}", image.digest(COMPAT)));
    let served = registry.skopeo(&["inspect", "--raw", "--tls-verify=false", &by_digest]);
    assert_eq!(format!("sha256:{}", sha256(&served)), image.digest(COMPAT));
}

#[test]
fn the_sbom_is_found_by_the_digest_of_the_image() {
    let Some(registry) = Registry::start("image::registry") else {
        return;
    };
    let image = Image::pack();
    let tag = image.digest(COMPAT).replace(':', "-");
    registry.push(&image, COMPAT);
    registry.push(&image, &tag);
    // A client that does not know all members of the list may rewrite it, but not what it lists.
    let list: Value = serde_json::from_slice(&registry.manifest(&tag)).unwrap();
    let listed = list["manifests"][0]["digest"].as_str().unwrap();
    let packed = image.json(image.digest(&tag));
    assert_eq!(packed["manifests"][0]["digest"], listed);
    let pulled = Folder::new("pulled");
    let to = pulled.path().join("sbom");
    registry.pull(&tag, &to);
    let manifest: Value = serde_json::from_slice(&blob(&to, listed)).unwrap();
    assert_eq!(manifest["subject"]["digest"], image.digest(COMPAT));
    let sbom = manifest["layers"][0]["digest"].as_str().unwrap();
    assert_eq!(blob(&to, sbom), SBOM);
}
