//! Kinds, modes and levels as arguments.

use clap::ValueEnum;

use keyward::key::{KeyKind, Livemode};
use keyward::permission::AccessLevel;

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArgument {
    /// Every permission on its account, unless it has grants
    Secret,
    /// Only the permissions that it is granted
    Restricted,
    /// For browsers and apps: the endpoints that are open to all
    Publishable,
    /// A secret key of an organization, for all its accounts
    Organization,
}

impl From<KindArgument> for KeyKind {
    fn from(argument: KindArgument) -> Self {
        match argument {
            KindArgument::Secret => Self::Secret,
            KindArgument::Restricted => Self::Restricted,
            KindArgument::Publishable => Self::Publishable,
            KindArgument::Organization => Self::Organization,
        }
    }
}

/// A mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArgument {
    /// Test mode: a sandbox
    Test,
    /// Live mode
    Live,
}

impl From<ModeArgument> for Livemode {
    fn from(argument: ModeArgument) -> Self {
        match argument {
            ModeArgument::Test => Self::Test,
            ModeArgument::Live => Self::Live,
        }
    }
}

/// A level of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LevelArgument {
    /// Read, or write
    Read,
    /// Write
    Write,
}

impl From<LevelArgument> for AccessLevel {
    fn from(argument: LevelArgument) -> Self {
        match argument {
            LevelArgument::Read => Self::Read,
            LevelArgument::Write => Self::Write,
        }
    }
}
