//! Headers that carry an identity to the upstream: their names, and the member that each contains.

use crate::principal::Member;
use crate::profile::Profile;
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::wire::{Members, Text};
use crate::word::Word;

/// Limited because every allowed request pays for each of them.
const MOST_IDENTITY_HEADERS: usize = 32;

/// Returns whether a header may carry an identity. Headers that have a meaning in Envoy or HTTP may
/// not.
fn is_identity_header(name: &str) -> bool {
    let spelled = name.len() <= 64
        && name.strip_prefix("x-").is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        });
    spelled && !name.starts_with("x-envoy-") && !name.starts_with("x-forwarded-")
}

const IDENTITY_HEADER: &str =
    "a header name `x-…` in lower case that is not Envoy's (`x-envoy-…`, `x-forwarded-…`)";

/// A client's header with such a name would count as a forged identity, or the identity as the
/// client's header.
const READ_BY_PROFILE: &str = "the profile reads a header of this name";

/// Reads the name of the identity header. An empty name turns the header off.
pub(super) fn principal(name: &str, profile: &Profile) -> Result<Option<Box<str>>, Refusal> {
    let place = Place::member("principal_header");
    match name {
        "" => Ok(None),
        name if profile.names().reads(name) => Err(place.refused(READ_BY_PROFILE)),
        name if is_identity_header(name) => Ok(Some(name.into())),
        _ => Err(place.expected(IDENTITY_HEADER)),
    }
}

/// Headers, each with the member that it contains.
pub type SingleMembers = Box<[(Box<str>, Member)]>;

/// Reads the headers that contain single members.
pub(super) fn single(
    listed: &Members<Text<'_>, Text<'_>>,
    principal_header: Option<&str>,
    profile: &Profile,
) -> Result<SingleMembers, Refusal> {
    let place = Place::member("identity_headers");
    if listed.0.len() > MOST_IDENTITY_HEADERS {
        return Err(place.expected("at most 32 headers"));
    }
    let place = place.then("*");
    let mut single: Vec<(Box<str>, Member)> = Vec::with_capacity(listed.0.len());
    for (Text(name), member) in &listed.0 {
        if !is_identity_header(name) {
            return Err(place.expected(IDENTITY_HEADER));
        }
        if profile.names().reads(name) {
            return Err(place.refused(READ_BY_PROFILE));
        }
        let taken =
            principal_header == Some(&**name) || single.iter().any(|(other, _)| **other == **name);
        if taken {
            return Err(place.refused(DUPLICATE_MEMBER));
        }
        let member = Member::from_word(&member.0)
            .ok_or_else(|| place.refused(format!("expected {}", Member::WORDS)))?;
        single.push((name.as_ref().into(), member));
    }
    Ok(single.into())
}

/// Reads the names of headers that no longer carry an identity.
pub(super) fn former(names: &[Text<'_>], profile: &Profile) -> Result<Box<[Box<str>]>, Refusal> {
    let place = Place::member("former_identity_headers");
    if names.len() > MOST_IDENTITY_HEADERS {
        return Err(place.expected("at most 32 headers"));
    }
    let mut former: Vec<Box<str>> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = place.at(index);
        let name = &*name.0;
        if !is_identity_header(name) {
            return Err(place.expected(IDENTITY_HEADER));
        }
        if profile.names().reads(name) {
            return Err(place.refused(READ_BY_PROFILE));
        }
        if former.iter().any(|other| **other == *name) {
            return Err(place.refused("a header name is given twice"));
        }
        former.push(name.into());
    }
    Ok(former.into())
}
