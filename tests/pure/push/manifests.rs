//! Manifests for a mesh: the operator's own or a plain one, with the configuration as an object.

use super::*;

const OWN: &str = "# ours
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: keyward, namespace: istio-ingress}  # where
spec:
  phase: AUTHN
  pluginConfig:   # pushed
    snapshot: {}
  # last
  priority: 10
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter  # the interlock
metadata: {name: interlock}
";

#[test]
fn a_plain_wasm_plugin_goes_to_standard_output() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--wasm-plugin",
        "--image",
        "oci://registry.example/keyward:1",
        "--namespace",
        "istio-ingress",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        said.err,
        "pushed revision 8 with 1 key to standard output (+1 -0)\n"
    );
    let manifest = documents(&said.out).remove(0);
    assert_eq!(manifest["kind"], "WasmPlugin");
    assert_eq!(manifest["spec"]["phase"], "AUTHN");
    assert_eq!(manifest["spec"]["failStrategy"], "FAIL_RELOAD");
    assert_eq!(manifest["spec"]["pluginConfig"], configuration(8, &[ALICE]));
}

/// The document is rewritten as JSON, which kubectl reads as YAML. The other document stays
/// unchanged.
#[test]
fn an_own_manifest_keeps_all_but_the_configuration_and_its_comments() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let file = desk.path("plugin.yaml");
    fs::write(&file, OWN).unwrap();
    let file = file.to_str().unwrap();
    let mut expected = documents(OWN).remove(0);
    for revision in [8, 9] {
        desk.configuration(&configuration(revision, &[ALICE]));
        let said = keyward(&["push", "-c", &source, "--wasm-plugin", file]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let is_told = said.err.contains(&format!("`{file}` is JSON from now on, which is also YAML: every field stays, comments do not. `{file}.before` is the file as it was"));
        assert_eq!(is_told, revision == 8, "{}", said.err);
        assert_eq!(desk.text("plugin.yaml.before"), OWN);
        let text = desk.text("plugin.yaml");
        expected["spec"]["pluginConfig"] = configuration(revision, &[ALICE]);
        assert_eq!(documents(&text)[0], expected);
        let (plugin, interlock) = text.split_once("\n---\n").unwrap();
        let json: Value = serde_json::from_str(plugin.strip_prefix("---\n").unwrap()).unwrap();
        assert_eq!(json, expected);
        assert!(
            OWN.ends_with(interlock) && interlock.contains("# the interlock"),
            "{text}"
        );
    }
    // The file shows which revision it contains.
    desk.configuration(&configuration(7, &[BOB]));
    let said = keyward(&["push", "-c", &source, "--wasm-plugin", file]);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("holds revision 9, and this push has 7"),
        "{}",
        said.err
    );
}

/// The same template prints it each time, so nothing is lost and no copy is kept.
#[test]
fn a_plain_manifest_in_a_file_keeps_its_form() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    for (kind, more) in [
        ("--wasm-plugin", &["--namespace", "no"][..]),
        ("--envoy-extension-policy", &["--gateway", "1_000"]),
    ] {
        let file = desk.path(&format!("{kind}.yaml"));
        let file = file.to_str().unwrap();
        desk.configuration(&configuration(8, &[ALICE]));
        let image = ["--image", "oci://registry.example/keyward:1"];
        let first = [&["push", "-c", &source, kind, file][..], &image, more].concat();
        assert_eq!(keyward(&first).code, Some(0));
        let before = fs::read_to_string(file).unwrap();
        assert!(
            before.starts_with("apiVersion: ") && before.ends_with("}\n"),
            "{before}"
        );
        assert!(
            before.contains(": \"no\"\n") || before.contains(": \"1_000\"\n"),
            "{before}"
        );
        desk.configuration(&configuration(9, &[ALICE]));
        let said = keyward(&["push", "-c", &source, kind, file]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        let after = fs::read_to_string(file).unwrap();
        assert_eq!(after, before.replace("\"revision\": 8", "\"revision\": 9"));
        assert!(!Path::new(&format!("{file}.before")).exists());
        // With a comment, it is an operator's own.
        fs::write(file, format!("# ours\n{after}")).unwrap();
        desk.configuration(&configuration(10, &[ALICE]));
        let said = keyward(&["push", "-c", &source, kind, file]);
        assert!(said.err.contains("is the file as it was"), "{}", said.err);
        assert!(
            fs::read_to_string(format!("{file}.before"))
                .unwrap()
                .starts_with("# ours\n")
        );
    }
}

/// As JSON it would be a text for every reader, which it may not be now.
#[test]
fn what_readers_of_yaml_take_for_different_things_is_refused() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let file = desk.path("plugin.yaml");
    for (spelled, code) in [("on", 4), ("0644", 4), ("'on'", 0)] {
        let own = OWN.replace("priority: 10", &format!("priority: {spelled}"));
        fs::write(&file, &own).unwrap();
        let said = keyward(&[
            "push",
            "-c",
            &source,
            "--wasm-plugin",
            file.to_str().unwrap(),
        ]);
        assert_eq!(said.code, Some(code), "{}", said.err);
        if code == 4 {
            let expected = format!("it contains `{spelled}` without quotes");
            assert!(said.err.contains(&expected), "{}", said.err);
            assert_eq!(desk.text("plugin.yaml"), own);
        }
    }
}

/// As with a canary: two plugins in one file, each with a snapshot and its own revision.
#[test]
fn of_several_plugins_the_named_one_is_filled() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let file = desk.path("plugins.yaml");
    let (stable, interlock) = OWN.split_once("---\n").unwrap();
    let canary = stable.replace("name: keyward,", "name: keyward-canary,");
    fs::write(&file, format!("{stable}---\n{canary}---\n{interlock}")).unwrap();
    let file = file.to_str().unwrap();
    let arguments = ["push", "-c", &source, "--wasm-plugin", file];
    let named = |name: &str| keyward(&[&arguments[..], &["--name", name]].concat());
    assert_eq!(named("keyward-canary").code, Some(0));
    let read = || documents(&desk.text("plugins.yaml"));
    assert_eq!(read()[0]["spec"]["pluginConfig"], json!({"snapshot": {}}));
    assert_eq!(
        read()[1]["spec"]["pluginConfig"],
        configuration(8, &[ALICE])
    );
    // Without a name, the stable one.
    desk.configuration(&configuration(7, &[BOB]));
    let said = keyward(&arguments);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(read()[0]["spec"]["pluginConfig"], configuration(7, &[BOB]));
    assert_eq!(
        read()[1]["spec"]["pluginConfig"],
        configuration(8, &[ALICE])
    );
    let said = named("nobody");
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("expected one WasmPlugin named `nobody`"),
        "{}",
        said.err
    );
}

#[test]
fn a_manifest_has_no_place_for_the_packed_form() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--wasm-plugin",
        "--packed",
        "--image",
        "oci://registry.example/keyward:1",
    ]);
    assert_eq!((said.code, said.out.as_str()), (Some(4), ""));
    assert!(said.err.contains("the WasmPlugin contains a JSON object, and cannot carry the packed form; push to a file that Envoy reads (--ecds FILE.pb)"), "{}", said.err);
}

#[test]
fn an_extension_policy_is_filled_by_the_plugins_name() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--envoy-extension-policy",
        "--image",
        "registry.example/keyward:1",
        "--gateway",
        "eg",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let manifest = documents(&said.out).remove(0);
    assert_eq!(manifest["spec"]["targetRefs"][0]["name"], "eg");
    assert_eq!(
        manifest["spec"]["wasm"][0]["config"],
        configuration(8, &[ALICE])
    );

    let template = desk.path("policy.yaml");
    let own = "kind: EnvoyExtensionPolicy\nspec:\n  wasm:\n  - name: other\n    config: {x: 1}\n  - name: keys # ours\n    config: {}\n";
    fs::write(&template, own).unwrap();
    let arguments = [
        "push",
        "-c",
        &source,
        "--envoy-extension-policy",
        "-",
        "--template",
        template.to_str().unwrap(),
    ];
    let said = keyward(&arguments);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("one of the name that --name says"),
        "{}",
        said.err
    );
    let said = keyward(&[&arguments[..], &["--name", "keys"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.ends_with("}\n"), "{}", said.out);
    let manifest = documents(&said.out).remove(0);
    assert_eq!(manifest["spec"]["wasm"][0]["config"], json!({"x": 1}));
    assert_eq!(
        manifest["spec"]["wasm"][1]["config"],
        configuration(8, &[ALICE])
    );
}

#[test]
fn what_kubernetes_does_not_keep_is_refused_with_its_size() {
    let desk = Desk::new();
    let mut large = configuration(8, &[ALICE]);
    large["snapshot"]["keys"][0]["annotations"] = json!("x".repeat(1536 << 10));
    let source = desk.configuration(&large);
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--wasm-plugin",
        "--image",
        "oci://registry.example/keyward:1",
    ]);
    assert_eq!(said.code, Some(4));
    assert_eq!(said.out, "");
    assert!(
        said.err
            .contains("and Kubernetes keeps at most 1507328 of one object"),
        "{}",
        said.err
    );
    let said = keyward(&["push", "-c", &source, "--wasm-plugin"]);
    assert!(said.err.contains("--image"), "{}", said.err);
}
