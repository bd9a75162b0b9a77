//! The filter state `wasm.keyward`: a verdict in one line, written by the filter and read back from access logs. A few words say what was decided, and the
//! members of an RFC 9651 dictionary follow, for those verdicts that have any: `deny unknown_key revision=7`.
//!
//! The interlock lets a request pass whose state begins with `allow`, and no other.

mod read;
#[cfg(test)]
mod tests;

use crate::invariant::Held;
use crate::key::KeyKind;
use crate::permission::AccessLevel;
use crate::principal::Principal;
use crate::reason::DenyReason;

/// What keyward decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint needs no credential.
    Public,
    /// A browser asked whether it may send the real request.
    Preflight,
    /// The key may do it.
    Key,
    /// It asked about the key itself, which is good, and keyward answered.
    Verify,
    /// It may not, but the gateway or the key is in shadow: the request passed.
    Shadow(DenyReason),
    /// It may not, and did not pass.
    Deny(DenyReason),
}

const ALLOW: &str = "allow";
const VERIFY: &str = "verify";
const DENY: &str = "deny";
/// What may follow `allow`.
const PUBLIC: &str = "public";
const PREFLIGHT: &str = "preflight";
const WOULD_DENY: &str = "would_deny=";

/// The state of a request for the usage report. It is not a verdict: such a filter decides nothing.
pub const REPORT: &str = "report";

impl Verdict {
    /// Whether the request passed keyward: whether an upstream may have seen it.
    #[must_use]
    pub fn passed(self) -> bool {
        !matches!(self, Self::Deny(_) | Self::Verify)
    }

    /// What was wrong with the request, carried out or not.
    #[must_use]
    pub fn reason(self) -> Option<DenyReason> {
        match self {
            Self::Shadow(reason) | Self::Deny(reason) => Some(reason),
            Self::Public | Self::Preflight | Self::Key | Self::Verify => None,
        }
    }

    /// `allow`, `verify`, `shadow` or `deny`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public | Self::Preflight | Self::Key => ALLOW,
            Self::Verify => VERIFY,
            Self::Shadow(_) => "shadow",
            Self::Deny(_) => DENY,
        }
    }

    /// The words before the members.
    fn words(self) -> [&'static str; 4] {
        match self {
            Self::Public => [ALLOW, " ", PUBLIC, ""],
            Self::Preflight => [ALLOW, " ", PREFLIGHT, ""],
            Self::Key => [ALLOW, "", "", ""],
            Self::Shadow(reason) => [ALLOW, " ", WOULD_DENY, reason.name()],
            Self::Verify => [VERIFY, "", "", ""],
            Self::Deny(reason) => [DENY, " ", reason.name(), ""],
        }
    }

    /// Whether members follow. A request that needs no key has no members about one, and without a snapshot nothing is known.
    fn has_members(self, principal: &Principal<'_>) -> bool {
        !matches!(self, Self::Public | Self::Preflight) && principal.revision.is_some()
    }
}

/// A state that was written. It ends with the principal, so both are written at once.
pub struct Written {
    text: String,
    principal: usize,
}

impl Written {
    /// The state of a request with that verdict and these facts.
    #[must_use]
    pub fn new(verdict: Verdict, principal: &Principal<'_>) -> Self {
        /// Enough for most keys.
        const USUAL: usize = 320;
        let mut text = String::with_capacity(USUAL);
        for word in verdict.words() {
            text.push_str(word);
        }
        let mut start = text.len();
        if verdict.has_members(principal) {
            text.push(' ');
            start = text.len();
            principal.write_to(&mut text);
        }
        Self {
            text,
            principal: start,
        }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The principal's members: the identity header's value.
    #[must_use]
    pub fn principal(&self) -> &str {
        self.text
            .get(self.principal..)
            .held("the principal is a part of the text")
    }
}

/// The key of a request: what holds for every verdict on a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its id, `mk_…`.
    pub id: &'a str,
    /// Its kind.
    pub kind: KeyKind,
    /// Whether it is a live key.
    pub livemode: bool,
}

/// A verdict and its members, as they are read back. Those that the decision did not establish are absent. Every text is spelled in `[A-Za-z0-9_.-]`, a path also with `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// What was decided.
    pub verdict: Verdict,
    /// By which key.
    pub key: Option<Named<'a>>,
    /// The account the request is about.
    pub account: Option<&'a str>,
    /// The accounts from the key's owner, or from the first account of an organization key's context, to that one, joined with `/`.
    pub path: Option<&'a str>,
    /// The organization at the root.
    pub org: Option<&'a str>,
    /// The permission that decided; of a refusal the one that is missing.
    pub permission: Option<(&'a str, AccessLevel)>,
    /// The snapshot's revision.
    pub revision: Option<u64>,
}

impl State<'_> {
    /// Whether the account is a connected one: then the key's `connect_grants` decide, if it has any.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.path.is_some_and(|path| path.contains('/'))
    }
}
