//! What a query expands, held to a limited key: every object on the way is read, so its permission is needed.

use std::borrow::Cow;

use super::authority::Authority;
use crate::endpoint::Endpoint;
use crate::expansion::{Parameter, STRIPE, parameters, returned};
use crate::permission::{AccessLevel, Permission};

/// What cannot be expanded, for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexpandable<'a> {
    /// The path up to where it is unknown, or a parameter as it was sent.
    pub shown: Cow<'a, [u8]>,
    /// What may have been meant: the same inside a list.
    pub instead: Option<String>,
}

/// Why something may not be expanded.
pub(super) enum Refused<'a> {
    /// This permission is missing, at level read.
    Missing(Permission),
    Unknown(Inexpandable<'a>),
}

/// Follows every `expand` of the query from what the endpoint returns. Of several faults a missing permission is told first, as in the table of reasons.
pub(super) fn expand<'a>(
    query: &'a [u8],
    endpoint: &Endpoint<'_>,
    authority: &Authority<'_>,
) -> Result<(), Refused<'a>> {
    let Authority::Limited(_) = authority else {
        return Ok(());
    };
    let mut unknown = None;
    for parameter in parameters(query) {
        let fault = match parameter {
            Parameter::Unclear(sent) => Some(Inexpandable {
                shown: Cow::Borrowed(sent),
                instead: None,
            }),
            Parameter::Path(path) => {
                follow(&path, endpoint, authority).map_err(Refused::Missing)?
            }
        };
        unknown = unknown.or(fault);
    }
    unknown.map_or(Ok(()), |unknown| Err(Refused::Unknown(unknown)))
}

/// What is unknown on the way, if anything is. The error is a permission that is missing.
fn follow<'a>(
    path: &str,
    endpoint: &Endpoint<'_>,
    authority: &Authority<'_>,
) -> Result<Option<Inexpandable<'a>>, Permission> {
    let returned = endpoint.built_in.map_or(&[][..], returned);
    let followed = STRIPE.follow(returned, path, |any_of| {
        let mut any = any_of.iter();
        if any.any(|permission| authority.grants(*permission, AccessLevel::Read)) {
            return Ok(());
        }
        any_of.first().map_or(Ok(()), |first| Err(*first))
    })?;
    Ok(followed.err().map(|unknown| Inexpandable {
        shown: Cow::Owned([unknown.before, unknown.name].concat().into_bytes()),
        instead: unknown
            .is_at_list
            .then(|| format!("{}data.{}", unknown.before, unknown.name)),
    }))
}
