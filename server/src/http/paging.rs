//! Pages of a list. A cursor is opaque: it contains where the page begins, and a digest of the
//! list's filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::failure::{Code, Failure};
use super::query::{Pairs, written};
use crate::store::SessionAt;
use crate::store::lists::{From, Listed, Page};

const LARGEST: u32 = 100;
const USUAL: u32 = 10;

/// The list and the page that the request asks for. `At` is the place of a record in its order.
pub(crate) struct Paging<At = u64> {
    pub(crate) page: Page<At>,
    path: String,
    /// The parameters except `page`.
    pairs: Pairs,
    filter: [u8; FILTER],
}

/// The number of bytes of the filter's digest in a cursor.
pub(crate) const FILTER: usize = 8;

/// The place of a record in the order of its list, as a cursor has it.
pub(crate) trait Place: Sized {
    fn bytes(&self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// The number of a record.
impl Place for u64 {
    fn bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let number = Self::from_be_bytes(bytes.try_into().ok()?);
        i64::try_from(number).ok()?;
        Some(number)
    }
}

/// The time in seconds at which a session was made, and its id.
impl Place for SessionAt {
    fn bytes(&self) -> Vec<u8> {
        [&self.made.to_be_bytes(), self.id.as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (made, id) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            made: u64::read(made)?,
            id: String::from_utf8(id.to_vec()).ok()?,
        })
    }
}

impl<At: Place> Paging<At> {
    /// Takes `limit` and `page` out of the parameters; what is left is the filter.
    pub(crate) fn take(call: &Call, pairs: &mut Pairs) -> Result<Self, Failure> {
        let cursor = pairs.remove("page");
        let whole = pairs.clone();
        let limit = match pairs.remove("limit") {
            None => USUAL,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LARGEST).contains(limit))
                .ok_or_else(|| {
                    Failure::new(Code::ParameterInvalid, "`limit` is a number from 1 to 100.")
                        .at("limit")
                })?,
        };
        let path = call.path.clone();
        let filter = digest(&path, &call.caller.id(), pairs);
        let from = match cursor {
            None => From::Newest,
            Some(text) => read(&text, filter).ok_or_else(|| {
                Failure::new(
                    Code::PageInvalid,
                    "`page` is not a cursor of this list with this filter. Begin without it.",
                )
                .at("page")
            })?,
        };
        Ok(Self {
            page: Page { from, limit },
            path,
            pairs: whole,
            filter,
        })
    }

    /// The list that is answered: the objects of a page, each with its place in the store.
    pub(crate) fn list(&self, listed: Listed<(At, Value)>) -> Value {
        let first = listed.records.first().map(|(at, _)| at.bytes());
        let last = listed.records.last().map(|(at, _)| at.bytes());
        let next = last
            .filter(|_| listed.has_older)
            .map(|at| self.url(OLDER, &at));
        let previous = first
            .filter(|_| listed.has_newer)
            .map(|at| self.url(NEWER, &at));
        let data: Vec<Value> = listed
            .records
            .into_iter()
            .map(|(_, object)| object)
            .collect();
        json!({"data": data, "next_page_url": next, "previous_page_url": previous})
    }

    /// Relative to the host that the client used: Stripe's SDKs put their own base before it.
    fn url(&self, way: u8, at: &[u8]) -> String {
        let mut pairs = self.pairs.clone();
        pairs.insert("page".to_owned(), encoded(way, at, self.filter));
        format!("{}?{}", self.path, written(&pairs))
    }
}

fn digest(path: &str, caller: &str, filter: &Pairs) -> [u8; FILTER] {
    let mut hash = Sha256::new();
    for part in [path, caller, &written(filter)] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut short = [0; FILTER];
    for (to, from) in short.iter_mut().zip(digest) {
        *to = from;
    }
    short
}

const OLDER: u8 = b'o';
const NEWER: u8 = b'n';

/// The cursor that is given out for a page which begins with some record.
pub(crate) fn cursor<At: Place>(from: &From<At>, filter: [u8; FILTER]) -> Option<String> {
    let (way, at) = match from {
        From::Newest => return None,
        From::OlderThan(at) => (OLDER, at),
        From::NewerThan(at) => (NEWER, at),
    };
    Some(encoded(way, &at.bytes(), filter))
}

fn encoded(way: u8, at: &[u8], filter: [u8; FILTER]) -> String {
    let mut bytes = vec![way];
    bytes.extend_from_slice(at);
    bytes.extend_from_slice(&filter);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of that filter.
pub(crate) fn read<At: Place>(text: &str, filter: [u8; FILTER]) -> Option<From<At>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (way, rest) = bytes.split_first()?;
    let (at, of) = rest.split_last_chunk::<FILTER>()?;
    if *of != filter {
        return None;
    }
    let at = At::read(at)?;
    match *way {
        OLDER => Some(From::OlderThan(at)),
        NEWER => Some(From::NewerThan(at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_its_filter() {
        let filter = [7; FILTER];
        for from in [From::OlderThan(18_234), From::NewerThan(1)] {
            let text = cursor(&from, filter).unwrap();
            assert_eq!(read(&text, filter), Some(from));
            assert_eq!(read::<u64>(&text, [8; FILTER]), None);
        }
        let beyond = cursor(&From::OlderThan(u64::MAX), filter).unwrap();
        let session = From::OlderThan(SessionAt {
            made: 7,
            id: "cs_1".to_owned(),
        });
        let text = cursor(&session, filter).unwrap();
        assert_eq!(read(&text, filter), Some(session));
        for none in ["", "AA", "!", &beyond, &text] {
            assert_eq!(read::<u64>(none, filter), None, "{none}");
        }
    }
}
