//! The file that Envoy watches, in each of its formats.

use super::*;

#[test]
fn a_running_envoy_takes_every_form() {
    for form in [Ecds::Json, Ecds::Yaml, Ecds::Pb] {
        let envoy = Envoy::builder().ecds(form).concurrency(2).start();
        let desk = Desk::new();
        let ecds = envoy.ecds_file();
        let ecds = ecds.to_str().unwrap();
        for (revision, key, other) in [(8, ALICE, BOB), (9, BOB, ALICE)] {
            let source = desk.configuration(&configuration(revision, &[key]));
            let push = ["push", "-c", &source, "--ecds", ecds, "--allow-removals"];
            let said = keyward(&push);
            let counts = if revision == 8 { "+1 -0" } else { "+1 -1" };
            let expected = format!("pushed revision {revision} with 1 key to {ecds} ({counts})\n");
            assert_eq!((said.code, said.out), (Some(0), expected), "{}", said.err);
            serves(&envoy, revision);
            assert_eq!(status(&envoy, key), 200);
            assert_eq!(status(&envoy, other), 401);
        }
        let leftovers = fs::read_dir(envoy.ecds_file().parent().unwrap()).unwrap();
        // The original YAML file is kept from before the first push.
        let expected = match form {
            Ecds::Yaml => 2,
            Ecds::Json | Ecds::Pb => 1,
        };
        assert_eq!(leftovers.count(), expected);
    }
}

/// Packed in every format of the file: as bytes, and as base64. The configuration stays packed, and
/// its revision is known.
#[test]
fn a_running_envoy_takes_every_form_packed() {
    for form in [Ecds::Json, Ecds::Yaml, Ecds::Pb] {
        let envoy = Envoy::builder().ecds(form).start();
        let desk = Desk::new();
        let ecds = envoy.ecds_file();
        let ecds = ecds.to_str().unwrap();
        let source = desk.configuration(&configuration(8, &[ALICE]));
        let said = keyward(&["push", "-c", &source, "--ecds", ecds, "--packed"]);
        let expected = format!("pushed revision 8 with 1 key to {ecds} (+1 -0)\n");
        assert_eq!((said.code, said.out), (Some(0), expected), "{}", said.err);
        serves(&envoy, 8);
        assert_eq!((status(&envoy, ALICE), status(&envoy, BOB)), (200, 401));

        desk.configuration(&configuration(7, &[BOB]));
        let said = keyward(&["push", "-c", &source, "--ecds", ecds]);
        assert_eq!(said.code, Some(4));
        assert!(said.err.contains("holds revision 8"), "{}", said.err);
        let said = keyward(&[
            "push",
            "-c",
            &source,
            "--reissue",
            "--ecds",
            ecds,
            "--dry-run",
            "--allow-removals",
        ]);
        assert!(said.out.contains("mk_0"), "{}{}", said.out, said.err);
        desk.configuration(&configuration(9, &[BOB]));
        let said = keyward(&["push", "-c", &source, "--ecds", ecds, "--allow-removals"]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        serves(&envoy, 9);
        assert_eq!((status(&envoy, ALICE), status(&envoy, BOB)), (401, 200));
        let file = fs::read(envoy.ecds_file()).unwrap();
        let is_packed = file.windows(18).any(|part| part == b"protobuf.BytesValu");
        assert!(is_packed, "{form:?}");
    }
}

#[test]
fn a_packed_configuration_is_a_source_too() {
    let desk = Desk::new();
    let json = configuration(8, &[ALICE]);
    let source = desk.path("keyward.packed");
    fs::write(&source, crate::support::packed(&json.to_string()).unwrap()).unwrap();
    let ecds = desk.path("keyward.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let (source, ecds_file) = (source.to_str().unwrap(), ecds.to_str().unwrap());
    let said = keyward(&["push", "-c", source, "--ecds", ecds_file]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(carried(&ecds)["snapshot"]["revision"], 8);
    assert_eq!(
        carried(&ecds)["snapshot"]["keys"][0]["sha256"],
        json["snapshot"]["keys"][0]["sha256"]
    );
}

#[test]
fn a_key_file_is_pushed_as_well() {
    let envoy = Envoy::builder().start();
    let desk = Desk::new();
    let keys = desk.keys("", &[ALICE]);
    let before = now();
    let ecds = envoy.ecds_file();
    let said = keyward(&["push", "--keys", &keys, "--ecds", ecds.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let snapshot = carried(&ecds)["snapshot"].clone();
    let revision = snapshot["revision"].as_u64().unwrap();
    assert!((before..=now()).contains(&revision));
    assert_eq!(snapshot["issued_at"], snapshot["revision"]);
    serves(&envoy, revision);
    assert_eq!(status(&envoy, ALICE), 200);
}

#[test]
fn a_binary_file_is_made_from_the_one_we_ship() {
    let desk = Desk::new();
    let (source, template) = (
        desk.configuration(&configuration(8, &[ALICE])),
        desk.path("template.yaml"),
    );
    let mut response = crate::support::bootstrap::shipped_ecds();
    response["resources"][0]["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] =
        json!(find::wasm());
    fs::write(&template, serde_norway::to_string(&response).unwrap()).unwrap();
    let envoy = Envoy::builder().ecds(Ecds::Pb).start();
    let ecds = envoy.ecds_file();
    let arguments = [
        "push",
        "-c",
        &source,
        "--ecds",
        ecds.to_str().unwrap(),
        "--template",
        template.to_str().unwrap(),
    ];
    let said = keyward(&arguments);
    assert_eq!(said.code, Some(0), "{}", said.err);
    serves(&envoy, 8);
    assert_eq!(status(&envoy, ALICE), 200);

    // What the binary format cannot express is not dropped silently.
    desk.configuration(&configuration(9, &[ALICE]));
    response["resources"][0]["typed_config"]["config"]["vm_config"]["environment_variables"] =
        json!({"key_values": {"A": "b"}});
    fs::write(&template, serde_norway::to_string(&response).unwrap()).unwrap();
    let said = keyward(&arguments);
    assert_eq!(said.code, Some(4));
    assert!(said.err.contains("and nothing else"), "{}", said.err);
}
