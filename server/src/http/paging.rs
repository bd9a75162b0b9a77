//! Pages of a list. A cursor is opaque: it contains where the page begins, and a digest of the
//! list's filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::failure::{Code, Failure};
use super::query::{Pairs, written};
use crate::store::lists::{From, Listed, Page};

const LARGEST: u32 = 100;
const USUAL: u32 = 10;

/// The list and the page that the request asks for.
pub(crate) struct Paging {
    pub(crate) page: Page,
    path: String,
    /// The parameters except `page`.
    pairs: Pairs,
    filter: [u8; FILTER],
}

/// The number of bytes of the filter's digest in a cursor.
pub(crate) const FILTER: usize = 8;

impl Paging {
    /// Takes `limit` and `page` out of the parameters. The filter remains.
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

    /// Returns the list for the answer: the objects of a page, each with its number in the store.
    pub(crate) fn list(&self, listed: Listed<(u64, Value)>) -> Value {
        let first = listed.records.first().map(|(number, _)| *number);
        let last = listed.records.last().map(|(number, _)| *number);
        let next = last
            .filter(|_| listed.has_older)
            .map(|number| self.url(&From::OlderThan(number)));
        let previous = first
            .filter(|_| listed.has_newer)
            .map(|number| self.url(&From::NewerThan(number)));
        let data: Vec<Value> = listed
            .records
            .into_iter()
            .map(|(_, object)| object)
            .collect();
        json!({"data": data, "next_page_url": next, "previous_page_url": previous})
    }

    /// Returns a URL relative to the host that the client used: Stripe's SDKs prepend their own
    /// base.
    fn url(&self, from: &From) -> String {
        let mut pairs = self.pairs.clone();
        pairs.insert("page".to_owned(), cursor(from, self.filter));
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

pub(crate) fn cursor(from: &From, filter: [u8; FILTER]) -> String {
    let (way, number) = match from {
        From::Newest => (OLDER, u64::MAX),
        From::OlderThan(number) => (OLDER, *number),
        From::NewerThan(number) => (NEWER, *number),
    };
    let mut bytes = vec![way];
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(&filter);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor for this filter.
pub(crate) fn read(text: &str, filter: [u8; FILTER]) -> Option<From> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (way, rest) = bytes.split_first()?;
    let (number, of) = rest.split_first_chunk::<8>()?;
    if of != filter {
        return None;
    }
    let number = u64::from_be_bytes(*number);
    i64::try_from(number).ok()?;
    match *way {
        OLDER => Some(From::OlderThan(number)),
        NEWER => Some(From::NewerThan(number)),
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
            assert_eq!(read(&cursor(&from, filter), filter), Some(from));
            assert_eq!(read(&cursor(&from, filter), [8; FILTER]), None);
        }
        for none in ["", "AA", "!", &cursor(&From::OlderThan(u64::MAX), filter)] {
            assert_eq!(read(none, filter), None, "{none}");
        }
    }
}
