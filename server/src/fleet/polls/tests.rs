use super::*;

const NOW: u64 = 1_000_000;

const SERVED: Option<Named> = Some(Named {
    revision: 9,
    issued_at: NOW,
});

fn sender<'a>(gateway: Option<&'a str>) -> Sender<'a> {
    Sender {
        key: "mk_1",
        ends: None,
        gateway,
        group: Group::Edge,
    }
}

fn claim(gateway: &str, vm: &str, revision: u64, state: &str) -> Claim {
    let agent = format!("keyward/0.1.0 (gw={gateway}; vm={vm}; rev={revision}; state={state})");
    Claim::read(&agent).unwrap()
}

fn who(gateway: &str, vm: &str) -> Who {
    Who {
        gateway: gateway.to_owned(),
        vm: vm.to_owned(),
    }
}

fn confirmed(polls: &Polls) -> Vec<Option<u64>> {
    polls
        .vms(|group| group == Group::Edge)
        .map(|vm| vm.confirmed)
        .collect()
}

#[test]
fn a_poll_confirms_for_the_gateway_of_its_key_only() {
    let own = claim("edge-1", "0a", 9, "ok");
    let nameless = claim("", "0a", 9, "ok");
    let other = claim("edge-2", "0a", 9, "ok");
    let above = claim("edge-1", "0a", 10, "ok");
    let strange = claim("edge-1", "not hex", 9, "ok");
    for (label, claim, expected, proof, doubt) in [
        (
            Some("edge-1"),
            Some(&own),
            who("edge-1", "0a"),
            Some(9),
            None,
        ),
        // A module does not know its Envoy's name.
        (
            Some("edge-1"),
            Some(&nameless),
            who("edge-1", "0a"),
            Some(9),
            None,
        ),
        (
            Some("edge-1"),
            Some(&other),
            who("edge-1", ""),
            None,
            Some(Doubt::OtherGateway),
        ),
        (
            Some("edge-1"),
            Some(&above),
            who("edge-1", "0a"),
            None,
            Some(Doubt::Above),
        ),
        (
            Some("edge-1"),
            Some(&strange),
            who("edge-1", ""),
            None,
            Some(Doubt::NoFilter),
        ),
        (
            Some("edge-1"),
            None,
            who("edge-1", ""),
            None,
            Some(Doubt::NoFilter),
        ),
        (
            None,
            Some(&own),
            who("mk_1", ""),
            None,
            Some(Doubt::NoLabel),
        ),
        (
            Some("../edge"),
            Some(&own),
            who("mk_1", ""),
            None,
            Some(Doubt::NoLabel),
        ),
    ] {
        let mut polls = Polls::default();
        let found = polls.begin(sender(label), claim, SERVED, NOW).who;
        assert_eq!(found, expected, "{claim:?}");
        assert_eq!(confirmed(&polls), [proof], "{claim:?}");
        for one in Doubt::ALL {
            let count = u64::from(doubt == Some(one));
            assert_eq!(polls.doubts(one), count, "{claim:?}: {one:?}");
        }
    }
}

#[test]
fn the_last_poll_of_a_vm_counts_and_not_its_best() {
    let mut polls = Polls::default();
    for (revision, proof) in [(9, Some(9)), (8, Some(8)), (0, None)] {
        let claim = claim("edge-1", "0a", revision, "ok");
        polls.begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW);
        assert_eq!(confirmed(&polls), [proof]);
    }
}

#[test]
fn a_head_is_noted_once_until_its_time_is_over() {
    let mut polls = Polls::default();
    let vm = who("edge-1", "0a");
    assert_eq!(polls.hand(&vm, Group::Edge, NOW + 100, 50), Some(NOW + 150));
    // Not yet written: the next head asks for it again.
    assert_eq!(polls.hand(&vm, Group::Edge, NOW + 100, 50), Some(NOW + 150));
    polls.kept(&vm, NOW + 150);
    assert_eq!(polls.hand(&vm, Group::Edge, NOW + 150, 50), None);
    assert_eq!(polls.hand(&vm, Group::Edge, NOW + 151, 50), Some(NOW + 201));
    // A head that was signed earlier withdraws nothing.
    polls.hand(&vm, Group::Edge, NOW, 50);
    let leaves: Vec<u64> = polls
        .vms(|group| group == Group::Edge)
        .map(|vm| vm.leaves)
        .collect();
    assert_eq!(leaves, [NOW + 151]);
}

#[test]
fn what_is_too_many_is_waited_for_and_never_left_out() {
    let mut polls = Polls::default();
    for number in 0..=MOST_VMS {
        let claim = claim("edge-1", &format!("{number:x}"), 9, "ok");
        let found = polls
            .begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW)
            .who;
        assert_eq!(found.vm == NAMELESS, number >= MOST_VMS, "{number}");
    }
    assert!(confirmed(&polls).contains(&None));
    for number in 0..=MOST_GATEWAYS {
        let name = format!("gateway-{number}");
        let claim = claim(&name, "0a", 9, "ok");
        let found = polls
            .begin(sender(Some(&name)), Some(&claim), SERVED, NOW)
            .who;
        let is_beyond = number + 1 >= MOST_GATEWAYS;
        assert_eq!(found.gateway == NAMELESS, is_beyond, "{number}");
    }
    assert!(polls.gateways().len() <= MOST_GATEWAYS + 1);
}

#[test]
fn only_the_silent_are_forgotten_and_only_they_leave_when_their_heads_are_too_old() {
    let mut polls = Polls::default();
    for vm in ["0a", "0b"] {
        let claim = claim("edge-1", vm, 9, "ok");
        let found = polls
            .begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW)
            .who;
        polls.hand(&found, Group::Edge, NOW + 100, 0);
    }
    polls.end(&who("edge-1", "0a"), NOW);
    let at = NOW + SILENT;
    assert_eq!(polls.silent("edge-1", at - 1), (Vec::new(), 2));
    // The second VM's poll still waits for its answer.
    assert_eq!(polls.silent("edge-1", at), (vec!["0a".to_owned()], 1));
    polls.tidy(at);
    assert_eq!(
        confirmed(&polls).len(),
        2,
        "it may serve what it was handed"
    );
    polls.forget("edge-1", &["0a".to_owned(), "0b".to_owned()], at);
    assert_eq!(confirmed(&polls).len(), 1, "the second asks still");
    polls.end(&who("edge-1", "0b"), NOW + 99);
    polls.tidy(NOW + 100);
    assert_eq!(confirmed(&polls).len(), 1);
    polls.tidy(NOW + 99 + SILENT);
    assert_eq!(confirmed(&polls).len(), 0);
}

#[test]
fn a_refusal_says_since_when_and_for_which_revision() {
    let mut polls = Polls::default();
    let mut refused = |state: &str, revision: u64, now: u64| {
        let served = Some(Named {
            revision,
            issued_at: now,
        });
        let claim = claim("edge-1", "0a", 8, state);
        let found = polls
            .begin(sender(Some("edge-1")), Some(&claim), served, now)
            .who;
        polls.gateways()[&found.gateway][&found.vm].refused
    };
    assert_eq!(refused("ok", 9, NOW), None);
    assert_eq!(refused("hash", 9, NOW + 1), Some((9, NOW + 1)));
    assert_eq!(refused("hash", 9, NOW + 2), Some((9, NOW + 1)));
    assert_eq!(refused("hash", 10, NOW + 3), Some((10, NOW + 3)));
    assert_eq!(refused("ok", 10, NOW + 4), None);
}

#[test]
fn a_vm_that_the_store_knows_has_time_for_its_first_poll() {
    let mut polls = Polls::default();
    polls.remember(&who("edge-1", "0a"), Group::Edge, NOW + 100, NOW);
    assert_eq!(polls.silent("edge-1", NOW + SILENT - 1).0, [""; 0]);
    assert_eq!(polls.silent("edge-1", NOW + SILENT).0, ["0a"]);
}

#[test]
fn a_head_that_is_under_way_counts_before_it_is_handed_over() {
    let mut polls = Polls::default();
    let claim = claim("edge-1", "0a", 8, "ok");
    let vm = polls
        .begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW)
        .who;
    polls.may_receive(&vm, NOW + 100);
    let leaves: Vec<u64> = polls.vms(|_| true).map(|vm| vm.leaves).collect();
    assert_eq!(leaves, [NOW + 100]);
}

#[test]
fn a_key_that_was_replaced_or_has_ended_is_not_warned_of() {
    let mut polls = Polls::default();
    let ends = |ends| Sender {
        ends,
        ..sender(Some("edge-1"))
    };
    polls.begin(ends(Some(NOW + 10)), None, SERVED, NOW);
    assert_eq!(polls.keys_that_end(NOW + 50), 1);
    polls.begin(ends(Some(NOW + 100)), None, SERVED, NOW);
    assert_eq!(polls.keys_that_end(NOW + 50), 0);
    assert_eq!(polls.keys_that_end(NOW + 100), 1);
    polls.tidy(NOW + 100);
    assert_eq!(polls.keys_that_end(NOW + 100), 0);
}

#[test]
fn a_poll_that_says_the_same_is_no_news() {
    let mut polls = Polls::default();
    let mut is_news = |revision| {
        let claim = claim("edge-1", "0a", revision, "ok");
        let begun = polls.begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW);
        polls.end(&begun.who, NOW);
        begun.is_news
    };
    assert!(is_news(8));
    assert!(!is_news(8));
    assert!(is_news(9));
    assert!(!is_news(9));
    // A revision that was never published takes the proof away.
    assert!(is_news(10));
}

#[test]
fn a_claim_above_what_is_served_is_handed_on_only_of_a_vm_with_a_name() {
    let mut polls = Polls::default();
    let mut claimed = |gateway, vm| {
        let claim = claim(gateway, vm, 10, "ok");
        polls
            .begin(sender(Some("edge-1")), Some(&claim), SERVED, NOW)
            .claimed
    };
    assert_eq!(claimed("edge-1", "0a"), Some(10));
    assert_eq!(claimed("edge-2", "0a"), None);
    assert_eq!(claimed("edge-1", "not hex"), None);
}
