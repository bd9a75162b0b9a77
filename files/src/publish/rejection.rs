//! Why a good configuration is not published. The caller adds what a person can do, because that depends on the publisher.

use std::error::Error;
use std::fmt;

use crate::key_file::SourceName;

/// A rule of publishing that a push would break. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It has no snapshot.
    NoSnapshot,
    /// The target holds this revision or a later one.
    Older {
        /// What messages call the target.
        target: String,
        /// Its revision.
        held: u64,
        /// That of the push.
        revision: u64,
    },
    /// The snapshot is older than its own configuration allows.
    Stale {
        /// `max_snapshot_age`, in seconds.
        age: u64,
    },
    /// The target holds the keys of another source.
    OtherSource {
        /// What messages call the target.
        target: String,
        /// The source of its keys.
        owner: SourceName,
        /// The source that pushes.
        source: Option<SourceName>,
    },
    /// So much is missing that it must be a mistake.
    Missing {
        /// What messages call the target.
        target: String,
        /// What is missing, in words.
        mistake: String,
        /// Keys that would begin and cease to work: `+3 -1`.
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
