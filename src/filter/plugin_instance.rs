//! An instance of a plugin, from its configuration to its end. Its state consists of three parts
//! that change independently of each other.

use std::sync::Arc;

use crate::configuration::{Configuration, Role};
use crate::snapshot::{Revision, Snapshot};

/// What a root context of a plugin serves.
#[derive(Clone, Debug)]
pub(super) struct PluginInstance<H> {
    pub(super) handle: H,
    pub(super) serves: Arc<Configuration>,
    pub(super) turn: Turn,
    pub(super) lag: Lag,
    pub(super) standing: Standing,
}

/// The instance's turn among those of its plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has received no request yet.
    Waiting,
    /// It received the most recent request.
    Serving,
    /// Another instance has received requests since.
    Replaced,
    /// It receives requests again after another instance did: two plugins have the same name, or
    /// Envoy has reactivated it.
    Shared,
}

/// Whether an instance serves the configuration that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lag {
    /// It serves its own configuration.
    None,
    /// It could not load its configuration, and serves an older one, or none.
    Behind,
    /// Like [`Self::Behind`], and the gauge counts it.
    Counted,
}

/// The instance's status in the census.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its timer has not fired yet: it may be a trial.
    Trial,
    /// It serves, unless a newer instance does.
    Settled,
    /// A newer instance has settled.
    Old,
    /// It received a request although a newer instance has settled. The flag is true if it did so
    /// since its timer last fired.
    Back(bool),
}

impl Turn {
    /// Records a request to this instance. Returns true if its turn begins: it starts to serve, or
    /// to share.
    pub(super) fn take(&mut self) -> bool {
        let (after, is_new) = match *self {
            Self::Waiting => (Self::Serving, true),
            Self::Replaced => (Self::Shared, true),
            Self::Serving => (Self::Serving, false),
            Self::Shared => (Self::Shared, false),
        };
        *self = after;
        is_new
    }

    /// Records a request to another instance. Returns true if this one loses its turn.
    pub(super) fn lose(&mut self) -> bool {
        let had = *self == Self::Serving;
        if had {
            *self = Self::Replaced;
        }
        had
    }
}

impl Lag {
    /// Records the first request. Returns true if the gauge must count this instance from now on.
    pub(super) fn begin(&mut self) -> bool {
        let is_new = *self == Self::Behind;
        if is_new {
            *self = Self::Counted;
        }
        is_new
    }

    /// Records that the instance is closed. Returns true if the gauge must no longer count it.
    pub(super) fn close(&mut self) -> bool {
        let was_counted = *self == Self::Counted;
        if was_counted {
            *self = Self::Behind;
        }
        was_counted
    }
}

impl Standing {
    /// Records that the timer has fired. Returns true if the instance settles.
    pub(super) fn tick(&mut self) -> bool {
        let (after, settles) = match *self {
            Self::Trial => (Self::Settled, true),
            Self::Back(true) => (Self::Back(false), false),
            Self::Back(false) => (Self::Old, false),
            Self::Settled => (Self::Settled, false),
            Self::Old => (Self::Old, false),
        };
        *self = after;
        settles
    }

    /// Records a request. Returns true if this brings the instance back: Envoy has not switched to
    /// a newer one yet, or an old connection still uses this one.
    pub(super) fn take(&mut self) -> bool {
        match *self {
            Self::Old => {
                *self = Self::Back(true);
                true
            }
            Self::Back(false) => {
                *self = Self::Back(true);
                false
            }
            Self::Trial | Self::Settled | Self::Back(true) => false,
        }
    }

    /// Returns whether its timer must fire again.
    pub(super) fn is_back(self) -> bool {
        matches!(self, Self::Back(_))
    }
}

impl<H> PluginInstance<H> {
    pub(super) fn revision(&self) -> Option<Revision> {
        self.serves.snapshot().map(Snapshot::revision)
    }

    /// Returns whether it only reports usage, so that no one waits for its snapshot.
    pub(super) fn only_reports(&self) -> bool {
        self.serves.settings().role == Role::UsageReport
    }

    /// Returns whether it serves that feed.
    pub(super) fn follows(&self, feed: &str) -> bool {
        let own = self.serves.settings().feed.as_ref();
        own.is_some_and(|own| *own.name == *feed)
    }

    /// Returns whether it has no snapshot: it was closed, there was not enough memory, or it never
    /// had one.
    pub(super) fn is_closed(&self) -> bool {
        self.serves.snapshot().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_taken_once_and_shared_after_it_was_lost() {
        use Turn::{Replaced, Serving, Shared, Waiting};
        for (before, taken, lost) in [
            (Waiting, (Serving, true), (Waiting, false)),
            (Serving, (Serving, false), (Replaced, true)),
            (Replaced, (Shared, true), (Replaced, false)),
            (Shared, (Shared, false), (Shared, false)),
        ] {
            let mut turn = before;
            assert_eq!((turn.take(), turn), (taken.1, taken.0), "{before:?}");
            let mut turn = before;
            assert_eq!((turn.lose(), turn), (lost.1, lost.0), "{before:?}");
        }
    }

    #[test]
    fn one_behind_is_counted_from_its_first_request_until_it_is_closed() {
        for (before, begun, closed) in [
            (Lag::None, (Lag::None, false), (Lag::None, false)),
            (Lag::Behind, (Lag::Counted, true), (Lag::Behind, false)),
            (Lag::Counted, (Lag::Counted, false), (Lag::Behind, true)),
        ] {
            let mut lag = before;
            assert_eq!((lag.begin(), lag), (begun.1, begun.0), "{before:?}");
            let mut lag = before;
            assert_eq!((lag.close(), lag), (closed.1, closed.0), "{before:?}");
        }
    }

    #[test]
    fn one_that_comes_back_counts_until_its_timer_has_fired_twice() {
        use Standing::{Back, Old, Settled, Trial};
        for (before, ticked, taken) in [
            (Trial, (Settled, true), (Trial, false)),
            (Settled, (Settled, false), (Settled, false)),
            (Old, (Old, false), (Back(true), true)),
            (Back(true), (Back(false), false), (Back(true), false)),
            (Back(false), (Old, false), (Back(true), false)),
        ] {
            let mut standing = before;
            assert_eq!(
                (standing.tick(), standing),
                (ticked.1, ticked.0),
                "{before:?}"
            );
            let mut standing = before;
            assert_eq!(
                (standing.take(), standing),
                (taken.1, taken.0),
                "{before:?}"
            );
            assert_eq!(before.is_back(), matches!(before, Back(_)));
        }
    }
}
