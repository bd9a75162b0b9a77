//! Why a valid configuration is not published. The caller adds what a person can do about it,
//! because that depends on the publisher.

use std::error::Error;
use std::fmt;

use crate::key_file::SourceName;

/// A rule of publishing that a push would violate. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It has no snapshot.
    NoSnapshot,
    /// The target has this revision or a later one.
    Older {
        /// The target's name in messages.
        target: String,
        /// The target's revision.
        held: u64,
        /// The revision of the push.
        revision: u64,
    },
    /// The snapshot is older than its configuration allows.
    Stale {
        /// `max_snapshot_age`, in seconds.
        age: u64,
    },
    /// The target has the keys of another source.
    OtherSource {
        /// The target's name in messages.
        target: String,
        /// The source of its keys.
        owner: SourceName,
        /// The source of the push.
        source: Option<SourceName>,
    },
    /// So many keys or accounts are missing that it must be a mistake.
    Missing {
        /// The target's name in messages.
        target: String,
        /// What is missing, in words.
        mistake: String,
        /// How many keys would begin and stop working: `+3 -1`.
        counts: String,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSnapshot => write!(f, "there is no snapshot: every request would be denied"),
            Self::Older {
                target,
                held,
                revision,
            } => write!(
                f,
                "{target} holds revision {held}, and this push has {revision}: revisions never go back, because a late Envoy would then look like one that is up to date"
            ),
            Self::Stale { age } => write!(
                f,
                "the snapshot is older than `max_snapshot_age`, {age} s: every request would be denied"
            ),
            Self::OtherSource {
                target,
                owner,
                source,
            } => {
                write!(f, "{target} holds the keys of `{owner}`, and this push ")?;
                match source {
                    Some(source) => write!(f, "is from `{source}`")?,
                    None => write!(f, "has no name")?,
                }
                write!(f, ": nothing was written")
            }
            Self::Missing {
                target,
                mistake,
                counts,
            } => write!(f, "{target}: {mistake}, so nothing was written ({counts})"),
        }
    }
}

impl Error for Rejection {}
