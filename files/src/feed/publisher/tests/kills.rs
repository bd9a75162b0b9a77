use std::sync::Mutex;

use super::faulty::{Faulty, When};
use super::*;

fn publisher<'a>(store: &'a dyn FeedStore) -> Publisher<'a> {
    Publisher::new(store, settings(1)).unwrap()
}

#[test]
fn wherever_a_publisher_is_killed_gateways_can_go_on_and_so_can_the_next_one() {
    let mut state = world(60);
    let world = World::begun(&state);
    let mut gateway = Gateway::new(&world);
    let mut now = NOW;
    for number in 0..17_usize {
        now += 1;
        state["keys"][number]["status"] = json!("deleted");
        world.publish(&state, &request(), now).unwrap();
    }
    let mut held = state.clone();
    let mut number = 17;
    // Every kind of step occurs: the changes fold the chain, and some make a new base.
    for when in [When::Before, When::After] {
        for step in 0.. {
            now += 1;
            state["keys"][number % 60]["expires_at"] = json!(now + 500_000);
            number += 1;
            let request = Request {
                base: step % 2 == 1,
                ..request()
            };
            let dies = Faulty::new(&world.store, Some((step, when)));
            let result = publisher(&dies).publish(&content(&state), &request, now);
            // The feed is complete, and has either the old state or the new one.
            gateway.follow(&world);
            let reached = Touched::between(&gateway.snapshot, content(&state).snapshot());
            match reached.is_empty() {
                true => held = state.clone(),
                false => gateway.has(&held),
            }
            Gateway::new(&world).follow(&world);
            if result.is_ok() && dies.count.get() <= step {
                break;
            }
            if step % 3 == 0 {
                // The next publisher continues from there.
                now += 1;
                world.publish(&state, &super::request(), now).unwrap();
                gateway.follow(&world);
                gateway.has(&state);
                held = state.clone();
            }
        }
    }
    assert_eq!(gateway.bases, 1);
}

#[test]
fn of_two_publishers_at_once_none_loses_a_change() {
    let state = world(40);
    let world = World::begun(&state);
    let shared = Mutex::new(state);
    std::thread::scope(|scope| {
        for of in 0..2_usize {
            let (shared, world) = (&shared, &world);
            scope.spawn(move || {
                let mut publisher = publisher(&world.store);
                for number in 0..15_usize {
                    let next = {
                        let mut state = shared.lock().unwrap();
                        state["keys"][of * 20 + number]["status"] = json!("deleted");
                        content(&state)
                    };
                    // A publisher with an older state than its rival would revert the rival's
                    // change. So both publish the same shared state, and read it again after each
                    // loss.
                    let _ = publisher.publish(&next, &request(), NOW + 1);
                }
            });
        }
    });
    let state = shared.into_inner().unwrap();
    let mut gateway = Gateway::new(&world);
    world.publish(&state, &request(), NOW + 2).unwrap();
    gateway.follow(&world);
    gateway.has(&state);
    assert_eq!(gateway.bases, 1);
}

#[test]
fn whoever_loses_five_times_says_so() {
    /// A store where another publisher is always faster.
    struct Busy<'a>(&'a Folder);
    impl FeedStore for Busy<'_> {
        fn shown(&self) -> String {
            self.0.shown()
        }
        fn read(
            &self,
            name: crate::feed::store::Mutable,
            most: u64,
        ) -> anyhow::Result<Option<(Vec<u8>, crate::feed::store::Version)>> {
            self.0.read(name, most)
        }
        fn swap(
            &self,
            _: crate::feed::store::Mutable,
            _: Option<&crate::feed::store::Version>,
            _: &[u8],
        ) -> anyhow::Result<crate::feed::store::Swap> {
            Ok(crate::feed::store::Swap::Lost)
        }
        fn get(
            &self,
            name: &crate::feed::store::ObjectName,
            most: u64,
        ) -> anyhow::Result<Option<Vec<u8>>> {
            self.0.get(name, most)
        }
        fn put_new(
            &self,
            name: &crate::feed::store::ObjectName,
            bytes: &[u8],
        ) -> anyhow::Result<()> {
            self.0.put_new(name, bytes)
        }
        fn list(&self) -> anyhow::Result<Vec<crate::feed::store::Listed>> {
            self.0.list()
        }
        fn delete(&self, name: &crate::feed::store::ObjectName) -> anyhow::Result<()> {
            self.0.delete(name)
        }
        fn tidy(&self, now: u64) -> anyhow::Result<usize> {
            self.0.tidy(now)
        }
    }
    let mut state = world(20);
    let world = World::begun(&state);
    state["keys"][1]["status"] = json!("deleted");
    let busy = Busy(&world.store);
    let error = publisher(&busy).publish(&content(&state), &request(), NOW + 1);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("other publishers wrote"), "{error}");
    Gateway::new(&world);
}
