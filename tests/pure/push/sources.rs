//! A target contains the name of the source of its keys.

use super::*;
use crate::support::key_file::read;

const OTHER: &str = "file:other-1";

fn version(path: &Path) -> String {
    let response: Value = serde_norway::from_slice(&fs::read(path).unwrap()).unwrap();
    response["version_info"].as_str().unwrap().to_owned()
}

#[test]
fn a_target_without_a_name_is_taken_over_with_a_warning() {
    let desk = Desk::new();
    let path = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &path).unwrap();
    let ecds = path.to_str().unwrap();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let unnamed = ["push", "-c", &source, "--ecds", ecds];
    assert_eq!(keyward(&unnamed).code, Some(0));
    assert_eq!(version(&path), "8");
    let said = keyward(&[&unnamed[..], &["--source", OTHER]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        said.err,
        format!(
            "keyward: warning: {ecds} had keys without the name of a source; it is `{OTHER}`'s from now on\n"
        )
    );
    assert_eq!(version(&path), format!("8 {OTHER}"));
    // A push without a name counts as another source, and the message says what to do.
    desk.configuration(&configuration(9, &[ALICE]));
    let said = keyward(&unnamed);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err
            .contains(&format!("Say --source {OTHER} if it is the same source")),
        "{}",
        said.err
    );
    let said = keyward(&[&unnamed[..], &["--source", OTHER]].concat());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let said = keyward(&[&unnamed[..], &["--reissue", "--take-over"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!version(&path).contains(' '));
    for wrong in ["other-1", "disk:1", "file:", "file:a b"] {
        let said = keyward(&[&unnamed[..], &["--source", wrong]].concat());
        assert_eq!(said.code, Some(2), "{wrong}");
    }
}

/// The shipped file has a version, but an operator's own may have none.
#[test]
fn a_file_without_a_version_gets_one() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    for (name, prefix) in [("a.yaml", "# ours\n"), ("a.json", "")] {
        let mut response = crate::support::bootstrap::shipped_ecds();
        response.as_object_mut().unwrap().remove("version_info");
        let text = match name {
            "a.json" => response.to_string(),
            _ => serde_norway::to_string(&response).unwrap(),
        };
        let path = desk.path(name);
        fs::write(&path, format!("{prefix}{text}")).unwrap();
        let ecds = path.to_str().unwrap();
        let said = keyward(&["push", "-c", &source, "--ecds", ecds, "--source", OTHER]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert_eq!(version(&path), format!("8 {OTHER}"));
    }
}

#[test]
fn a_manifest_carries_it_in_an_annotation() {
    let desk = Desk::new();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let file = desk.path("plugin.yaml");
    let own = "# ours\nkind: WasmPlugin\nmetadata: # where\n  name: keyward\nspec:\n  pluginConfig: {}\n---\nkind: EnvoyExtensionPolicy\nmetadata: {name: keyward, annotations: {a: b}}\nspec:\n  wasm:\n  - name: keyward\n    config: {}\n";
    fs::write(&file, own).unwrap();
    let file = file.to_str().unwrap();
    let read = |number: usize| -> Value {
        use serde::Deserialize;
        let text = desk.text("plugin.yaml");
        let mut documents = serde_norway::Deserializer::from_str(&text);
        Value::deserialize(documents.nth(number).unwrap()).unwrap()
    };
    for (option, number) in [("--wasm-plugin", 0), ("--envoy-extension-policy", 1)] {
        let push = ["push", "-c", &source, option, file, "--source"];
        let with = |name: &str, more: &[&str]| keyward(&[&push[..], &[name], more].concat());
        let said = with(OTHER, &[]);
        assert_eq!(said.code, Some(0));
        assert!(
            said.err.is_empty() || said.err.contains("is the file as it was"),
            "{}",
            said.err
        );
        let annotations = read(number)["metadata"]["annotations"].clone();
        assert_eq!(annotations["keyward/source"], OTHER);
        let said = with("file:mine", &[]);
        assert_eq!(said.code, Some(4));
        assert!(
            said.err.contains("holds the keys of `file:other-1`"),
            "{}",
            said.err
        );
        let said = with("file:mine", &["--take-over", "--reissue"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let annotations = read(number)["metadata"]["annotations"].clone();
        assert_eq!(annotations["keyward/source"], "file:mine");
    }
    assert_eq!(read(1)["metadata"]["annotations"]["a"], "b");
    // A plain one contains it from the start.
    let image = ["--image", "oci://registry.example/keyward:1"];
    let push = ["push", "-c", &source, "--wasm-plugin", "--source", OTHER];
    let said = keyward(&[&push[..], &image].concat());
    let made: Value = serde_norway::from_str(&said.out).unwrap();
    assert_eq!(made["metadata"]["annotations"]["keyward/source"], OTHER);
    assert_eq!(made["metadata"]["name"], "keyward");
}

#[test]
fn a_key_file_is_named_at_its_next_edit_and_then_never_again() {
    let desk = Desk::new();
    let keys = desk.keys("", &[ALICE]);
    let before = desk.text("keyward.toml");
    let path = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &path).unwrap();
    let ecds = path.to_str().unwrap();
    // A push changes no key file, and reports what is missing.
    let said = push(&keys, ecds, &[]);
    assert_eq!(said.code, Some(0));
    assert!(
        said.err
            .contains(&format!("keyward: warning: `{keys}` has no name, ")),
        "{}",
        said.err
    );
    assert_eq!(desk.text("keyward.toml"), before);
    // For a read-only key file, the operator names the source.
    let said = push(&keys, ecds, &["--source", OTHER]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(version(&path).ends_with(&format!(" {OTHER}")));

    let suspend = ["accounts", "suspend", "acct_1", "--keys", &keys];
    assert_eq!(keyward(&suspend).code, Some(0));
    let name = read(&desk.text("keyward.toml")).source().unwrap();
    assert!(name.is_of_file() && name.as_str().len() == "file:".len() + 16);
    // Nothing changes except the name and the edit itself.
    let line =
        format!("source = \"{name}\" # made once, never edited: what is pushed carries it\n");
    let after = desk.text("keyward.toml");
    let rest = after
        .replacen(&line, "", 1)
        .replacen("status = \"suspended\"\n", "", 1);
    assert_eq!(rest, before);
    let journal = crate::support::key_file::journal(&desk.path("keyward.toml.journal"));
    let change = json!({"source": name.as_str(), "did": "added"});
    assert!(journal[0]["changes"].as_array().unwrap().contains(&change));
    let resume = ["accounts", "resume", "acct_1", "--keys", &keys];
    assert_eq!(keyward(&resume).code, Some(0));
    assert_eq!(
        read(&desk.text("keyward.toml")).source(),
        Some(name.clone())
    );

    // Now the file has a name, and no option can override it.
    let said = push(&keys, ecds, &[]);
    assert_eq!(said.code, Some(4));
    let said = push(&keys, ecds, &["--source", OTHER]);
    assert!(
        said.err.contains(&format!(
            "the key file is `{name}`, and --source says `{OTHER}`"
        )),
        "{}",
        said.err
    );
    let said = push(&keys, ecds, &["--take-over"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(version(&path).ends_with(name.as_str()));
}

#[test]
fn a_folder_has_one_name() {
    let desk = Desk::new();
    let folder = desk.path("keys.d");
    fs::create_dir(&folder).unwrap();
    let settings = "format = \"keyward.keys/v1\"\n\n[configuration]\n";
    let account = "format = \"keyward.keys/v1\"\n\n[[accounts]]\nid = \"acct_1\"\n";
    fs::write(folder.join("a.toml"), account).unwrap();
    fs::write(folder.join("b.toml"), settings).unwrap();
    let keys = folder.to_str().unwrap();
    let add = [
        "accounts",
        "add",
        "acct_2",
        "--no-keys",
        "--file",
        "a",
        "--keys",
        keys,
    ];
    let said = keyward(&add);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert!(text("a.toml").contains("acct_2") && !text("a.toml").contains("source"));
    assert!(text("b.toml").contains("source = \"file:"));
    let journal = crate::support::key_file::journal(&folder.join("b.toml.journal"));
    assert_eq!(journal[0]["changes"][0]["did"], "added");
    // A second name is a fault, as with everything that two files set.
    fs::write(
        folder.join("c.toml"),
        "format = \"keyward.keys/v1\"\nsource = \"file:b\"\n",
    )
    .unwrap();
    let said = keyward(&["snapshot", "check", keys]);
    assert!(
        said.err.contains("source: another file has this already"),
        "{}",
        said.err
    );
    fs::write(
        folder.join("c.toml"),
        "format = \"keyward.keys/v1\"\nsource = \"server:b\"\n",
    )
    .unwrap();
    let said = keyward(&["snapshot", "check", keys]);
    assert!(
        said.err
            .contains("c.toml:2: source: expected `file:` and an id"),
        "{}",
        said.err
    );
}

/// `keyward push` works as printed in the next step.
#[test]
fn the_usual_target_is_named_by_the_key_file_or_the_environment() {
    let desk = Desk::new();
    let template = find::root().join("envoy/ecds/keyward.yaml");
    for name in ["a.yaml", "b.yaml", "c.yaml"] {
        fs::copy(&template, desk.path(name)).unwrap();
    }
    let keys = desk.keys("", &[ALICE]);
    let said = keyward(&["push", "--keys", &keys]);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err
            .contains("by `[push]` with `ecds = \"FILE\"` in the key file, or by KEYWARD_ECDS"),
        "{}",
        said.err
    );
    let text = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, format!("{text}\n[push]\necds = \"a.yaml\"\n")).unwrap();
    // Relative to the key file's folder, whatever the current folder is.
    let run = |environment: Option<&str>, more: &[&str]| {
        let mut command = crate::support::command::command();
        command
            .current_dir("/")
            .args(["push", "--keys", &keys])
            .args(more);
        if let Some(file) = environment {
            command.env("KEYWARD_ECDS", desk.path(file));
        }
        let said: Said = command.output().unwrap().into();
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out
    };
    assert!(run(None, &[]).contains("a.yaml (+1 -0)"));
    assert!(run(Some("b.yaml"), &[]).contains("b.yaml (+1 -0)"));
    let c = desk.path("c.yaml");
    assert!(run(Some("b.yaml"), &["--ecds", c.to_str().unwrap()]).contains("c.yaml (+1 -0)"));
}
