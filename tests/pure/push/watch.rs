//! `keyward push --watch`: what it tolerates, and what it follows.

use super::*;

#[test]
fn one_that_starts_beside_a_broken_file_goes_on_with_what_the_target_holds() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let keys = desk.keys("max_snapshot_age = 2", &[ALICE]);
    let said = keyward(&["push", "--keys", &keys, "--ecds", ecds.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let first = carried(&ecds);
    fs::write(&keys, "format = ").unwrap();
    let watcher = Watcher::start(&desk, &keys, &ecds);
    watcher.says("not pushed: ");
    watcher.says("pushed revision");
    let again = carried(&ecds);
    assert_eq!(again["snapshot"]["keys"], first["snapshot"]["keys"]);
    let number = |value: &Value, name: &str| value["snapshot"][name].as_u64().unwrap();
    assert!(number(&again, "revision") > number(&first, "revision"));
    assert!(number(&again, "issued_at") > number(&first, "issued_at"));
    watcher.stop("-INT");
}

#[test]
fn a_folder_of_key_files_is_followed_too() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let folder = desk.path("keys.d");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.toml"), key_file("", &[ALICE])).unwrap();
    let watcher = Watcher::start(&desk, folder.to_str().unwrap(), &ecds);
    watcher.says("with 1 key");
    let more = key_file("", &[BOB])
        .replace("mk_0", "mk_b")
        .replace("[configuration]\n", "")
        .replace("[[accounts]]\nid = \"acct_1\"\n", "");
    fs::write(folder.join("b.toml"), more).unwrap();
    watcher.says("with 2 keys");
    fs::remove_file(folder.join("b.toml")).unwrap();
    eventually("one key is left", BOUND, || {
        let keys = carried(&ecds)["snapshot"]["keys"].as_array().unwrap().len();
        (keys == 1).then_some(())
    });
    watcher.stop("-TERM");
}
