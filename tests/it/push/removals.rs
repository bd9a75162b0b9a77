//! A push from the wrong key file takes away keys that work. It is rejected, and what a key file ends never is.

use super::*;

/// Keys of a customer each.
fn many(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("sk_test_FAKE-customer-{number:04}"))
        .collect()
}

fn of(revision: u64, keys: &[String]) -> Value {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    configuration(revision, &keys)
}

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

/// 59 keys replaced by 5, as somebody did: at every kind of target, packed or not.
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
        // A dry run shows all of it, and answers as the push would.
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
            "pushed revision 9 with 1 keys to {file} (+1 -59)\naccounts that disappear: acct_1\n"
        );
        assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
    }
}

#[test]
fn a_gateway_keeps_its_keys_and_a_tenth_may_go() {
    let envoy = Envoy::builder().concurrency(2).start();
    let desk = Desk::new();
    let ecds = envoy.ecds_file();
    let ecds = ecds.to_str().unwrap();
    let keys = many(20);
    let source = desk.configuration(&of(8, &keys));
    let push = ["push", "-c", &source, "--ecds", ecds];
    assert_eq!(keyward(&push).code, Some(0));
    serves(&envoy, 8);
    desk.configuration(&of(9, &keys[..17]));
    let said = keyward(&push);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("3 of 20 working keys are missing"),
        "{}",
        said.err
    );
    assert_eq!(status(&envoy, &keys[19]), 200);
    desk.configuration(&of(9, &keys[..18]));
    let said = keyward(&push);
    let pushed = format!("pushed revision 9 with 18 keys to {ecds} (+0 -2)\n");
    assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
    serves(&envoy, 9);
    assert_eq!(
        (status(&envoy, &keys[17]), status(&envoy, &keys[18])),
        (200, 401)
    );
}

#[test]
fn what_the_key_file_ends_is_never_held_up() {
    let envoy = Envoy::builder().concurrency(2).start();
    let desk = Desk::new();
    let ecds = envoy.ecds_file();
    let ecds = ecds.to_str().unwrap();
    let keys = many(4);
    let mut written = of(8, &keys);
    written["snapshot"]["accounts"] = json!([{"id": "acct_1"}, {"id": "acct_2"}]);
    written["snapshot"]["keys"][2]["owner"] = json!("acct_2");
    let source = desk.configuration(&written);
    let push = ["push", "-c", &source, "--ecds", ecds];
    assert_eq!(keyward(&push).code, Some(0));
    serves(&envoy, 8);
    written["snapshot"]["revision"] = json!(9);
    written["snapshot"]["keys"][0]["status"] = json!("deleted");
    written["snapshot"]["keys"][1]["expires_at"] = json!(now() - 1);
    written["snapshot"]["accounts"][1]["status"] = json!("suspended");
    // The same key under another id goes on working.
    written["snapshot"]["keys"][3]["id"] = json!("mk_renamed");
    desk.configuration(&written);
    let said = keyward(&push);
    let pushed = format!("pushed revision 9 with 4 keys to {ecds} (+0 -3)\n");
    assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
    serves(&envoy, 9);
    let answers: Vec<u16> = keys.iter().map(|key| status(&envoy, key)).collect();
    assert_eq!(answers, [401, 401, 401, 200]);
    // What has ended is no loss: its account and its keys may go.
    let mut rest = of(10, &keys[3..]);
    rest["snapshot"]["keys"][0]["id"] = json!("mk_renamed");
    desk.configuration(&rest);
    let said = keyward(&push);
    let pushed = format!(
        "pushed revision 10 with 1 keys to {ecds} (+0 -0)\naccounts that disappear: acct_2\n"
    );
    assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
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

/// What this version cannot read may be keys of a later one, or a damaged file.
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
