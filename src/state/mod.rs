//! The filter state `wasm.keyward`: a verdict on one line, which the filter writes and access logs
//! contain. A few words name the decision. The members of an RFC 9651 dictionary follow, if the
//! verdict has any: `deny unknown_key revision=7`.
//!
//! The interlock lets a request pass only if its state begins with `allow`.

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
    /// A browser asked whether it may send the actual request.
    Preflight,
    /// The key allows the request.
    Key,
    /// The request asked about the key itself, which is valid, and keyward answered.
    Verify,
    /// The key does not allow the request, but the gateway or the key is in shadow, so the request
    /// passed.
    Shadow(DenyReason),
    /// The key does not allow the request, and the request did not pass.
    Deny(DenyReason),
}

const ALLOW: &str = "allow";
const VERIFY: &str = "verify";
const DENY: &str = "deny";
/// The words that may follow `allow`.
const PUBLIC: &str = "public";
const PREFLIGHT: &str = "preflight";
const WOULD_DENY: &str = "would_deny=";

/// The state of a request to a filter that only reports usage. It is not a verdict: such a filter
/// decides nothing.
pub const REPORT: &str = "report";

impl Verdict {
    /// Returns whether keyward let the request pass, so that an upstream may have seen it.
    #[must_use]
    pub fn passed(self) -> bool {
        !matches!(self, Self::Deny(_) | Self::Verify)
    }

    /// Returns what was wrong with the request, whether or not keyward enforced it.
    #[must_use]
    pub fn reason(self) -> Option<DenyReason> {
        match self {
            Self::Shadow(reason) | Self::Deny(reason) => Some(reason),
            Self::Public | Self::Preflight | Self::Key | Self::Verify => None,
        }
    }

    /// Returns `allow`, `verify`, `shadow` or `deny`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public | Self::Preflight | Self::Key => ALLOW,
            Self::Verify => VERIFY,
            Self::Shadow(_) => "shadow",
            Self::Deny(_) => DENY,
        }
    }

    /// Returns the words before the members.
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

    /// Returns whether members follow. A request that needs no key has none, and without a snapshot
    /// nothing is known.
    fn has_members(self, principal: &Principal<'_>) -> bool {
        !matches!(self, Self::Public | Self::Preflight) && principal.revision.is_some()
    }
}

/// A written state. It ends with the principal, so both are written at once.
pub struct Written {
    text: String,
    principal: usize,
}

impl Written {
    /// Writes the state of a request with that verdict and these facts.
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

    /// Returns the whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the whole text, and consumes the state.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// Returns the principal's members, which are the identity header's value.
    #[must_use]
    pub fn principal(&self) -> &str {
        self.text
            .get(self.principal..)
            .held("the principal is a part of the text")
    }
}

/// The key of a request: what every verdict on a known key contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The key's id, `mk_…`.
    pub id: &'a str,
    /// The key's kind.
    pub kind: KeyKind,
    /// Whether this is a live key.
    pub livemode: bool,
}

/// A verdict and its members, as read from a log. Members that the decision did not establish are
/// absent. Every text matches `[A-Za-z0-9_.-]`, and a path also contains `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<'a> {
    /// The verdict.
    pub verdict: Verdict,
    /// The key.
    pub key: Option<Named<'a>>,
    /// The account that the request is about.
    pub account: Option<&'a str>,
    /// The accounts from the key's owner, or from the first account of an organization key's
    /// context, to that account, joined with `/`.
    pub path: Option<&'a str>,
    /// The organization at the root.
    pub org: Option<&'a str>,
    /// The permission that decided, or for a denial, the missing one.
    pub permission: Option<(&'a str, AccessLevel)>,
    /// The snapshot's revision.
    pub revision: Option<u64>,
}

impl State<'_> {
    /// Returns whether the account is a connected one. If so, the key's `connect_grants` decide, if
    /// it has any.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.path.is_some_and(|path| path.contains('/'))
    }
}
