//! What a follower requests from a source.

use std::fmt;

use super::head::Sha256;

/// The size of a piece of an object in bytes. One piece is copied in the callback of its answer,
/// and two are hashed at a time.
pub(super) const PIECE: usize = 256 << 10;

/// The maximum number of open requests for pieces. Answers that arrive together block a worker
/// together.
pub(super) const IN_FLIGHT: usize = 4;

/// Identifies the call that an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// An object of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A whole snapshot.
    Base(Sha256),
    /// The changes since a revision.
    Delta(Sha256),
}

/// What a follower requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The head, if it differs from the known one.
    Head {
        /// The entity tag of the known head.
        known: Option<String>,
        /// How many seconds the server may delay the answer while the head is unchanged. The first
        /// request has it as well: its answer then says whether the server waits, and the next
        /// poll need not be put off for the interval.
        wait: u64,
    },
    /// An object.
    Object {
        /// The requested object.
        object: Object,
        /// The first and the last byte, or `None` for the whole object.
        range: Option<(u64, u64)>,
    },
}

/// A call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The id that its answer will have.
    pub id: CallId,
    /// What it requests.
    pub wanted: Wanted,
    /// How long it may take, including the whole answer, in milliseconds.
    pub timeout: u64,
}

/// Shows the path of the object, relative to the feed's path.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head { .. } => f.write_str("head"),
            Self::Object { object, .. } => match object {
                Object::Base(hash) => write!(f, "o/{hash}.base"),
                Object::Delta(hash) => write!(f, "o/{hash}.delta"),
            },
        }
    }
}

impl Wanted {
    /// Returns the headers of the request. They never include `accept-encoding`, because a server
    /// that compresses ignores ranges.
    #[must_use]
    pub fn headers(&self, authority: &str, path: &str, user_agent: &str) -> Vec<(String, String)> {
        let header = |name: &str, value: String| (name.to_owned(), value);
        let mut headers = vec![
            header(":method", "GET".to_owned()),
            header(":path", format!("{path}/{self}")),
            header(":authority", authority.to_owned()),
            header("user-agent", user_agent.to_owned()),
        ];
        match self {
            Self::Head { known, wait } => {
                if let Some(known) = known {
                    headers.push(header("if-none-match", known.clone()));
                }
                headers.push(header("prefer", format!("wait={wait}")));
            }
            Self::Object { range, .. } => {
                if let Some((first, last)) = range {
                    headers.push(header("range", format!("bytes={first}-{last}")));
                }
            }
        }
        headers
    }
}
