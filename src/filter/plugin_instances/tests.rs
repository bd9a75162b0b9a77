//! Tests of what a plugin serves and what is reported about it, from push to push.

mod every_state;
mod feeds;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::filter::counter::Counter;

/// What a root context or a stream would keep.
#[derive(Clone, Debug)]
struct Held(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    plugin: PluginId,
    has_streams: Cell<bool>,
    wakes: Cell<usize>,
}

impl Held {
    fn new(plugin: &str) -> Self {
        let parts = [plugin.as_bytes(), b"", b""];
        Self(Rc::new(Inner {
            plugin: PluginId::new(parts.map(Box::from)),
            has_streams: Cell::new(false),
            wakes: Cell::new(0),
        }))
    }
}

impl Handle for Held {
    fn plugin(&self) -> &PluginId {
        &self.0.plugin
    }

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn has_streams(&self) -> bool {
        self.0.has_streams.get()
    }

    fn wake(&self) {
        self.0.wakes.set(self.0.wakes.get() + 1);
    }
}

/// Every metric, by its name and its plugin.
#[derive(Clone, Debug, Default)]
struct Watch(BTreeMap<(&'static str, String), i64>);

impl Watch {
    fn of(&self, name: &'static str, plugin: &str) -> Option<i64> {
        self.0.get(&(name, plugin.to_owned())).copied()
    }

    fn change(&mut self, name: &'static str, plugin: Option<&PluginId>, change: i64) {
        let plugin = plugin.map_or_else(String::new, PluginId::label);
        *self.0.entry((name, plugin)).or_default() += change;
    }
}

impl Monitor for Watch {
    fn count(&mut self, counter: Counter, times: u32) {
        self.change(counter.name(), None, times.into());
    }

    fn add(&mut self, gauge: Gauge, plugin: Option<&PluginId>, change: i64) {
        self.change(gauge.name(), plugin, change);
    }

    fn set(&mut self, gauge: Gauge, plugin: Option<&PluginId>, value: u64) {
        let plugin = plugin.map_or_else(String::new, PluginId::label);
        self.0
            .insert((gauge.name(), plugin), value.try_into().unwrap());
    }
}

/// Returns a new configuration each time, even for the same revision.
fn snapshot(revision: u64) -> Arc<Configuration> {
    static READ: Mutex<BTreeMap<u64, Configuration>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap();
    Arc::new(
        read.entry(revision)
            .or_insert_with(|| parsed(revision))
            .clone(),
    )
}

fn parsed(revision: u64) -> Configuration {
    let snapshot = json!({
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}], "keys": [], "empty": true,
    });
    let text = json!({ "snapshot": snapshot }).to_string();
    Configuration::from_json(text.as_bytes()).unwrap()
}

fn revision(configuration: &Configuration) -> Option<u64> {
    let snapshot = configuration.snapshot()?;
    Some(snapshot.revision().number())
}

/// A VM. Its plugin is `a` unless another is named.
#[derive(Clone, Default)]
struct Vm {
    all: RefCell<Option<PluginInstances<Held>>>,
    watch: RefCell<Watch>,
}

impl Vm {
    fn with<R>(&self, act: impl FnOnce(&mut PluginInstances<Held>, &mut Watch) -> R) -> R {
        let mut all = self.all.borrow_mut();
        let all = all.get_or_insert_with(PluginInstances::new);
        act(all, &mut self.watch.borrow_mut())
    }

    fn begin_of(&self, plugin: &str, revision: u64) -> Held {
        let held = Held::new(plugin);
        self.with(|all, _| all.begin(held.clone(), snapshot(revision)));
        held
    }

    fn begin_with(&self, configuration: Arc<Configuration>) -> Held {
        let held = Held::new("a");
        self.with(|all, _| all.begin(held.clone(), configuration));
        held
    }

    fn begin(&self, revision: u64) -> Held {
        self.begin_of("a", revision)
    }

    fn begin_behind(&self) -> Held {
        let held = Held::new("a");
        self.with(|all, _| all.begin_behind(held.clone()));
        held
    }

    /// Returns the revision that decides on a request, or `None` if the request is denied.
    fn request(&self, held: &Held) -> Option<u64> {
        revision(&self.with(|all, watch| all.take_request(held, watch)))
    }

    fn tick(&self, held: &Held) -> bool {
        self.with(|all, watch| all.tick(held, watch))
    }

    fn end(&self, held: &Held) {
        self.with(|all, watch| all.end(held, watch));
    }

    /// Returns the gauge of plugin `a`, or the one without a plugin.
    fn gauge(&self, gauge: Gauge) -> i64 {
        let watch = self.watch.borrow();
        let of_plugin = watch.of(gauge.name(), "a");
        of_plugin.or(watch.of(gauge.name(), "")).unwrap_or(0)
    }

    /// Returns the number of VMs, and the sum of their revisions.
    fn census(&self) -> (i64, i64) {
        (self.gauge(Gauge::Vms), self.gauge(Gauge::VmsRevisionSum))
    }

    fn rollbacks(&self) -> Option<i64> {
        self.watch.borrow().of(Counter::Rollbacks.name(), "")
    }
}

#[test]
fn a_trial_is_in_no_sum() {
    let vm = Vm::default();
    let trial = vm.begin(1);
    assert_eq!(vm.census(), (0, 0));
    vm.end(&trial);
    assert!(vm.watch.borrow().0.is_empty());
}

#[test]
fn an_instance_counts_from_its_timer_or_its_first_request() {
    let vm = Vm::default();
    let first = vm.begin(5);
    assert!(!vm.tick(&first));
    assert_eq!(vm.census(), (1, 5));
    let second = vm.begin(6);
    assert_eq!(vm.request(&second), Some(6));
    assert_eq!(vm.census(), (1, 6));
    vm.end(&first);
    vm.end(&second);
    assert_eq!(vm.census(), (0, 0));
    assert_eq!(vm.gauge(Gauge::VmsFingerprintSum), 0);
}

#[test]
fn the_first_request_announces_what_is_served() {
    let vm = Vm::default();
    let first = vm.begin(5);
    vm.tick(&first);
    assert_eq!(vm.gauge(Gauge::Revision), 0);
    vm.request(&first);
    assert_eq!(vm.gauge(Gauge::Revision), 5);
    assert_eq!(vm.gauge(Gauge::IssuedAt), 1_795_194_529);
    assert_eq!(vm.gauge(Gauge::MaxAge), 0);
    assert_eq!(vm.gauge(Gauge::BuildInfo), 1);
    assert_eq!(vm.rollbacks(), Some(0));
}

#[test]
fn a_lower_revision_is_a_rollback_and_is_served() {
    let vm = Vm::default();
    let newer = vm.begin(6);
    vm.request(&newer);
    let older = vm.begin(5);
    assert_eq!(vm.request(&older), Some(5));
    assert_eq!(vm.rollbacks(), Some(1));
    assert_eq!(vm.gauge(Gauge::Revision), 5);
    vm.tick(&older);
    assert_eq!(vm.census(), (1, 5));
}

#[test]
fn a_plugin_that_left_has_no_past() {
    let vm = Vm::default();
    let newer = vm.begin(6);
    vm.request(&newer);
    vm.end(&newer);
    let older = vm.begin(5);
    vm.request(&older);
    assert_eq!(vm.rollbacks(), Some(0));
}

#[test]
fn an_old_instance_that_takes_requests_counts_until_it_takes_none_for_a_second() {
    let vm = Vm::default();
    let old = vm.begin(5);
    vm.request(&old);
    let new = vm.begin(6);
    vm.tick(&new);
    assert_eq!(vm.census(), (1, 6));
    assert_eq!(vm.request(&old), Some(5));
    assert_eq!((vm.census(), old.0.wakes.get()), ((1, 5), 1));
    assert_eq!(vm.request(&old), Some(5));
    assert_eq!(old.0.wakes.get(), 1);
    assert!(vm.tick(&old));
    assert_eq!(vm.census(), (1, 5));
    assert!(!vm.tick(&old));
    assert_eq!(vm.census(), (1, 6));
}

#[test]
fn behind_serves_what_was_served_last() {
    let vm = Vm::default();
    let good = vm.begin(5);
    vm.request(&good);
    let behind = vm.begin_behind();
    assert_eq!(vm.gauge(Gauge::WorkersBehind), 0);
    assert_eq!(vm.request(&behind), Some(5));
    assert_eq!(vm.gauge(Gauge::WorkersBehind), 1);
    let next = vm.begin(7);
    assert_eq!(vm.request(&next), Some(7));
    assert_eq!(vm.gauge(Gauge::WorkersBehind), 0);
    // Its own configuration was never loaded, so it does not come back with what it served.
    assert_eq!(vm.request(&behind), None);
}

#[test]
fn behind_with_nothing_served_denies() {
    let vm = Vm::default();
    let behind = vm.begin_behind();
    assert_eq!(vm.request(&behind), None);
    assert_eq!(vm.gauge(Gauge::WorkersBehind), 1);
    vm.end(&behind);
    assert_eq!(vm.gauge(Gauge::WorkersBehind), 0);
}

#[test]
fn behind_denies_where_it_is_not_clear_what_was_served() {
    let vm = Vm::default();
    let serving = vm.begin(5);
    vm.request(&serving);
    // A newer instance waits for its first request.
    let waiting = vm.begin(6);
    let behind = vm.begin_behind();
    assert_eq!(vm.request(&behind), None);
    vm.end(&behind);
    // Two plugins with the same name.
    vm.request(&waiting);
    vm.request(&serving);
    let behind = vm.begin_behind();
    assert_eq!(vm.request(&behind), None);
}

#[test]
fn two_plugins_of_one_name_keep_their_own() {
    let vm = Vm::default();
    let (one, other) = (vm.begin(5), vm.begin(6));
    for _ in 0..3 {
        assert_eq!(vm.request(&one), Some(5));
        assert_eq!(vm.request(&other), Some(6));
    }
}

#[test]
fn an_old_instance_that_is_taken_up_again_serves_its_own() {
    let vm = Vm::default();
    let old = vm.begin(5);
    vm.request(&old);
    let new = vm.begin(6);
    vm.request(&new);
    vm.end(&new);
    assert_eq!(vm.request(&old), Some(5));
    assert_eq!(vm.census(), (1, 5));
    assert_eq!(vm.rollbacks(), Some(1));
}

#[test]
fn plugins_of_other_names_do_not_meet() {
    let vm = Vm::default();
    let (mine, other) = (vm.begin(5), vm.begin_of("b", 9));
    vm.request(&mine);
    vm.request(&other);
    assert_eq!(vm.request(&vm.begin_behind()), Some(5));
    assert_eq!(vm.census(), (1, 5));
    assert_eq!(
        vm.watch
            .borrow()
            .of("keyward_snapshot_vms_revision_sum", "b"),
        Some(9)
    );
    assert_eq!(vm.rollbacks(), Some(0));
}

#[test]
fn an_ended_instance_serves_nothing() {
    let vm = Vm::default();
    let ended = vm.begin(5);
    vm.request(&ended);
    let next = vm.begin(6);
    vm.request(&next);
    vm.end(&ended);
    assert_eq!(vm.request(&ended), None);
    assert!(!vm.tick(&ended));
    assert_eq!(vm.census(), (1, 6));
    assert_eq!(vm.request(&vm.begin_behind()), Some(6));
}

#[test]
fn only_what_open_streams_keep_can_be_given_up() {
    let vm = Vm::default();
    let pinned = |vm: &Vm| {
        vm.with(|all, _| all.pinned())
            .iter()
            .map(|held| Rc::as_ptr(&held.0))
            .collect::<Vec<_>>()
    };
    let (first, second, third) = (vm.begin(1), vm.begin(2), vm.begin(3));
    for held in [&first, &second, &third] {
        vm.request(held);
        held.0.has_streams.set(true);
    }
    let expected = [&first, &second].map(|held| Rc::as_ptr(&held.0));
    assert_eq!(pinned(&vm), expected);
    vm.with(|all, watch| all.close(&first, watch));
    assert_eq!(pinned(&vm), expected[1..]);
    second.0.has_streams.set(false);
    assert!(pinned(&vm).is_empty());
    // Exactly the same bytes are pushed again, and Envoy reuses the old instance.
    assert_eq!(vm.request(&first), None);
    assert_eq!(vm.request(&second), Some(2));
}

#[test]
fn a_usage_report_is_in_no_sum() {
    let vm = Vm::default();
    let held = Held::new("a");
    let configuration = Configuration::from_json(br#"{"role": "usage_report"}"#).unwrap();
    vm.with(|all, _| all.begin(held.clone(), Arc::new(configuration)));
    vm.tick(&held);
    vm.request(&held);
    assert_eq!(vm.census(), (0, 0));
}
