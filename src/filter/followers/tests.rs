use std::rc::Rc;

use super::*;
use crate::feed::Trouble;
use crate::filter::counter::Counter;
use crate::filter::following::tests::{Fake, configuration_of, published};

/// What a root context would keep.
#[derive(Clone)]
struct Held(Rc<PluginId>);

impl Handle for Held {
    fn plugin(&self) -> &PluginId {
        &self.0
    }

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn has_streams(&self) -> bool {
        false
    }

    fn wake(&self) {}
}

/// A VM with a plugin. Its feeds trust key 1.
#[derive(Default)]
struct Vm {
    all: Followers<Held>,
    host: Fake,
}

impl Default for Followers<Held> {
    fn default() -> Self {
        Self::new()
    }
}

impl Vm {
    /// Begins an instance that follows that feed, and returns the revision that it serves first.
    fn begin(&mut self, feed: &str) -> (Held, Option<u64>) {
        let parts = [b"keyward".as_slice(), b"", b""];
        let held = Held(Rc::new(PluginId::new(parts.map(Box::from))));
        let configuration = configuration_of(feed, 1);
        let prepared = self
            .all
            .prepare(held.plugin(), configuration, &mut self.host);
        let following = prepared.following.unwrap();
        self.all.follow(&held, &prepared.configuration, following);
        let snapshot = prepared.configuration.snapshot();
        (held, snapshot.map(|it| it.revision().number()))
    }

    /// Ticks an instance as its timer does. Returns the number of calls that it makes, or `None` if
    /// it does not follow.
    fn tick(&mut self, held: &Held) -> Option<usize> {
        let mut followed = self.all.take(held)?;
        let before = self.host.calls.len();
        followed.tick(&mut self.host);
        self.all.put(followed);
        Some(self.host.calls.len() - before)
    }

    /// Answers the last call of an instance.
    fn answer(&mut self, held: &Held, mut body: &[u8]) {
        let token = u32::try_from(self.host.calls.len()).unwrap();
        let mut followed = self.all.take(held).unwrap();
        let answer = Answer::read(&[(b":status", b"200")]).unwrap();
        let next = followed.answered(token, Some((&answer, &mut body)), &mut self.host);
        assert!(next.is_some(), "it is not its call");
        self.all.put(followed);
    }

    /// Brings an instance that follows `prod` to revision 7.
    fn lead(&mut self, held: &Held) {
        let (head, base) = published();
        assert_eq!(self.tick(held), Some(1));
        self.answer(held, &head);
        self.answer(held, &base);
    }

    /// Ends an instance of which others with the same feed are left.
    fn end(&mut self, held: &Held) {
        self.all.leave(held);
        self.all.retain(|_, _| true);
    }

    fn take_up(&mut self, held: &Held, feed: &str, seed: Option<u64>) {
        let seed = seed.and_then(Revision::new);
        let configuration = configuration_of(feed, 1);
        self.all.take_up(held, &configuration, seed, &mut self.host);
    }

    /// Returns the revision that an instance's follower was led to.
    fn loaded(&mut self, held: &Held) -> Option<u64> {
        let followed = self.all.take(held)?;
        let revision = followed.following.snapshot().map(Snapshot::revision);
        self.all.put(followed);
        revision.map(Revision::number)
    }
}

#[test]
fn a_push_takes_over_what_its_feed_led_to() {
    let mut vm = Vm::default();
    let (old, first) = vm.begin("prod");
    assert_eq!(first, None);
    vm.lead(&old);
    let (new, first) = vm.begin("prod");
    assert_eq!(first, Some(7));
    assert_eq!((vm.tick(&old), vm.tick(&new)), (None, Some(1)));
}

#[test]
fn two_feeds_of_one_plugin_are_both_followed() {
    let mut vm = Vm::default();
    let (one, _) = vm.begin("prod");
    vm.lead(&one);
    let (two, first) = vm.begin("test");
    assert_eq!((first, vm.tick(&two)), (None, Some(1)));
    assert_eq!(vm.loaded(&one), Some(7));
    vm.host.now += 60_000;
    assert_eq!(vm.tick(&one), Some(1), "the older one asks as before");
    // Its feed ends with it, and only that.
    vm.all.leave(&one);
    vm.all.retain(|_, feed| feed == "test");
    vm.take_up(&two, "prod", None);
    assert_eq!((vm.loaded(&one), vm.loaded(&two)), (None, None));
    assert_eq!((vm.tick(&one), vm.tick(&two)), (None, Some(0)));
}

#[test]
fn an_instance_goes_on_with_what_an_ended_one_followed_and_with_its_own_seed() {
    for (seed, loaded, troubles) in [
        (None, Some(7), 0),
        (Some(7), Some(7), 0),
        (Some(8), None, 1),
    ] {
        let mut vm = Vm::default();
        let (old, _) = vm.begin("prod");
        let (new, _) = vm.begin("prod");
        vm.lead(&new);
        vm.take_up(&old, "prod", seed);
        assert_eq!(vm.tick(&old), None, "the new one follows");
        vm.end(&new);
        vm.take_up(&old, "test", seed);
        assert_eq!(vm.tick(&old), None, "it does not follow this feed");
        vm.take_up(&old, "prod", seed);
        assert_eq!(vm.loaded(&old), loaded, "{seed:?}");
        assert_eq!(vm.tick(&old), Some(1));
        vm.answer(&old, &published().0);
        let rollback = Counter::FeedTroubles(Trouble::Rollback);
        let counted = vm.host.counted.iter();
        let counted = counted.filter(|(counter, _)| *counter == rollback).count();
        assert_eq!(counted, troubles, "{seed:?}");
    }
}

#[test]
fn a_lagging_instance_follows_what_it_serves() {
    let mut vm = Vm::default();
    let (one, _) = vm.begin("prod");
    let (two, _) = vm.begin("test");
    let lagging = Held(Rc::new(one.plugin().clone()));
    vm.all.take_over(&lagging, &Configuration::closed());
    assert!(vm.all.take(&lagging).is_none());
    vm.all.take_over(&lagging, &configuration_of("prod", 1));
    assert_eq!((vm.tick(&lagging), vm.tick(&one)), (Some(1), None));
    assert_eq!(vm.tick(&two), Some(1));
}
