//! One instance of a plugin, from its configuration to its end, and its state: three answers that change independently of each other.

use std::sync::Arc;

use crate::configuration::{Configuration, Role};
use crate::snapshot::{Revision, Snapshot};

/// What one root context of a plugin serves.
#[derive(Clone, Debug)]
pub(super) struct PluginInstance<H> {
    pub(super) handle: H,
    pub(super) serves: Arc<Configuration>,
    pub(super) turn: Turn,
    pub(super) lag: Lag,
    pub(super) standing: Standing,
}

/// The rank of an instance among those of its plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has taken no request yet.
    Waiting,
    /// It took the most recent request.
    Serving,
    /// Another instance has taken requests since.
    Replaced,
    /// It takes requests again after another did: two plugins have one name, or Envoy has reactivated it.
    Shared,
}

/// Whether an instance serves what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lag {
    /// It serves its own configuration.
    None,
    /// It could not load its configuration, and serves an older one or none.
    Behind,
    /// The same, and the gauge counts it.
    Counted,
}

/// Where an instance is in the census.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its timer has not fired yet: it may be a trial.
    Trial,
    /// It serves, unless a newer one does.
    Settled,
    /// A newer one has settled.
    Old,
    /// It took a request although a newer one has settled. True if it did so since its timer last fired.
    Back(bool),
}

impl Turn {
    /// It takes a request out of its turn. Returns true if this is new: it begins to serve, or to share.
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

    /// Another takes a request. Returns true if it was this one's turn.
    pub(super) fn lose(&mut self) -> bool {
        let had = *self == Self::Serving;
        if had {
            *self = Self::Replaced;
        }
        had
    }
}

impl Lag {
    /// It takes its first request. Returns true if it must be counted from now on.
    pub(super) fn begin(&mut self) -> bool {
        let is_new = *self == Self::Behind;
        if is_new {
            *self = Self::Counted;
        }
        is_new
    }

    /// It is closed. Returns true if it must no longer be counted.
    pub(super) fn close(&mut self) -> bool {
        let was_counted = *self == Self::Counted;
        if was_counted {
            *self = Self::Behind;
        }
        was_counted
    }
}

impl Standing {
    /// Its timer has fired. Returns true if it settles.
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

    /// It takes a request. Returns true if this brings it back: Envoy has not switched to a newer one yet, or an old connection still uses this one.
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

    /// Whether its timer must fire again.
    pub(super) fn is_back(self) -> bool {
        matches!(self, Self::Back(_))
    }
}

impl<H> PluginInstance<H> {
    pub(super) fn revision(&self) -> Option<Revision> {
        self.serves.snapshot().map(Snapshot::revision)
    }

    /// Whether it only reports usage, so that no snapshot of it is waited for.
    pub(super) fn only_reports(&self) -> bool {
        self.serves.settings().role == Role::UsageReport
    }

    /// Whether it has no snapshot: it was closed, memory was missing, or it never had one.
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
