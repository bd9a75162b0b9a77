//! Checks what a query expands against a limited key. Every object along the path is read, so the
//! key needs its permission.

use std::borrow::Cow;

use super::authority::Authority;
use super::trace::{Finding, Trace};
use crate::endpoint::Endpoint;
use crate::expansion::{Parameter, STRIPE, Unknown, parameters, returned};
use crate::permission::{AccessLevel, Permission};

/// What the request may not expand, for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inexpandable<'a> {
    /// The path up to the unknown name, or a parameter as the client sent it.
    pub shown: Cow<'a, [u8]>,
    /// What the client may have meant: the same path inside a list.
    pub instead: Option<String>,
}

/// Why the request may not expand something.
pub(super) enum Refused<'a> {
    /// The key has none of these permissions at level `read`.
    Missing(&'a [Permission]),
    Unknown(Inexpandable<'a>),
}

/// Follows every `expand` of the query from what the endpoint returns. If there are several faults,
/// a missing permission is reported first, as in the order of reasons.
pub(super) fn expand<'a>(
    query: &'a [u8],
    endpoint: &Endpoint<'a>,
    authority: &Authority<'a>,
    trace: &mut impl Trace<'a>,
) -> Result<(), Refused<'a>> {
    if authority.limits().is_none() {
        return Ok(());
    }
    let mut unknown = None;
    for parameter in parameters(query) {
        let fault = match parameter {
            Parameter::Unclear(sent) => Some(Inexpandable {
                shown: Cow::Borrowed(sent),
                instead: None,
            }),
            Parameter::Path(path) => {
                follow(&path, endpoint, authority, trace).map_err(Refused::Missing)?
            }
        };
        if let Some(fault) = &fault {
            trace.report(|| Finding::UnknownExpansion(fault.shown.clone()));
        }
        unknown = unknown.or(fault);
    }
    unknown.map_or(Ok(()), |unknown| Err(Refused::Unknown(unknown)))
}

/// Returns the unknown part of a path, if there is one. The error is the set of permissions of
/// which the key has none.
fn follow<'a>(
    path: &str,
    endpoint: &Endpoint<'a>,
    authority: &Authority<'a>,
    trace: &mut impl Trace<'a>,
) -> Result<Option<Inexpandable<'a>>, &'a [Permission]> {
    let mut ask = |any_of: &'a [Permission]| {
        trace.report(|| {
            let needed = authority.needed(any_of, AccessLevel::Read);
            Finding::Expansion(Cow::Owned(path.to_owned()), needed)
        });
        match authority.held(any_of, AccessLevel::Read) {
            Some(_) => Ok(()),
            None => Err(any_of),
        }
    };
    let returned = endpoint.built_in.map_or(&[][..], returned);
    let on_the_way = |any_of: &'static [Permission]| ask(any_of);
    let Err(unknown) = STRIPE.follow(returned, path, on_the_way)? else {
        return Ok(None);
    };
    // An expansion that the operator added. The graph's permissions up to here were already
    // checked.
    match endpoint.expansions.permission(path) {
        Some(permission) => ask(permission).map(|()| None),
        None => Ok(Some(inexpandable(&unknown))),
    }
}

fn inexpandable(unknown: &Unknown<'_>) -> Inexpandable<'static> {
    Inexpandable {
        shown: Cow::Owned([unknown.before, unknown.name].concat().into_bytes()),
        instead: unknown
            .is_at_list
            .then(|| format!("{}data.{}", unknown.before, unknown.name)),
    }
}
