use super::*;
use crate::feed::Trouble;
use crate::filter::counter::Counter;
use crate::filter::following::tests::{Fake, configuration_of, published};

/// A VM with a plugin. Its feeds trust key 1.
struct Vm {
    all: Followers,
    host: Fake,
    begun: usize,
}

fn plugin() -> PluginId {
    let parts = [b"keyward".as_slice(), b"", b""];
    PluginId::new(parts.map(Box::from))
}

impl Vm {
    fn new() -> Self {
        Self {
            all: Followers::new(),
            host: Fake::default(),
            begun: 0,
        }
    }

    fn id(&mut self) -> InstanceId {
        self.begun += 1;
        InstanceId(self.begun)
    }

    /// Begins an instance that follows that feed, and returns the revision that it serves first.
    fn begin(&mut self, feed: &str) -> (InstanceId, Option<u64>) {
        let id = self.id();
        let configuration = configuration_of(feed, 1);
        let prepared = self.all.prepare(&plugin(), configuration, &mut self.host);
        let following = prepared.following.unwrap();
        self.all
            .follow(&plugin(), id, &prepared.configuration, following);
        let snapshot = prepared.configuration.snapshot();
        (id, snapshot.map(|it| it.revision().number()))
    }

    /// Ticks an instance as its timer does. Returns the number of calls that it makes, or `None` if
    /// it does not follow.
    fn tick(&mut self, id: InstanceId) -> Option<usize> {
        let mut followed = self.all.take(id)?;
        let before = self.host.calls.len();
        followed.tick(&mut self.host);
        self.all.put(followed);
        Some(self.host.calls.len() - before)
    }

    /// Answers the last call of an instance.
    fn answer(&mut self, id: InstanceId, mut body: &[u8]) {
        let token = u32::try_from(self.host.calls.len()).unwrap();
        let mut followed = self.all.take(id).unwrap();
        let answer = Answer::read(&[(b":status", b"200")]).unwrap();
        let next = followed.answered(token, Some((&answer, &mut body)), &mut self.host);
        assert!(next.is_some(), "it is not its call");
        self.all.put(followed);
    }

    /// Brings an instance that follows `prod` to revision 7.
    fn lead(&mut self, id: InstanceId) {
        let (head, base) = published();
        assert_eq!(self.tick(id), Some(1));
        self.answer(id, &head);
        self.answer(id, &base);
    }

    /// Ends an instance of which others with the same feed are left.
    fn end(&mut self, id: InstanceId) {
        self.all.leave(id);
        self.all.retain(|_, _| true);
    }

    fn take_up(&mut self, id: InstanceId, feed: &str, seed: Option<u64>) {
        let seed = seed.and_then(Revision::new);
        let configuration = configuration_of(feed, 1);
        self.all
            .take_up(&plugin(), id, &configuration, seed, &mut self.host);
    }

    /// Returns the revision that an instance's follower was led to.
    fn loaded(&mut self, id: InstanceId) -> Option<u64> {
        let followed = self.all.take(id)?;
        let revision = followed.following.snapshot().map(Snapshot::revision);
        self.all.put(followed);
        revision.map(Revision::number)
    }
}

#[test]
fn a_push_takes_over_what_its_feed_led_to() {
    let mut vm = Vm::new();
    let (old, first) = vm.begin("prod");
    assert_eq!(first, None);
    vm.lead(old);
    let (new, first) = vm.begin("prod");
    assert_eq!(first, Some(7));
    assert_eq!((vm.tick(old), vm.tick(new)), (None, Some(1)));
}

#[test]
fn two_feeds_of_one_plugin_are_both_followed() {
    let mut vm = Vm::new();
    let (one, _) = vm.begin("prod");
    vm.lead(one);
    let (two, first) = vm.begin("test");
    assert_eq!((first, vm.tick(two)), (None, Some(1)));
    assert_eq!(vm.loaded(one), Some(7));
    vm.host.now += 60_000;
    assert_eq!(vm.tick(one), Some(1), "the older one asks as before");
    // Its feed ends with it, and only that.
    vm.all.leave(one);
    vm.all.retain(|_, feed| feed == "test");
    vm.take_up(two, "prod", None);
    assert_eq!((vm.loaded(one), vm.loaded(two)), (None, None));
    assert_eq!((vm.tick(one), vm.tick(two)), (None, Some(0)));
}

#[test]
fn an_instance_goes_on_with_what_an_ended_one_followed_and_with_its_own_seed() {
    for (seed, loaded, troubles) in [
        (None, Some(7), 0),
        (Some(7), Some(7), 0),
        (Some(8), None, 1),
    ] {
        let mut vm = Vm::new();
        let (old, _) = vm.begin("prod");
        let (new, _) = vm.begin("prod");
        vm.lead(new);
        vm.take_up(old, "prod", seed);
        assert_eq!(vm.tick(old), None, "the new one follows");
        vm.end(new);
        vm.take_up(old, "test", seed);
        assert_eq!(vm.tick(old), None, "it does not follow this feed");
        vm.take_up(old, "prod", seed);
        assert_eq!(vm.loaded(old), loaded, "{seed:?}");
        assert_eq!(vm.tick(old), Some(1));
        vm.answer(old, &published().0);
        let rollback = Counter::FeedTroubles(Trouble::Rollback);
        let counted = vm.host.counted.iter();
        let counted = counted.filter(|(counter, _)| *counter == rollback).count();
        assert_eq!(counted, troubles, "{seed:?}");
    }
}

#[test]
fn a_lagging_instance_follows_what_it_serves() {
    let mut vm = Vm::new();
    let (one, _) = vm.begin("prod");
    let (two, _) = vm.begin("test");
    let lagging = vm.id();
    vm.all
        .take_over(&plugin(), lagging, &Configuration::closed());
    assert!(vm.all.take(lagging).is_none());
    let serves = configuration_of("prod", 1);
    vm.all.take_over(&plugin(), lagging, &serves);
    assert_eq!((vm.tick(lagging), vm.tick(one)), (Some(1), None));
    assert_eq!(vm.tick(two), Some(1));
}
