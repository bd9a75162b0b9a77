//! What the upstream sees of an allowed request: which headers keyward removes and which it adds.

use std::borrow::Cow;

use crate::configuration::Configuration;
use crate::decision::Permit;
use crate::principal::Principal;
use crate::request::{RequestHead, Value};
use crate::state::Written;

/// One change to a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderChange<'a> {
    /// Removes every header of this name.
    Remove(Cow<'a, [u8]>),
    /// Adds a header that the request does not have, or no longer has. For Envoy, adding one is
    /// faster than replacing one that is absent.
    Add(Cow<'a, str>, Cow<'a, str>),
}

impl HeaderChange<'_> {
    /// Returns a copy that may outlive the configuration.
    #[must_use]
    pub fn into_owned(self) -> HeaderChange<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Remove(name) => HeaderChange::Remove(Cow::Owned(name.into_owned())),
            Self::Add(name, value) => HeaderChange::Add(own(name), own(value)),
        }
    }
}

/// Everything that a host must do before an allowed request continues. It borrows from the
/// configuration and nothing from the request: a host that changes a header may free the memory
/// that the headers were read from.
pub struct Handover<'c> {
    forged: Vec<Vec<u8>>,
    principal_header: Option<&'c str>,
    identity_headers: Vec<(&'c str, String)>,
    /// Names of headers that present the key, if the upstream may not see it.
    credentials: Vec<Vec<u8>>,
    state: Written,
}

fn credentials(request: &RequestHead<'_>) -> Vec<Vec<u8>> {
    let has_authorization = request.authorization.value() != Value::Absent;
    let authorization = has_authorization.then_some(&b"authorization"[..]);
    let own = request.credential_names.iter().copied();
    let names = authorization.into_iter().chain(own);
    names.map(<[u8]>::to_ascii_lowercase).collect()
}

impl<'c> Handover<'c> {
    /// Prepares an allowed request. keyward removes anything that a client sent under an identity
    /// header's name, in any spelling.
    #[must_use]
    pub fn new(
        configuration: &'c Configuration,
        request: &RequestHead<'_>,
        permit: &Permit<'_>,
    ) -> Self {
        let settings = configuration.settings();
        let identity = permit.identity();
        let single = |principal: &Principal<'_>| {
            let headers = settings.identity_headers.iter();
            headers
                .filter_map(|(name, member)| Some((&**name, principal.plain(*member)?)))
                .collect()
        };
        Self {
            forged: request
                .forged_identity
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            principal_header: settings
                .principal_header
                .as_deref()
                .filter(|_| identity.is_some()),
            identity_headers: identity.map(single).unwrap_or_default(),
            credentials: match settings.forward_credential {
                true => Vec::new(),
                false => credentials(request),
            },
            state: permit.state(),
        }
    }

    /// Returns the text of the filter state. It starts with `allow`, and the host sets it last:
    /// without it, the interlock denies the request.
    #[must_use]
    pub fn state(&self) -> &str {
        self.state.text()
    }

    /// Calls `change` for each change to the headers until one fails. Headers that a client sent
    /// are removed before any header is added.
    pub fn each_change<E>(
        &self,
        mut change: impl FnMut(HeaderChange<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for name in &self.forged {
            change(HeaderChange::Remove(Cow::Borrowed(name)))?;
        }
        if let Some(name) = self.principal_header {
            let identity = Cow::Borrowed(self.state.principal());
            change(HeaderChange::Add(Cow::Borrowed(name), identity))?;
        }
        for (name, value) in &self.identity_headers {
            change(HeaderChange::Add(Cow::Borrowed(name), Cow::Borrowed(value)))?;
        }
        for name in &self.credentials {
            change(HeaderChange::Remove(Cow::Borrowed(name)))?;
        }
        Ok(())
    }

    /// Returns the changes of [`Self::each_change`] as a list.
    #[must_use]
    pub fn changes(&self) -> Vec<HeaderChange<'static>> {
        let mut changes = Vec::new();
        let all = self.each_change(|change| {
            changes.push(change.into_owned());
            Ok::<(), std::convert::Infallible>(())
        });
        match all {
            Ok(()) => changes,
        }
    }
}
