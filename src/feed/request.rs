//! What a follower asks a source.

use std::fmt;

use super::head::Sha256;

/// A piece of an object, in bytes. One of these is copied in the callback of its answer, and two are hashed at a time.
pub(super) const PIECE: usize = 256 << 10;

/// So many pieces are under way at once: what comes together stops a worker together.
pub(super) const IN_FLIGHT: usize = 4;

/// Which call an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// An object of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A whole snapshot.
    Base(Sha256),
    /// What changed.
    Delta(Sha256),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The head, if it is another than this one, which the server named so.
    Head {
        /// The entity tag of the head that is known.
        known: Option<String>,
        /// The server may hold the answer back for so many seconds while the head is unchanged.
        wait: u64,
    },
    /// An object.
    Object {
        /// Which.
        object: Object,
        /// The first byte and the last; all of it without a range.
        range: Option<(u64, u64)>,
    },
}

/// A call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What identifies its answer.
    pub id: CallId,
    /// What it asks for.
    pub wanted: Wanted,
    /// How long it may take, the whole answer included, in milliseconds.
    pub timeout: u64,
}

/// The path of the object, after the feed's own.
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
    /// The headers of the request. Never `accept-encoding`: a server that compresses drops ranges.
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
                    headers.push(header("prefer", format!("wait={wait}")));
                }
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
