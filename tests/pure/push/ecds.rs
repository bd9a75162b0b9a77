//! The file that Envoy watches: what a push changes in it, and what it rejects.

use super::*;

#[test]
fn all_but_the_configuration_stays_as_it_was() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let ecds = desk.path("keyward.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let before = desk.text("keyward.yaml");
    let mut expected = documents(&before).remove(0);
    for revision in [8, 9] {
        desk.configuration(&configuration(revision, &[ALICE]));
        let said = keyward(&["push", "-c", &source, "--ecds", ecds.to_str().unwrap()]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let is_told = said.err.contains("is JSON from now on, which is also YAML");
        assert_eq!(is_told, revision == 8, "{}", said.err);
        assert_eq!(desk.text("keyward.yaml.before"), before);
        let text = desk.text("keyward.yaml");
        let after = documents(&text).remove(0);
        expected["version_info"] = json!(revision.to_string());
        let pointer = "/resources/0/typed_config/config/configuration/value";
        *expected.pointer_mut(pointer).unwrap() = after.pointer(pointer).unwrap().clone();
        assert_eq!(after, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        assert!(text.ends_with("}\n"));
        assert_eq!(carried(&ecds), configuration(revision, &[ALICE]));
    }
}

#[test]
fn the_file_stays_as_readable_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let ecds = desk.path("keyward.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    fs::set_permissions(&ecds, fs::Permissions::from_mode(0o640)).unwrap();
    let said = keyward(&["push", "-c", &source, "--ecds", ecds.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let mode = fs::metadata(&ecds).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn what_is_no_file_of_keywards_is_left_alone() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    for (name, content, why) in [
        ("a.yaml", "resources: []\n", "expected a discovery response"),
        ("a.yaml", "a: [\n", "expected YAML"),
        ("a.json", "{", "expected JSON"),
        ("a.pb", "\u{1}\u{2}", "expected a binary discovery response"),
        ("a.txt", "", "must end in .json, .yaml, .yml or .pb"),
    ] {
        let path = desk.path(name);
        fs::write(&path, content).unwrap();
        let said = keyward(&["push", "-c", &source, "--ecds", path.to_str().unwrap()]);
        assert_eq!(said.code, Some(4), "{name}");
        assert!(said.err.contains(why), "{name}: {}", said.err);
        assert_eq!(desk.text(name), content);
    }
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--ecds",
        desk.path("b.pb").to_str().unwrap(),
    ]);
    assert!(
        said.err.contains("--template envoy/ecds/keyward.yaml"),
        "{}",
        said.err
    );
}

#[test]
fn what_the_way_cannot_carry_is_refused_with_its_size() {
    let desk = Desk::new();
    let mut large = configuration(8, &[ALICE]);
    large["snapshot"]["keys"][0]["annotations"] = json!("x".repeat(1 << 20));
    let source = desk.configuration(&large);
    let ecds = desk.path("keyward.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let before = desk.text("keyward.yaml");
    let arguments = ["push", "-c", &source, "--ecds", ecds.to_str().unwrap()];
    let said = keyward(&[&arguments[..], &["--config-map"]].concat());
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("bytes, and a ConfigMap holds 1048576"),
        "{}",
        said.err
    );
    assert_eq!(desk.text("keyward.yaml"), before);
    assert_eq!(keyward(&arguments).code, Some(0));

    // One byte more than the filter reads.
    let rest = 129 << 20;
    large["snapshot"]["revision"] = json!(9);
    large["snapshot"]["keys"][0]["annotations"] = json!("x".repeat(rest));
    desk.configuration(&large);
    let said = keyward(&arguments);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("the filter takes at most 134217728"),
        "{}",
        said.err
    );
}
