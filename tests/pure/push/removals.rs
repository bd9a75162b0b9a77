//! A push from the wrong key file removes working keys, and is rejected. Keys that the key file
//! itself ends are never held back.

use super::*;

fn target(desk: &Desk, name: &str) -> String {
    let path = desk.path(name);
    match name {
        "plugin.yaml" => fs::write(
            &path,
            "kind: WasmPlugin\nmetadata: {name: a}\nspec:\n  pluginConfig: {}\n",
        )
        .unwrap(),
        "ecds.json" => {
            let shipped = crate::support::bootstrap::shipped_ecds();
            fs::write(&path, shipped.to_string()).unwrap();
        }
        _ => {
            fs::copy(
                find::root().join("envoy/ecds/keyward.yaml"),
                desk.path("ecds.yaml"),
            )
            .unwrap();
        }
    }
    path.to_str().unwrap().to_owned()
}

/// 59 keys are replaced by 5, as in a real incident: for every kind of target, packed or not.
#[test]
fn the_wrong_key_file_is_rejected_and_nothing_is_written() {
    for (name, option, more) in [
        ("ecds.yaml", "--ecds", &[][..]),
        ("ecds.json", "--ecds", &["--packed"]),
        ("ecds.pb", "--ecds", &["--template", "ecds.yaml"]),
        (
            "packed.pb",
            "--ecds",
            &["--packed", "--template", "ecds.yaml"],
        ),
        ("plugin.yaml", "--wasm-plugin", &[]),
    ] {
        let desk = Desk::new();
        let file = target(&desk, name);
        let more: Vec<String> = more
            .iter()
            .map(|word| match *word {
                "ecds.yaml" => desk.path(word).to_str().unwrap().to_owned(),
                word => word.to_owned(),
            })
            .collect();
        let source = desk.configuration(&of(8, &many(59)));
        let mut push = vec!["push", "-c", &source, option, &file];
        push.extend(more.iter().map(String::as_str));
        let said = keyward(&push);
        let pushed = format!("pushed revision 8 with 59 keys to {file} (+59 -0)\n");
        assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
        let before = fs::read(&file).unwrap();

        let mut wrong = of(9, &["sk_test_FAKE-other".to_owned()]);
        wrong["snapshot"]["accounts"] = json!([{"id": "acct_9"}]);
        wrong["snapshot"]["keys"][0]["owner"] = json!("acct_9");
        desk.configuration(&wrong);
        let said = keyward(&push);
        let expected = format!(
            "accounts that disappear: acct_1\nkeyward: {file}: 59 of 59 working keys and the account acct_1 are missing, so nothing was written (+1 -59). Put `{source}` right, or say --allow-removals if that is meant\n"
        );
        assert_eq!((said.code, said.out.as_str()), (Some(4), ""), "{name}");
        assert_eq!(said.err, expected);
        assert_eq!(fs::read(&file).unwrap(), before, "{name}");
        // A dry run shows the same, with the same exit code as the push.
        let said = keyward(&[&push[..], &["--dry-run"]].concat());
        assert_eq!(said.code, Some(4));
        assert!(said.out.contains("would bring +1 -59:\n"), "{}", said.out);
        assert!(
            said.out.contains("- account acct_1 is gone\n"),
            "{}",
            said.out
        );

        let said = keyward(&[&push[..], &["--allow-removals"]].concat());
        let pushed = format!(
            "pushed revision 9 with 1 key to {file} (+1 -59)\naccounts that disappear: acct_1\n"
        );
        assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
    }
}

#[test]
fn an_account_that_is_missing_is_enough() {
    let desk = Desk::new();
    let ecds = target(&desk, "ecds.yaml");
    let mut written = of(8, &many(30));
    written["snapshot"]["accounts"] = json!([{"id": "acct_1"}, {"id": "acct_2"}]);
    let source = desk.configuration(&written);
    let push = ["push", "-c", &source, "--ecds", &ecds];
    assert_eq!(keyward(&push).code, Some(0));
    desk.configuration(&of(9, &many(30)));
    let said = keyward(&push);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err
            .contains(": the account acct_2 is missing, so nothing was written (+0 -0)"),
        "{}",
        said.err
    );
}

/// What this version cannot read may be keys from a later version, or a damaged file.
#[test]
fn what_cannot_be_read_is_not_replaced_unasked() {
    let desk = Desk::new();
    let ecds = target(&desk, "ecds.yaml");
    let shipped = desk.text("ecds.yaml");
    let value = "        value: '{}'";
    let source = desk.configuration(&of(8, &many(1)));
    let push = ["push", "-c", &source, "--ecds", &ecds];
    for (instead, is_empty) in [
        (
            "        value: '{\"snapshot\": {\"format\": \"keyward.snapshot/v9\", \"keys\": [{}]}}'",
            false,
        ),
        ("        value: '{\"snapshot\": {'", false),
        ("        value: '{\"snapshot\": {}}'", true),
        ("        value: ''", true),
    ] {
        assert!(shipped.contains(value));
        fs::write(&ecds, shipped.replace(value, instead)).unwrap();
        let before = desk.text("ecds.yaml");
        let said = keyward(&push);
        if is_empty {
            assert_eq!(said.code, Some(0), "{instead}: {}", said.err);
            continue;
        }
        assert_eq!(said.code, Some(4), "{instead}");
        assert!(
            said.err
                .contains("this version cannot read what is there now"),
            "{}",
            said.err
        );
        assert_eq!(desk.text("ecds.yaml"), before);
        let said = keyward(&[&push[..], &["--allow-removals"]].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
    }
}
