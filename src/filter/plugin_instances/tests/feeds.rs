//! Tests of snapshots that come from a feed, between pushes.

use super::*;

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
fn the_last_instance_of_a_plugin_knows_that_it_is() {
    let vm = Vm::default();
    let first = vm.begin(1);
    let other = vm.begin_of("b", 1);
    assert!(vm.with(|all, _| all.is_last(&first)));
    let second = vm.begin(2);
    assert!(!vm.with(|all, _| all.is_last(&first)));
    vm.end(&first);
    assert!(vm.with(|all, _| all.is_last(&second)));
    assert!(vm.with(|all, _| all.is_last(&other)));
    assert_eq!(
        vm.with(|all, _| all.configuration(&second))
            .and_then(|it| revision(&it)),
        Some(2)
    );
    assert!(vm.with(|all, _| all.configuration(&first)).is_none());
}
