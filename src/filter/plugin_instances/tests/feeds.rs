//! Tests of snapshots that come from a feed, between pushes.

use super::*;

/// Returns a configuration that follows that feed.
fn following(feed: &str) -> Arc<Configuration> {
    let key = crate::signify::tests::pair(1).1.line();
    let text = json!({"max_snapshot_age": 60, "feed": {"name": feed, "cluster": "c", "authority": "a:1", "public_keys": [key]}});
    Arc::new(Configuration::from_json(text.to_string().as_bytes()).unwrap())
}

fn follow(vm: &Vm, plugin: &str, number: u64, follows: impl Fn(&Configuration) -> bool) {
    let plugin = Held::new(plugin);
    let next = parsed(number);
    vm.with(|all, watch| {
        all.serve(plugin.plugin(), next.snapshot().unwrap(), follows, watch);
    });
}

#[test]
fn a_snapshot_of_a_feed_is_served_at_once_and_told() {
    let vm = Vm::default();
    let held = vm.begin(1);
    vm.tick(&held);
    assert_eq!(vm.request(&held), Some(1));
    follow(&vm, "a", 7, |_| true);
    assert_eq!(vm.request(&held), Some(7));
    assert_eq!((vm.census(), vm.gauge(Gauge::Revision)), ((1, 7), 7));
    assert_eq!(vm.rollbacks(), Some(0));
}

#[test]
fn it_reaches_every_instance_that_follows_and_no_other_plugin() {
    let vm = Vm::default();
    let old = vm.begin(1);
    vm.tick(&old);
    assert_eq!(vm.request(&old), Some(1));
    let new = vm.begin(2);
    vm.tick(&new);
    assert_eq!(vm.request(&new), Some(2));
    let other = vm.begin_of("b", 3);
    follow(&vm, "a", 7, |_| true);
    // An old instance may be reused, so it must not bring back a revoked key.
    assert_eq!((vm.request(&old), vm.request(&new)), (Some(7), Some(7)));
    assert_eq!(vm.request(&other), Some(3));
    follow(&vm, "a", 8, |configuration| {
        revision(configuration) != Some(7)
    });
    assert_eq!(vm.request(&new), Some(7));
}

#[test]
fn an_instance_keeps_its_timer_while_it_serves_a_feed() {
    let vm = Vm::default();
    let old = vm.begin_with(following("prod"));
    assert!(vm.tick(&old));
    let new = vm.begin_with(following("prod"));
    assert!(vm.tick(&new));
    for _ in 0..3 {
        assert!(vm.tick(&old), "the new one may end, and this one follow");
    }
    vm.with(|all, watch| all.close(&old, watch));
    assert!(!vm.tick(&old));
}

#[test]
fn a_feed_is_followed_while_an_instance_of_the_plugin_serves_it() {
    let vm = Vm::default();
    let is_followed = |feed| vm.with(|all, _| all.is_followed(Held::new("a").plugin(), feed));
    let first = vm.begin_with(following("prod"));
    let _none = vm.begin(1);
    let _other = vm.begin_of("b", 1);
    assert!(is_followed("prod") && !is_followed("test"));
    let second = vm.begin_with(following("test"));
    assert!(is_followed("prod") && is_followed("test"));
    vm.end(&first);
    assert!(!is_followed("prod") && is_followed("test"));
    vm.with(|all, watch| all.close(&second, watch));
    assert!(!is_followed("test"), "it denies everything from now on");
    let has_configuration = |held| vm.with(|all, _| all.configuration(held).is_some());
    assert!(has_configuration(&second) && !has_configuration(&first));
}
