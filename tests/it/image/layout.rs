//! The content of the layout that `scripts/image.py` writes.

use serde_json::json;

use super::*;

#[test]
fn twice_packed_is_the_same_image() {
    let [first, second] = [Image::pack(), Image::pack()];
    assert_eq!(first.printed, second.printed);
    let index = |image: &Image| std::fs::read(image.path().join("index.json")).unwrap();
    assert_eq!(index(&first), index(&second));
    let references: Vec<_> = first.printed.iter().map(|(_, name)| name.clone()).collect();
    let referrers = first.digest(COMPAT).replace(':', "-");
    assert_eq!(references, [COMPAT, ARTIFACT, &referrers]);
}

#[test]
fn the_compat_variant_has_one_layer_with_the_filter() {
    let image = Image::pack();
    let manifest = image.json(image.digest(COMPAT));
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
    assert_eq!(layers[0]["mediaType"], kind);
    let wasm = std::fs::read(find::wasm()).unwrap();
    let layer = image.blob(layers[0]["digest"].as_str().unwrap());
    assert_eq!(layers[0]["size"], layer.len());
    assert!(
        plugin_wasm(&layer) == wasm,
        "another filter is in the layer"
    );

    let annotations = &manifest["annotations"];
    assert_eq!(annotations["module.wasm.image/variant"], "compat");
    for (name, value) in [
        ("title", "keyward"),
        ("version", COMPAT),
        ("licenses", "Apache-2.0"),
    ] {
        let name = format!("org.opencontainers.image.{name}");
        assert_eq!(annotations[&name], value, "{name}");
    }
    assert!(annotations["org.opencontainers.image.created"].is_string());

    let config = image.json(manifest["config"]["digest"].as_str().unwrap());
    // The digest of the unpacked layer, which a runtime checks after unpacking.
    let unpacked = std::process::Command::new("gzip")
        .args(["-dc", "--"])
        .arg(
            image
                .path()
                .join("blobs/sha256")
                .join(&layers[0]["digest"].as_str().unwrap()[7..]),
        )
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "gzip: {unpacked:?}");
    let expected = format!("sha256:{}", sha256(&unpacked.stdout));
    assert_eq!(
        config["rootfs"],
        json!({"type": "layers", "diff_ids": [expected]})
    );
}

#[test]
fn the_artifact_variant_has_the_filter_as_it_is_beside_its_configuration() {
    let image = Image::pack();
    let manifest = image.json(image.digest(ARTIFACT));
    let of_type = |kind: &str| {
        let layers = manifest["layers"].as_array().unwrap();
        // Istio and Envoy Gateway require two layers.
        assert_eq!(layers.len(), 2);
        let found = layers.iter().find(|layer| layer["mediaType"] == kind);
        found.unwrap()["digest"].as_str().unwrap().to_owned()
    };
    let wasm = std::fs::read(find::wasm()).unwrap();
    let content = of_type("application/vnd.module.wasm.content.layer.v1+wasm");
    assert_eq!(content, format!("sha256:{}", sha256(&wasm)));
    assert!(image.blob(&content) == wasm);
    let configuration = of_type("application/vnd.module.wasm.config.v1+json");
    assert_eq!(
        image.json(&configuration),
        json!({"type": "envoy_proxy", "abiVersions": ["0.2.1"], "config": {"root_ids": ["keyward"]}})
    );
    assert_eq!(manifest["config"]["digest"], configuration);
    let abi = b"proxy_abi_version_0_2_1";
    assert!(wasm.windows(abi.len()).any(|window| window == abi));
}

#[test]
fn the_sbom_refers_to_the_image() {
    let image = Image::pack();
    let tag = image.digest(COMPAT).replace(':', "-");
    let index = image.json(image.digest(&tag));
    let listed = &index["manifests"][0];
    assert_eq!(listed["artifactType"], "application/vnd.cyclonedx+json");
    let manifest = image.json(listed["digest"].as_str().unwrap());
    assert_eq!(manifest["artifactType"], "application/vnd.cyclonedx+json");
    assert_eq!(manifest["subject"]["digest"], image.digest(COMPAT));
    let sbom = manifest["layers"][0]["digest"].as_str().unwrap();
    assert_eq!(image.blob(sbom), SBOM);
}

#[test]
fn what_is_no_module_is_not_packed() {
    let folder = Folder::new("image");
    let text = folder.path().join("plugin.wasm");
    std::fs::write(&text, "no module").unwrap();
    let layout = folder.path().join("layout");
    let output = packing(&text, &layout, &text);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no WebAssembly module"));
    assert!(!layout.exists());
}
