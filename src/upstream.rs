//! What an allowed request looks like to the upstream: which headers are taken off, and which are put on.

use std::borrow::Cow;

use crate::configuration::Configuration;
use crate::decision::{Permit, Told};
use crate::request::{RequestHead, Value};

/// One change to a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChange<'a> {
    /// Every header of this name is taken off.
    Remove(Cow<'a, [u8]>),
    /// A header that the request does not have, or has no longer. Envoy adds one in less time than it replaces what is not there.
    Add(Cow<'a, str>, Cow<'a, str>),
}

impl HeaderChange<'_> {
    /// The same, for longer than the configuration lasts.
    #[must_use]
    pub fn into_owned(self) -> HeaderChange<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Remove(name) => HeaderChange::Remove(Cow::Owned(name.into_owned())),
            Self::Add(name, value) => HeaderChange::Add(own(name), own(value)),
        }
    }
}

/// The changes for an allowed request. Whatever a client sent under an identity header's name, in any spelling, is gone.
#[must_use]
pub fn header_changes<'a>(
    configuration: &'a Configuration,
    request: &RequestHead<'_>,
    permit: &Permit<'_>,
    told: &'a Told,
) -> Vec<HeaderChange<'a>> {
    let mut changes = Vec::new();
    let all = each_header_change(configuration, request, permit, told, |change| {
        changes.push(change);
        Ok::<(), std::convert::Infallible>(())
    });
    match all {
        Ok(()) => changes,
    }
}

/// The same, one after the other, until one fails.
pub fn each_header_change<'a, E>(
    configuration: &'a Configuration,
    request: &RequestHead<'_>,
    permit: &Permit<'_>,
    told: &'a Told,
    mut change: impl FnMut(HeaderChange<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let settings = configuration.settings();
    // Before anything is put on: what a client sent is replaced, never appended to.
    for forged in &request.forged_identity {
        change(HeaderChange::Remove(Cow::Owned(
            forged.to_ascii_lowercase(),
        )))?;
    }
    if let Some(principal) = permit.identity() {
        if let Some(name) = &settings.principal_header {
            change(HeaderChange::Add(
                Cow::Borrowed(name),
                Cow::Borrowed(told.identity()),
            ))?;
        }
        for (name, member) in &settings.identity_headers {
            if let Some(value) = principal.plain(*member) {
                change(HeaderChange::Add(Cow::Borrowed(name), Cow::Owned(value)))?;
            }
        }
    }
    if !settings.forward_credential && request.authorization.value() != Value::Absent {
        change(HeaderChange::Remove(Cow::Borrowed(b"authorization")))?;
    }
    Ok(())
}
