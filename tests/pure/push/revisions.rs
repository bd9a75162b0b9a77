//! Revisions rise automatically and never go back.

use super::*;

fn desk() -> (Desk, String) {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let ecds = ecds.to_str().unwrap().to_owned();
    (desk, ecds)
}

fn revision(ecds: &str) -> u64 {
    carried(Path::new(ecds))["snapshot"]["revision"]
        .as_u64()
        .unwrap()
}

#[test]
fn the_next_one_is_the_time_or_one_more_than_the_target_holds() {
    let (desk, ecds) = desk();
    let keys = desk.keys("", &[ALICE]);
    let push = ["push", "--keys", &keys, "--ecds", &ecds];
    let before = now();
    // More than one per second.
    let mut last = 0;
    for _ in 0..5 {
        assert_eq!(keyward(&push).code, Some(0));
        assert!(revision(&ecds) > last);
        last = revision(&ecds);
    }
    assert!((before + 4..=now() + 4).contains(&last));
    // A target whose revision is from a clock that is ahead.
    let ahead = (now() + 1_000_000).to_string();
    let said = keyward(&[&push[..], &["--revision", &ahead]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(keyward(&push).code, Some(0));
    assert_eq!(
        revision(&ecds).to_string(),
        (ahead.parse::<u64>().unwrap() + 1).to_string()
    );
}

#[test]
fn a_lower_one_is_refused_and_says_what_to_do() {
    let (desk, ecds) = desk();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    let push = ["push", "-c", &source, "--ecds", &ecds];
    assert_eq!(keyward(&push).code, Some(0));
    let said = keyward(&push);
    assert_eq!(
        (said.code, said.out),
        (Some(0), format!("{ecds} holds revision 8 already\n"))
    );
    for number in [7, 8] {
        desk.configuration(&configuration(number, &[BOB]));
        let said = keyward(&push);
        assert_eq!(said.code, Some(4));
        assert!(
            said.err
                .contains("Push with --revision 9 or higher, or with --reissue"),
            "{}",
            said.err
        );
        let said = keyward(&[&push[..], &["--revision", &number.to_string()]].concat());
        assert_eq!(said.code, Some(4));
        assert_eq!(revision(&ecds), 8);
    }
    let push = [&push[..], &["--allow-removals"]].concat();
    let said = keyward(&[&push[..], &["--revision", "9"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(revision(&ecds), 9);
    let said = keyward(&[&push[..], &["--reissue"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(revision(&ecds) > 1_700_000_000);
    let issued_at = carried(Path::new(&ecds))["snapshot"]["issued_at"]
        .as_u64()
        .unwrap();
    assert!(issued_at >= 1_700_000_000 && issued_at <= now());
}

#[test]
fn of_pushes_at_once_no_two_have_the_same() {
    let (desk, ecds) = desk();
    let keys = desk.keys("", &[ALICE]);
    let pushes: Vec<_> = (0..8)
        .map(|_| {
            let (keys, ecds) = (keys.clone(), ecds.clone());
            std::thread::spawn(move || keyward(&["push", "--keys", &keys, "--ecds", &ecds]))
        })
        .collect();
    let mut said: Vec<String> = pushes
        .into_iter()
        .map(|push| push.join().unwrap().out)
        .collect();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 8, "{said:?}");
}

#[test]
fn a_dry_run_says_what_would_alter_and_writes_nothing() {
    let (desk, ecds) = desk();
    let source = desk.configuration(&configuration(8, &[ALICE]));
    assert_eq!(
        keyward(&["push", "-c", &source, "--ecds", &ecds]).code,
        Some(0)
    );
    let before = desk.text("ecds.yaml");
    desk.configuration(&configuration(9, &[BOB, CAROL]));
    let said = keyward(&[
        "push",
        "-c",
        &source,
        "--ecds",
        &ecds,
        "--dry-run",
        "--allow-removals",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let mut lines = said.out.lines();
    let first = format!("{ecds} holds revision 8; revision 9 would bring +2 -1:");
    assert_eq!(lines.next(), Some(&*first));
    let lines: Vec<_> = lines.collect();
    for start in ["+ key mk_1 ", "~ key mk_0 "] {
        let found = lines.iter().any(|line| line.starts_with(start));
        assert!(found, "{start}\n{}", said.out);
    }
    assert_eq!(desk.text("ecds.yaml"), before);
}

#[test]
fn what_would_deny_everybody_is_not_pushed() {
    let (desk, ecds) = desk();
    let before = desk.text("ecds.yaml");
    let mut old = configuration(8, &[ALICE]);
    old["max_snapshot_age"] = json!(60);
    let none = json!({});
    for (value, why) in [
        (&none, "has no snapshot"),
        (&old, "older than `max_snapshot_age`"),
    ] {
        let source = desk.configuration(value);
        let said = keyward(&["push", "-c", &source, "--ecds", &ecds]);
        assert_eq!(said.code, Some(4));
        assert!(said.err.contains(why), "{}", said.err);
    }
    let keys = desk.keys("", &[]);
    let push = ["push", "--keys", &keys, "--ecds", &ecds];
    assert_eq!(keyward(&push).code, Some(4));
    assert_eq!(desk.text("ecds.yaml"), before);
    assert_eq!(
        keyward(&[&push[..], &["--allow-empty"]].concat()).code,
        Some(0)
    );
}
