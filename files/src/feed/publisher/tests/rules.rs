use super::*;
use crate::feed::publisher::Step;
use crate::feed::store::{Mutable, ObjectKind};
use crate::publish::Allowed;

#[test]
fn every_change_leads_from_what_is_there_to_what_is_meant() {
    let mut state = world(60);
    let world = World::begun(&state);
    let mut gateways = vec![Gateway::new(&world)];
    for number in 0..40_u64 {
        let place = usize::try_from(number).unwrap();
        match number % 5 {
            0 => state["keys"][place] = row(place, json!({"status": "deleted"})),
            1 => state["keys"][place] = row(place, json!({"grants": {"charge": "write"}})),
            2 => state["keys"]
                .as_array_mut()
                .unwrap()
                .push(row(500 + place, json!({}))),
            3 => state["grant_sets"]["readers"]["charge"] = json!(["read", "write"][place % 2]),
            _ => {
                let status = ["suspended", "active"][place % 2];
                state["accounts"][3]["status"] = json!(status);
            }
        }
        let published = world.publish(&state, &request(), NOW + number).unwrap();
        assert!(
            matches!(published.steps[..], [Step::Delta(_)]),
            "{published:?}"
        );
        assert_eq!(published.revision, NOW + number + 1);
        // Some follow each change, some every seventh, and some start late.
        for (of, gateway) in gateways.iter_mut().enumerate() {
            if number % [1, 7][of % 2] == 0 {
                gateway.follow(&world);
                gateway.has(&state);
                assert_eq!(gateway.bases, 1);
            }
        }
        if number % 4 == 0 {
            gateways.push(Gateway::new(&world));
        }
    }
    assert!(world.present().head.deltas.len() <= 18);
}

#[test]
fn a_record_that_changes_and_changes_back_is_in_the_delta_over_both() {
    let state = world(50);
    let mut deleted = state.clone();
    deleted["keys"][3]["status"] = json!("deleted");
    let world = World::begun(&state);
    let mut now = NOW;
    let mut between = None;
    // Enough changes for the chain to become one step.
    for number in 0..20 {
        now += 1;
        let next = if number % 2 == 0 { &deleted } else { &state };
        world.publish(next, &request(), now).unwrap();
        if number == 0 {
            between = Some(Gateway::new(&world));
        }
    }
    let mut between = between.unwrap();
    between.has(&deleted);
    between.follow(&world);
    between.has(&state);
    assert_eq!(between.bases, 1);
}

#[test]
fn a_new_base_makes_no_running_gateway_load_it() {
    let mut state = world(300);
    let world = World::begun(&state);
    let mut running = Gateway::new(&world);
    let mut late = Gateway::new(&world);
    for number in 0..30_u64 {
        let place = usize::try_from(number).unwrap();
        state["keys"][place] = row(place, json!({"grants": "writers"}));
        let forced = Request {
            base: number == 20,
            ..request()
        };
        let published = world.publish(&state, &forced, NOW + 10 * number).unwrap();
        if number == 20 {
            assert!(matches!(
                published.steps[..],
                [Step::Delta(_), Step::Compacted(_, true)]
            ));
        }
        running.follow(&world);
        running.has(&state);
    }
    late.follow(&world);
    late.has(&state);
    assert_eq!((running.bases, late.bases), (1, 1));
    let head = world.present().head;
    assert!(head.base.revision < head.revision && !head.base.urgent);
    Gateway::new(&world).has(&state);
}

#[test]
fn a_base_is_made_by_itself_after_an_hour() {
    let mut state = world(100);
    let world = World::begun(&state);
    for (after, expected) in [(3_599, 1), (3_600, 2), (3_601, 1), (7_300, 2)] {
        let place = usize::try_from(after).unwrap() % 100;
        // A large part of a small base.
        for near in 0..20 {
            let place = (place + near) % 100;
            state["keys"][place] = row(
                place,
                json!({"grants": {"customer": "read", "charge": "read"}, "expires_at": NOW + 9_000 + after}),
            );
        }
        let published = world.publish(&state, &request(), NOW + after).unwrap();
        assert_eq!(published.steps.len(), expected, "{after}: {published:?}");
    }
    Gateway::new(&world).has(&state);
}

#[test]
fn nothing_new_is_only_signed_again() {
    let state = world(10);
    let world = World::begun(&state);
    let first = world.present().head;
    let published = world.publish(&state, &request(), NOW + 60).unwrap();
    assert_eq!(published.steps, []);
    let second = world.present().head;
    assert_eq!(
        (second.revision, second.issued_at),
        (first.revision, NOW + 60)
    );
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    publisher.renew(&world.profile, NOW + 90).unwrap();
    assert_eq!(world.present().head.issued_at, NOW + 90);
    // If the clock went back a little, the time stays. If it is far off, publishing fails.
    publisher.renew(&world.profile, NOW + 80).unwrap();
    assert_eq!(world.present().head.issued_at, NOW + 90);
    let error = publisher.renew(&world.profile, NOW - 900).unwrap_err();
    assert!(
        error.to_string().contains("ahead of this machine's clock"),
        "{error}"
    );
}

#[test]
fn a_feed_is_begun_once_and_on_purpose() {
    let state = world(10);
    let empty = World::new();
    let error = empty.publish(&state, &request(), NOW).unwrap_err();
    assert!(error.to_string().contains("use --begin"), "{error}");
    assert!(empty.store.read(Mutable::Head, 9_999).unwrap().is_none());
    let world = World::begun(&state);
    assert!(
        world
            .refused(&state, &begin(), NOW)
            .contains("leave --begin out")
    );
    let nameless = Request::default();
    assert!(
        world
            .refused(&state, &nameless, NOW)
            .contains("say --source")
    );
}

#[test]
fn another_source_publishes_nothing_unless_it_takes_over() {
    let state = world(10);
    let world = World::begun(&state);
    let other = Request {
        source: SourceName::parse("file:other"),
        ..request()
    };
    let refused = world.refused(&state, &other, NOW + 1);
    assert!(
        refused.contains("holds the keys of `file:test`"),
        "{refused}"
    );
    let takes = Request {
        allowed: Allowed {
            take_over: true,
            removals: false,
        },
        ..other.clone()
    };
    let published = world.publish(&state, &takes, NOW + 1).unwrap();
    assert!(published.note.unwrap().contains("from `file:test`"));
    assert_eq!(&*world.present().head.source, "file:other");
    assert!(world.publish(&state, &other, NOW + 2).is_ok());
}

#[test]
fn keys_that_are_missing_from_the_source_stay_until_somebody_allows_it() {
    let state = world(100);
    let world = World::begun(&state);
    let mut half = state.clone();
    half["keys"].as_array_mut().unwrap().truncate(50);
    half["keys"][7]["status"] = json!("deleted");
    let refused = world.refused(&half, &request(), NOW + 1);
    assert!(
        refused.contains("50 of 100 working keys are missing"),
        "{refused}"
    );
    // A publisher can still publish the ends, without the rest.
    let mut publisher = Publisher::new(&world.store, settings(1)).unwrap();
    let ends = publisher.publish_ends(&content(&half), &request(), NOW + 2);
    assert_eq!(ends.unwrap().unwrap().records, 1);
    let mut expected = state.clone();
    expected["keys"][7]["status"] = json!("deleted");
    Gateway::new(&world).has(&expected);
    assert!(
        publisher
            .publish_ends(&content(&half), &request(), NOW + 3)
            .unwrap()
            .is_none()
    );
    let allowed = Request {
        allowed: Allowed {
            take_over: false,
            removals: true,
        },
        ..request()
    };
    world.publish(&half, &allowed, NOW + 4).unwrap();
    Gateway::new(&world).has(&half);
}

#[test]
fn what_cannot_be_verified_is_not_built_on() {
    let state = world(30);
    let world = World::begun(&state);
    // The head is signed by another key.
    let mut other = Publisher::new(&world.store, settings(2)).unwrap();
    let error = format!(
        "{:#}",
        other
            .publish(&content(&state), &request(), NOW)
            .unwrap_err()
    );
    assert!(error.contains("not among"), "{error}");
    // This works if the other key is trusted, which is how keys rotate.
    let rotating = Settings {
        trusted: vec![public(1)],
        ..settings(2)
    };
    let mut other = Publisher::new(&world.store, rotating).unwrap();
    other
        .publish(&content(&state), &request(), NOW + 1)
        .unwrap();
    let error = format!(
        "{:#}",
        world.publish(&state, &request(), NOW + 2).unwrap_err()
    );
    assert!(error.contains("not among"), "{error}");
    // The head belongs to another feed.
    let world = World::begun(&state);
    let stranger = Settings {
        feed: "test".to_owned(),
        ..settings(1)
    };
    let mut stranger = Publisher::new(&world.store, stranger).unwrap();
    let error = format!(
        "{:#}",
        stranger
            .publish(&content(&state), &request(), NOW)
            .unwrap_err()
    );
    assert!(error.contains("another feed"), "{error}");
    // An object was changed or removed.
    let base = world.store.list().unwrap()[0].name;
    assert_eq!(base.kind, ObjectKind::Base);
    let path = world.store.path_of_object(&base);
    let bytes = std::fs::read(&path).unwrap();
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (content, expected) in [(Some(changed), "other bytes"), (None, "is missing")] {
        match content {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let error = format!("{:#}", world.publish(&state, &request(), NOW).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_new_line_rises_above_all_and_every_gateway_loads_the_base() {
    let state = world(30);
    let world = World::begun(&state);
    let mut gateway = Gateway::new(&world);
    let restored = Request {
        new_line: true,
        above: Some(NOW + 5_000),
        ..request()
    };
    let line = world.present().head.line;
    let published = world.publish(&state, &restored, NOW + 1).unwrap();
    assert_eq!(published.revision, NOW + 5_001);
    let head = world.present().head;
    assert!(head.line != line && head.base.urgent && head.deltas.is_empty());
    gateway.follow(&world);
    gateway.has(&state);
    assert_eq!(gateway.bases, 2);
}

#[test]
fn objects_go_when_no_head_named_them_for_long_enough() {
    let mut state = world(60);
    let world = World::begun(&state);
    let objects = || world.store.list().unwrap().len();
    for number in 0..30_u64 {
        let place = usize::try_from(number).unwrap();
        state["keys"][place]["status"] = json!("deleted");
        // The last change makes a new base, so none is due later.
        let request = Request {
            base: number == 29,
            ..request()
        };
        world.publish(&state, &request, NOW + number).unwrap();
    }
    let all = objects();
    assert!(all > world.present().named().len());
    // The store uses this machine's clock and the test its own. Pretend that all objects are old.
    for object in world.store.list().unwrap() {
        let file = std::fs::File::options()
            .append(true)
            .open(world.store.path_of_object(&object.name));
        file.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    world.publish(&state, &request(), NOW + RETAIN - 5).unwrap();
    assert_eq!(objects(), all);
    let published = world
        .publish(&state, &request(), NOW + RETAIN + 60)
        .unwrap();
    assert!(published.removed > 0 && published.uncollected.is_none());
    assert_eq!(objects(), world.present().named().len());
    Gateway::new(&world).has(&state);
}

#[test]
fn a_lost_or_broken_cache_costs_time_and_nothing_else() {
    let mut state = world(60);
    let world = World::begun(&state);
    let cache = tempfile::tempdir().unwrap();
    for number in 0..6_usize {
        state["keys"][number]["status"] = json!("deleted");
        let cached = Settings {
            cache: Some(cache.path().join("feed")),
            ..settings(1)
        };
        let mut publisher = Publisher::new(&world.store, cached).unwrap();
        publisher
            .publish(&content(&state), &request(), NOW + 1)
            .unwrap();
        for entry in std::fs::read_dir(cache.path().join("feed")).unwrap() {
            let path = entry.unwrap().path();
            match number {
                2 => std::fs::write(path, "broken").unwrap(),
                4 => std::fs::remove_file(path).unwrap(),
                _ => {}
            }
        }
    }
    Gateway::new(&world).has(&state);
}

#[test]
fn a_dry_run_writes_nothing() {
    let mut state = world(60);
    let world = World::begun(&state);
    let before = (world.present().head, world.store.list().unwrap());
    state["keys"][5]["status"] = json!("deleted");
    let dry = Request {
        dry_run: true,
        ..request()
    };
    let published = world.publish(&state, &dry, NOW + 9).unwrap();
    assert_eq!(
        (published.records, published.effect.counts()),
        (1, "+0 -1".to_owned())
    );
    assert_eq!((world.present().head, world.store.list().unwrap()), before);
}
