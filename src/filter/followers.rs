//! The followers of a VM: one for each plugin and feed, while an instance of the plugin follows that
//! feed. A follower uses the timer and the calls of one instance, the newest that follows the feed.
//! Two plugins may have the same name in a VM by mistake, and streams keep an old instance: neither
//! may be left on a snapshot that no longer changes.

use super::following::{FeedHost, Following};
use super::plugin_id::PluginId;
use crate::configuration::Configuration;
use crate::feed::{Answer, Body};
use crate::snapshot::{Revision, Snapshot};

/// Identifies an instance of a VM while that exists. It does not keep the instance, so that the
/// number of its owners still shows whether it has streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(pub usize);

/// All followers of a VM.
pub struct Followers {
    all: Vec<Followed>,
}

/// A feed that a plugin follows.
pub struct Followed {
    plugin: PluginId,
    /// The instance whose timer and calls the follower uses. `None` if that has ended and no other
    /// has replaced it yet.
    by: Option<InstanceId>,
    /// The configuration whose profile is used to read snapshots.
    configuration: Configuration,
    following: Following,
}

/// What an instance begins with.
pub struct Prepared {
    /// What it serves first.
    pub configuration: Configuration,
    /// The follower of its feed, if it follows one.
    pub following: Option<Following>,
    /// The revision of the snapshot that was pushed together with the settings, if it follows a
    /// feed.
    pub seed: Option<Revision>,
}

impl Followed {
    fn is_of(&self, plugin: &PluginId, feed: &str) -> bool {
        self.plugin == *plugin && *self.following.feed().name == *feed
    }

    /// Handles the passing of time. Returns in how many milliseconds the next tick is needed.
    pub fn tick<F: FeedHost>(&mut self, host: &mut F) -> u64 {
        self.following.tick(self.configuration.profile(), host)
    }

    /// Handles the answer to a call: see [`Following::answered`].
    pub fn answered<F: FeedHost>(
        &mut self,
        token: u32,
        answer: Option<(&Answer, &mut dyn Body)>,
        host: &mut F,
    ) -> Option<u64> {
        let profile = self.configuration.profile();
        self.following.answered(token, answer, profile, host)
    }
}

impl Followers {
    /// Creates an empty list.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a static takes a constant, which a default is not"
    )]
    pub const fn new() -> Self {
        Self { all: Vec::new() }
    }

    /// Returns what an instance serves first: the snapshot that its feed led to before this push, or
    /// its seed, or no snapshot. If it follows no feed, its configuration is unchanged.
    pub fn prepare<F: FeedHost>(
        &mut self,
        plugin: &PluginId,
        configuration: Configuration,
        host: &mut F,
    ) -> Prepared {
        let Some(feed) = configuration.settings().feed.clone() else {
            return Prepared {
                configuration,
                following: None,
                seed: None,
            };
        };
        let before = self
            .place(plugin, &feed.name)
            .map(|place| self.all.swap_remove(place).following);
        let seed = configuration.snapshot().map(Snapshot::revision);
        let serves_seed = feed.serve_seed;
        let following = Following::begin(before, feed, seed, host);
        let configuration = match following.snapshot() {
            Some(loaded) => configuration.with_snapshot(Some(loaded.clone())),
            None if serves_seed => configuration,
            None => configuration.with_snapshot(None),
        };
        Prepared {
            configuration,
            following: Some(following),
            seed,
        }
    }

    /// Follows the feed through `by` from now on.
    pub fn follow(
        &mut self,
        plugin: &PluginId,
        by: InstanceId,
        configuration: &Configuration,
        following: Following,
    ) {
        self.all.push(Followed {
            plugin: plugin.clone(),
            by: Some(by),
            configuration: configuration.with_snapshot(None),
            following,
        });
    }

    /// Makes an instance continue to follow its feed without its settings, which could not be
    /// loaded.
    pub fn take_over(&mut self, plugin: &PluginId, by: InstanceId, configuration: &Configuration) {
        let feed = configuration.settings().feed.as_ref();
        let place = feed.and_then(|feed| self.place(plugin, &feed.name));
        if let Some(own) = place.and_then(|place| self.all.get_mut(place)) {
            own.by = Some(by);
        }
    }

    /// Makes an instance follow its feed, with its own settings, if no other instance does. If
    /// exactly the same bytes are pushed again, Envoy reuses an old instance without configuring it.
    pub fn take_up<F: FeedHost>(
        &mut self,
        plugin: &PluginId,
        by: InstanceId,
        configuration: &Configuration,
        seed: Option<Revision>,
        host: &mut F,
    ) {
        let Some(feed) = configuration.settings().feed.clone() else {
            return;
        };
        let Some(place) = self.place(plugin, &feed.name) else {
            return;
        };
        if self.all.get(place).is_some_and(|left| left.by.is_none()) {
            let left = self.all.swap_remove(place).following;
            let following = Following::begin(Some(left), feed, seed, host);
            self.follow(plugin, by, configuration, following);
        }
    }

    /// Ends the calls of an instance.
    pub fn leave(&mut self, by: InstanceId) {
        for own in &mut self.all {
            own.by.take_if(|it| *it == by);
        }
    }

    /// Removes the followers of feeds that no instance follows.
    pub fn retain(&mut self, is_followed: impl Fn(&PluginId, &str) -> bool) {
        self.all
            .retain(|own| is_followed(&own.plugin, &own.following.feed().name));
    }

    /// Takes the follower that uses this instance. [Put](Self::put) it back.
    pub fn take(&mut self, by: InstanceId) -> Option<Followed> {
        let place = self.all.iter().position(|own| own.by == Some(by))?;
        Some(self.all.swap_remove(place))
    }

    /// Puts a follower back.
    pub fn put(&mut self, followed: Followed) {
        self.all.push(followed);
    }

    fn place(&self, plugin: &PluginId, feed: &str) -> Option<usize> {
        self.all.iter().position(|own| own.is_of(plugin, feed))
    }
}

#[cfg(test)]
mod tests;
