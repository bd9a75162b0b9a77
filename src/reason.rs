//! Why a request is denied: the decision's order as a table.

/// Why a request may not pass. The order of the variants is the order of the decision: the first that applies answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyReason {
    /// The host refused a call that the decision rests on.
    HostFailure,
    /// No snapshot is loaded.
    NoSnapshot,
    /// The snapshot is older than `max_snapshot_age`, or issued too far ahead.
    StaleSnapshot,
    /// No `Authorization` header.
    MissingCredential,
    /// An `Authorization` header from which no single key can be read.
    MalformedCredential,
    /// No such key, or a key whose prefix is not one of its kind's.
    UnknownKey,
    /// The key was deleted.
    DeletedKey,
    /// The key's `expires_at` has come.
    ExpiredKey,
    /// The key's `not_before` has not come yet.
    InactiveKey,
    /// The key's owner is suspended.
    SuspendedAccount,
    /// The client's address is not among the key's `allowed_ips`.
    IpNotAllowed,
    /// The key is of a mode that this gateway does not serve.
    LivemodeMismatch,
    /// An identity header under a spelling that frameworks fold into ours.
    MalformedHeader,
    /// An organization key without a version header.
    MissingVersion,
    /// A version header that is malformed or not served.
    InvalidVersion,
    /// An organization key without a context header.
    MissingContext,
    /// The account header on an API that knows the context header alone.
    UnsupportedHeader,
    /// A context or account header that is no path.
    MalformedContext,
    /// Context and account header differ.
    ConflictingContext,
    /// The target account is unknown, suspended, or not below the key's owner.
    AccountNotAccessible,
    /// The key's owner has no connected accounts at all.
    NotAPlatform,
    /// A method or path that this key may not name.
    UnknownEndpoint,
    /// A publishable key on an endpoint that is not open to it.
    SecretKeyRequired,
    /// A key without any permission on connected accounts.
    NoConnectPermission,
    /// The key does not grant what the endpoint needs, or what is expanded in its reply.
    InsufficientPermission,
    /// Something is to be expanded in the reply of which it is not known what that would show.
    UnknownExpansion,
}

/// One row of the table: the reason, its name, the rule it belongs to, the status of the reply.
struct Row(DenyReason, &'static str, u8, u16);

/// The decision's table. Names, rules and statuses are part of the wire format.
const TABLE: [Row; 26] = [
    Row(DenyReason::HostFailure, "host_failure", 1, 503),
    Row(DenyReason::NoSnapshot, "no_snapshot", 1, 503),
    Row(DenyReason::StaleSnapshot, "stale_snapshot", 1, 503),
    Row(DenyReason::MissingCredential, "missing_credential", 2, 401),
    Row(
        DenyReason::MalformedCredential,
        "malformed_credential",
        2,
        401,
    ),
    Row(DenyReason::UnknownKey, "unknown_key", 3, 401),
    Row(DenyReason::DeletedKey, "deleted_key", 4, 401),
    Row(DenyReason::ExpiredKey, "expired_key", 4, 401),
    Row(DenyReason::InactiveKey, "inactive_key", 4, 401),
    Row(DenyReason::SuspendedAccount, "suspended_account", 4, 401),
    Row(DenyReason::IpNotAllowed, "ip_not_allowed", 5, 401),
    Row(DenyReason::LivemodeMismatch, "livemode_mismatch", 6, 401),
    Row(DenyReason::MalformedHeader, "malformed_header", 7, 400),
    Row(DenyReason::MissingVersion, "missing_version", 7, 400),
    Row(DenyReason::InvalidVersion, "invalid_version", 7, 400),
    Row(DenyReason::MissingContext, "missing_context", 8, 400),
    Row(DenyReason::UnsupportedHeader, "unsupported_header", 8, 400),
    Row(DenyReason::MalformedContext, "malformed_context", 8, 400),
    Row(
        DenyReason::ConflictingContext,
        "conflicting_context",
        8,
        400,
    ),
    Row(
        DenyReason::AccountNotAccessible,
        "account_not_accessible",
        8,
        403,
    ),
    Row(DenyReason::NotAPlatform, "not_a_platform", 8, 403),
    Row(DenyReason::UnknownEndpoint, "unknown_endpoint", 9, 404),
    Row(
        DenyReason::SecretKeyRequired,
        "secret_key_required",
        10,
        401,
    ),
    Row(
        DenyReason::NoConnectPermission,
        "no_connect_permission",
        11,
        403,
    ),
    Row(
        DenyReason::InsufficientPermission,
        "insufficient_permission",
        11,
        403,
    ),
    Row(DenyReason::UnknownExpansion, "unknown_expansion", 11, 400),
];

impl DenyReason {
    /// Every reason, in the order of the decision.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The name on the wire: lower-case words joined by `_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("host_failure", |row| row.1)
    }

    /// The reason of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The number of the rule in the decision's order, 1 to 11.
    #[must_use]
    pub fn rule(self) -> u8 {
        self.row().map_or(1, |row| row.2)
    }

    /// The HTTP status of the reply.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().map_or(503, |row| row.3)
    }

    /// The place in the table, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        TABLE.iter().position(|row| row.0 == self).unwrap_or(0)
    }

    /// The row, found by search: the tests hold that every reason has one, and what a reason without one would get is a 503.
    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::as_conversions, reason = "a discriminant has no other reader")]
    fn the_table_holds_every_reason_once_and_in_order() {
        let reasons: Vec<_> = DenyReason::all().collect();
        assert!(reasons.is_sorted_by(|a, b| a < b));
        assert_eq!(reasons.last(), Some(&DenyReason::UnknownExpansion));
        for reason in reasons {
            assert_eq!(DenyReason::from_name(reason.name()), Some(reason));
        }
        // The last variant's discriminant counts the variants before it.
        assert_eq!(TABLE.len(), DenyReason::UnknownExpansion as usize + 1);
    }

    #[test]
    fn rules_rise_with_the_table() {
        assert!(TABLE.iter().is_sorted_by_key(|row| row.2));
    }
}
