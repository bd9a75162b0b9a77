//! Changes that are published by their records alone, against the same changes published as a whole.

use super::followers::Followers;
use super::*;
use crate::feed::{Changed, Taken};
use crate::publish::Allowed;

/// What of a world a part contains: these keys, and every account.
fn cut(world: &Value, keys: &[usize]) -> Content {
    let mut part = world.clone();
    let is_named = |row: &Value| keys.iter().any(|number| row["id"] == id(*number));
    let rows = part["keys"].as_array_mut().unwrap();
    rows.retain(is_named);
    if rows.is_empty() {
        part["empty"] = json!(true);
    }
    content(&part)
}

fn id(number: usize) -> Value {
    json!(format!("mk_{number:06}"))
}

fn digest(number: usize) -> KeyDigest {
    KeyDigest::of(format!("sk_test_FAKE-{number}").as_bytes())
}

fn touched(keys: &[usize], accounts: &[&str]) -> Touched {
    Touched {
        keys: keys.iter().map(|number| digest(*number)).collect(),
        accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
        ..Touched::default()
    }
}

fn counts(world: &Value) -> (usize, usize) {
    let count = |name: &str| world[name].as_array().unwrap().len();
    (count("keys"), count("accounts"))
}

fn part<'a>(world: &Value, content: &'a Content, touched: &'a Touched, since: u64) -> Changed<'a> {
    let (keys, accounts) = counts(world);
    Changed {
        content,
        touched,
        since,
        keys,
        accounts,
    }
}

fn source() -> SourceName {
    SourceName::parse("file:test").unwrap()
}

fn led(parted: Taken) -> (Published, bool) {
    match parted {
        Taken::Led {
            published,
            is_base_due,
        } => (published, is_base_due),
        Taken::Whole(why) => panic!("{why}"),
    }
}

/// A generator of small numbers: tests that fail can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[test]
fn parts_lead_every_follower_where_the_whole_would() {
    let mut known = super::world(300);
    let world = World::begun(&known);
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let mut revision = world.present().head.revision.number();
    let mut followers = Followers::new(&world);
    let mut dice = Dice(7);
    // So many that the chain is joined more than once.
    for step in 0..60_u64 {
        let mut keys = Vec::new();
        let mut accounts = Vec::new();
        for _ in 0..=dice.below(3) {
            let number = dice.below(known["keys"].as_array().unwrap().len());
            let key = &mut known["keys"][number];
            match dice.below(4) {
                0 => key["status"] = json!("deleted"),
                1 => key["expires_at"] = json!(NOW + step),
                2 => key["grants"] = json!({"customer": "read", "charge": "write"}),
                _ => key["grants"] = json!("writers"),
            }
            keys.push(number);
        }
        if dice.below(3) == 0 {
            let number = known["keys"].as_array().unwrap().len();
            known["keys"]
                .as_array_mut()
                .unwrap()
                .push(row(number, json!({})));
            keys.push(number);
        }
        if dice.below(5) == 0 {
            known["accounts"][3]["status"] = json!("suspended");
            accounts.push("acct_3");
        }
        if step == 40 {
            let new = json!({"id": "acct_new", "parent": "acct_6"});
            known["accounts"].as_array_mut().unwrap().push(new);
            // The account above it has one below it from now on, which its record says.
            accounts.extend(["acct_new", "acct_6"]);
        }
        let (content, touched) = (cut(&known, &keys), touched(&keys, &accounts));
        let part = part(&known, &content, &touched, revision);
        let (published, is_base_due) = led(publisher
            .publish_changed(&part, &source(), NOW + step)
            .unwrap());
        assert!(!is_base_due, "the base is younger than an hour");
        assert_eq!(published.steps.len(), 1);
        revision = published.revision;
        followers.advance(&world);
        followers.all_reach(&world, &known);
    }
    // The whole finds nothing that it would change.
    let whole = publisher
        .publish(&content(&known), &request(), NOW + 100)
        .unwrap();
    assert_eq!((whole.revision, whole.records), (revision, 0));
    let gateway = Gateway::new(&world);
    gateway.has(&known);
}

#[test]
fn a_part_that_changes_nothing_signs_the_head_again() {
    let known = super::world(20);
    let world = World::begun(&known);
    let before = world.present().head;
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let (content, touched) = (cut(&known, &[]), touched(&[], &[]));
    let part = part(&known, &content, &touched, before.revision.number());
    let (published, _) = led(publisher
        .publish_changed(&part, &source(), NOW + 9)
        .unwrap());
    assert!(published.steps.is_empty());
    let head = world.present().head;
    assert_eq!((head.revision, head.issued_at), (before.revision, NOW + 9));
}

#[test]
fn in_any_doubt_the_whole_is_needed_and_nothing_is_written() {
    let known = super::world(50);
    let world = World::begun(&known);
    let before = world.present().head;
    let since = before.revision.number();
    let mut after = known.clone();
    after["keys"][7]["status"] = json!("deleted");
    let whole = |part: &Changed<'_>, source: &str| {
        let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
        let source = SourceName::parse(source).unwrap();
        let parted = publisher.publish_changed(part, &source, NOW + 1).unwrap();
        assert_eq!(world.present().head, before, "nothing was written");
        match parted {
            Taken::Led { .. } => panic!("it was published"),
            Taken::Whole(why) => why,
        }
    };
    let (right, seven) = (cut(&after, &[7]), touched(&[7], &[]));
    let good = || part(&after, &right, &seven, since);
    let other = Changed {
        since: since - 1,
        ..good()
    };
    assert!(whole(&other, "file:test").contains("another revision"));
    assert!(whole(&good(), "file:other").contains("another source"));
    for more in [
        Touched {
            contract: true,
            ..seven.clone()
        },
        Touched {
            grant_sets: ["readers".to_owned()].into(),
            ..seven.clone()
        },
    ] {
        let part = part(&after, &right, &more, since);
        assert!(whole(&part, "file:test").contains("more changed"));
    }
    let fewer = Changed { keys: 49, ..good() };
    assert!(whole(&fewer, "file:test").contains("not as many"));
    let fewer = Changed {
        accounts: 6,
        ..good()
    };
    assert!(whole(&fewer, "file:test").contains("not as many"));
    // A name without a record would remove the key that has it.
    let both = touched(&[7, 8], &[]);
    let gone = part(&after, &right, &both, since);
    assert!(whole(&gone, "file:test").contains("not as many"));
    // An account that a key refers to is another one than gateways have, and is not said to have changed.
    let mut moved = after.clone();
    moved["keys"][7]["owner"] = json!("acct_3");
    moved["accounts"][3]["status"] = json!("suspended");
    let smuggled = cut(&moved, &[7]);
    let part_of = part(&moved, &smuggled, &seven, since);
    assert!(whole(&part_of, "file:test").contains("more records changed"));
    // What was refused is published as a whole.
    world.publish(&moved, &request(), NOW + 2).unwrap();
    Gateway::new(&world).has(&moved);
}

#[test]
fn without_a_feed_and_after_another_publisher_the_whole_is_needed() {
    let known = super::world(20);
    let world = World::new();
    let (cut, touched) = (cut(&known, &[1]), touched(&[1], &[]));
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let part = part(&known, &cut, &touched, 1);
    let parted = publisher.publish_changed(&part, &source(), NOW).unwrap();
    assert!(matches!(parted, Taken::Whole("there is no feed yet")));

    publisher.publish(&content(&known), &begin(), NOW).unwrap();
    let since = world.present().head.revision.number();
    let mut other = known.clone();
    other["keys"][2]["status"] = json!("deleted");
    let request = Request {
        allowed: Allowed {
            take_over: true,
            removals: true,
        },
        ..request()
    };
    world.publish(&other, &request, NOW + 1).unwrap();
    let part = Changed { since, ..part };
    let parted = publisher
        .publish_changed(&part, &source(), NOW + 2)
        .unwrap();
    assert!(matches!(parted, Taken::Whole(why) if why.contains("another revision")));
    Gateway::new(&world).has(&other);
}

#[test]
fn a_base_that_is_due_is_asked_for_and_made_by_the_whole() {
    let mut known = super::world(40);
    let world = World::begun(&known);
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let base = world.present().head.base.revision;
    let numbers: Vec<usize> = (0..30).collect();
    for number in &numbers {
        known["keys"][*number]["grants"] = json!("writers");
    }
    let (cut, touched) = (cut(&known, &numbers), touched(&numbers, &[]));
    let since = world.present().head.revision.number();
    let part = part(&known, &cut, &touched, since);
    let parted = publisher
        .publish_changed(&part, &source(), NOW + 3_700)
        .unwrap();
    let (published, is_base_due) = led(parted);
    assert!(is_base_due);
    assert_eq!(world.present().head.base.revision, base);
    let whole = publisher
        .publish(&content(&known), &request(), NOW + 3_701)
        .unwrap();
    assert_eq!(whole.revision, published.revision);
    assert!(world.present().head.base.revision > base);
    Gateway::new(&world).has(&known);
}
