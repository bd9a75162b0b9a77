//! The path of accounts in a context header.

use super::{IdKind, IdPrefixes};

/// The most segments a path may have.
const LONGEST_PATH: usize = 8;

/// A path of accounts below a key's owner, root first: `acct_…/acct_…`, 1 to 8 segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPath<'a>(&'a str);

impl<'a> AccountPath<'a> {
    /// Nothing is trimmed or normalized: what is not spelled exactly is `None`.
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

    /// As it was sent.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The ids, root first.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/')
    }

    /// The last id: the account the request is about.
    #[must_use]
    pub fn target(self) -> &'a str {
        self.0.rsplit('/').next().unwrap_or(self.0)
    }

    /// Whether the path has more than one segment.
    #[must_use]
    pub fn is_nested(self) -> bool {
        self.0.contains('/')
    }
}
