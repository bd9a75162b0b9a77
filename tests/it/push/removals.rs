//! A push that removes working keys is rejected, and a gateway keeps them. A push is never rejected
//! for keys that the key file ends.

use super::*;

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
    // The same key continues to work under another id.
    written["snapshot"]["keys"][3]["id"] = json!("mk_renamed");
    desk.configuration(&written);
    let said = keyward(&push);
    let pushed = format!("pushed revision 9 with 4 keys to {ecds} (+0 -3)\n");
    assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
    serves(&envoy, 9);
    let answers: Vec<u16> = keys.iter().map(|key| status(&envoy, key)).collect();
    assert_eq!(answers, [401, 401, 401, 200]);
    // Ended keys are not a loss: they and their accounts may disappear.
    let mut rest = of(10, &keys[3..]);
    rest["snapshot"]["keys"][0]["id"] = json!("mk_renamed");
    desk.configuration(&rest);
    let said = keyward(&push);
    let pushed = format!(
        "pushed revision 10 with 1 key to {ecds} (+0 -0)\naccounts that disappear: acct_2\n"
    );
    assert_eq!((said.code, said.out), (Some(0), pushed), "{}", said.err);
}
