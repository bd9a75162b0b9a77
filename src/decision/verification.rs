//! Verification: a client asks about its own credential, and the filter answers. Rules 1 to 6
//! decide, as for every request. The reply lists what the key may do, but the key does nothing.
//! Shadow has no effect here: the client learns the actual verdict.

use std::fmt;
use std::net::IpAddr;

use super::authority::Authority;
use super::{Denial, Environment, Finding, Inquiry, Trace, Untraced, is_stale};
use crate::account::IdKind;
use crate::configuration::{Configuration, Settings};
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::request::RequestHead;
use crate::snapshot::{KeyRecord, Snapshot};
use crate::state::{Verdict, Written};

/// The result of a verification. Neither variant is a permit: a request for a verification never
/// continues to the upstream.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is made once per request, on the stack; a box would be one more allocation"
)]
pub enum Verification<'a> {
    /// The credential is valid.
    Valid(Verified<'a>),
    /// The credential is not valid, or keyward could not find out.
    Refused(Box<Denial<'a>>),
}

/// What is known about a valid credential.
#[derive(Debug)]
pub struct Verified<'a> {
    key: KeyRecord<'a>,
    principal: Principal<'a>,
    snapshot: &'a Snapshot,
    user_id: Option<&'a str>,
}

impl<'a> Verified<'a> {
    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &KeyRecord<'a> {
        &self.key
    }

    /// Returns the filter state. It does not start with `allow`, so the interlock stops the request
    /// if it continues after all.
    #[must_use]
    pub fn state(&self) -> Written {
        Written::new(Verdict::Verify, &self.principal)
    }

    /// Returns what was established: the key and its organization.
    #[must_use]
    pub fn principal(&self) -> &Principal<'a> {
        &self.principal
    }

    /// Returns what the key may do, on its own account or on connected ones.
    #[must_use]
    pub fn authority(&self, is_connected: bool) -> Authority<'a> {
        let are_stripes = self.snapshot.endpoints().are_stripes();
        Authority::of(&self.key, is_connected, are_stripes)
    }

    /// Returns the account that owns the key, or `None` for an organization's key.
    #[must_use]
    pub fn account(&self) -> Option<&'a str> {
        let owner = self.snapshot.accounts().account(self.key.owner());
        owner
            .filter(|owner| owner.kind() == IdKind::Account)
            .map(|owner| owner.id())
    }

    /// Returns the organization at the root of the owner's tree.
    #[must_use]
    pub fn org(&self) -> Option<&'a str> {
        self.principal.org
    }

    /// Returns the snapshot that this is based on.
    #[must_use]
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Returns the user to whom the key belongs.
    #[must_use]
    pub fn user_id(&self) -> Option<&'a str> {
        self.user_id
    }
}

/// Writes the filter state's text.
impl fmt::Display for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state().text())
    }
}

/// Answers a verification: GET, HEAD or POST of `verify_path`, byte for byte. Returns `None` for
/// any other request, which then needs a decision.
#[must_use]
pub fn verify<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
) -> Option<Verification<'a>> {
    verify_traced(configuration, request, environment, &mut Untraced)
}

/// Like [`verify`], and reports to `trace` what each rule asked.
#[must_use]
pub fn verify_traced<'a>(
    configuration: &'a Configuration,
    request: &'a RequestHead<'a>,
    environment: &dyn Environment,
    trace: &mut impl Trace<'a>,
) -> Option<Verification<'a>> {
    let settings = configuration.settings();
    if !is_verification(settings, request) {
        return None;
    }
    trace.report(|| Finding::Snapshot);
    let Some(snapshot) = configuration.snapshot() else {
        let denial = Denial::unread(DenyReason::NoSnapshot);
        return Some(Verification::Refused(Box::new(denial)));
    };
    let surroundings = Surroundings {
        now: environment.now(),
        address: environment.client_address(),
    };
    let mut inquiry = Inquiry::new(configuration, snapshot, request, &surroundings, trace);
    let asked = if is_stale(snapshot, settings, &surroundings) {
        Err(DenyReason::StaleSnapshot)
    } else {
        inquiry.ask_all_about_key()
    };
    Some(match asked {
        Err(reason) => Verification::Refused(inquiry.denial(reason)),
        Ok(key) => {
            let (principal, evidence) = inquiry.established();
            let credential = evidence.credential;
            Verification::Valid(Verified {
                key,
                principal,
                snapshot,
                user_id: credential.and_then(|credential| snapshot.user_id(&credential.digest())),
            })
        }
    })
}

/// The answers of the surroundings. Every verification asks for all of them, because each question
/// is a call to the host whose time a client could measure.
struct Surroundings {
    now: Option<u64>,
    address: Option<IpAddr>,
}

impl Environment for Surroundings {
    fn now(&self) -> Option<u64> {
        self.now
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.address
    }
}

fn is_verification(settings: &Settings, request: &RequestHead<'_>) -> bool {
    settings.verify_path.as_deref().is_some_and(|path| {
        request.path_without_query() == path.as_bytes()
            && matches!(request.method, b"GET" | b"HEAD" | b"POST")
    })
}
