//! Why a request is denied: the decision's order as a table.

/// The facts about a reason. All of them are part of the wire format.
struct Facts {
    name: &'static str,
    rule: u8,
    status: u16,
}

/// Writes the enum, the list of its variants, and the `match` with the facts of each. A reason
/// without them does not compile.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $reason:ident = ($name:literal, $rule:literal, $status:literal),)+) => {
        /// Why a request may not pass. The variants are in the order of the decision: the first
        /// that applies is the answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DenyReason {
            $($(#[$doc])+ $reason,)+
        }

        impl DenyReason {
            const ALL: &'static [Self] = &[$(Self::$reason),+];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$reason => Facts { name: $name, rule: $rule, status: $status },)+
                }
            }
        }
    };
}

// For each reason: its name, the rule it belongs to, and the status of the reply.
reasons! {
    /// The host failed a call that the decision depends on.
    HostFailure = ("host_failure", 1, 503),
    /// No snapshot is loaded.
    NoSnapshot = ("no_snapshot", 1, 503),
    /// The snapshot is older than `max_snapshot_age`, or issued too far ahead.
    StaleSnapshot = ("stale_snapshot", 1, 503),
    /// There is no `Authorization` header.
    MissingCredential = ("missing_credential", 2, 401),
    /// The `Authorization` header does not contain a single readable key.
    MalformedCredential = ("malformed_credential", 2, 401),
    /// The key does not exist, or its prefix does not match its kind.
    UnknownKey = ("unknown_key", 3, 401),
    /// The key was deleted.
    DeletedKey = ("deleted_key", 4, 401),
    /// The time in the key's `expires_at` has passed.
    ExpiredKey = ("expired_key", 4, 401),
    /// The time in the key's `not_before` has not come yet.
    InactiveKey = ("inactive_key", 4, 401),
    /// The key's owner is suspended.
    SuspendedAccount = ("suspended_account", 4, 401),
    /// The client's address is not among the key's `allowed_ips`.
    IpNotAllowed = ("ip_not_allowed", 5, 401),
    /// The key has a mode that this gateway does not serve.
    LivemodeMismatch = ("livemode_mismatch", 6, 401),
    /// A header is spelled in a way that frameworks turn into the name of an identity header.
    MalformedHeader = ("malformed_header", 7, 400),
    /// An organization key came without a version header.
    MissingVersion = ("missing_version", 7, 400),
    /// The version header is malformed, or this gateway does not serve the version.
    InvalidVersion = ("invalid_version", 7, 400),
    /// An organization key came without a context header.
    MissingContext = ("missing_context", 8, 400),
    /// The request has the account header, and the API accepts only the context header.
    UnsupportedHeader = ("unsupported_header", 8, 400),
    /// A context or account header is not a path.
    MalformedContext = ("malformed_context", 8, 400),
    /// The context and account headers differ.
    ConflictingContext = ("conflicting_context", 8, 400),
    /// The target account is unknown, suspended, or not below the key's owner.
    AccountNotAccessible = ("account_not_accessible", 8, 403),
    /// The key's owner has no connected accounts.
    NotAPlatform = ("not_a_platform", 8, 403),
    /// No endpoint for keys has this method and path, or servers may read them in several ways.
    UnknownEndpoint = ("unknown_endpoint", 9, 404),
    /// A publishable key called an endpoint that is not open to it.
    SecretKeyRequired = ("secret_key_required", 10, 401),
    /// The key has no permission on connected accounts.
    NoConnectPermission = ("no_connect_permission", 11, 403),
    /// The key does not grant what the endpoint needs, or what the request expands in the reply.
    InsufficientPermission = ("insufficient_permission", 11, 403),
    /// The request expands something in the reply, and keyward cannot know what that would show.
    UnknownExpansion = ("unknown_expansion", 11, 400),
}

impl DenyReason {
    /// Returns every reason, in the order of the decision.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied()
    }

    /// Returns the name on the wire: lower-case words joined by `_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns the reason with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|reason| reason.name() == name)
    }

    /// Returns the number of the rule in the decision's order, 1 to 11.
    #[must_use]
    pub fn rule(self) -> u8 {
        self.facts().rule
    }

    /// Returns the HTTP status of the reply.
    #[must_use]
    pub fn status(self) -> u16 {
        self.facts().status
    }

    /// Returns the place in the order, from 0.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a discriminant has no other reader, and no more than 26 of them fit into any number"
    )]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_stands_at_its_place() {
        for (place, reason) in DenyReason::all().enumerate() {
            assert_eq!(reason.index(), place);
            assert_eq!(DenyReason::from_name(reason.name()), Some(reason));
        }
        assert_eq!(DenyReason::from_name("nothing"), None);
        let names: BTreeSet<_> = DenyReason::all().map(DenyReason::name).collect();
        assert_eq!(names.len(), DenyReason::all().count());
    }

    #[test]
    fn rules_rise_with_the_order() {
        assert!(DenyReason::all().is_sorted_by_key(DenyReason::rule));
    }
}
