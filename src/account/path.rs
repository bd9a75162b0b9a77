//! The path of accounts in a context header.

use super::{IdKind, IdPrefixes};

/// The maximum number of segments in a path.
const LONGEST_PATH: usize = 8;

/// A path of accounts below a key's owner, root first: `acct_…/acct_…`, with 1 to 8 segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPath<'a>(&'a str);

impl<'a> AccountPath<'a> {
    /// Parses a path exactly as spelled, without trimming or normalizing. Returns `None` for
    /// anything else.
    #[must_use]
    pub fn parse(text: &'a str, prefixes: &IdPrefixes) -> Option<Self> {
        let well_formed =
            text.split('/')
                .take(LONGEST_PATH + 1)
                .enumerate()
                .all(|(place, segment)| {
                    place < LONGEST_PATH && prefixes.kind(segment) == Some(IdKind::Account)
                });
        well_formed.then_some(Self(text))
    }

    /// Returns the path as the client sent it.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns the ids, root first.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/')
    }

    /// Returns the last id: the account that the request is about.
    #[must_use]
    pub fn target(self) -> &'a str {
        self.0.rsplit('/').next().unwrap_or(self.0)
    }

    /// Returns whether the path has more than one segment.
    #[must_use]
    pub fn is_nested(self) -> bool {
        self.0.contains('/')
    }
}
