//! The permissions to manage keys, by the names that the server's endpoints ask for.

/// All of these permissions. A key that has one can create, change or see other keys.
pub const MANAGEMENT: [&str; 14] = [
    "account",
    "activity_log",
    "api_key",
    "api_key_import",
    "console_session",
    "endpoint",
    "gateway",
    "grant_set",
    "key_policy",
    "management_api_key",
    "portal_session",
    "request_log",
    "secret_api_key",
    "snapshot",
];

/// The permission to create and change keys that may manage keys.
pub(super) const MANAGEMENT_KEYS: &str = "management_api_key";
/// The permission to create and change keys that may do everything.
pub(super) const UNRESTRICTED_KEYS: &str = "secret_api_key";
/// The permission to write policies, and to grant permissions that the caller does not have.
pub(super) const POLICIES: &str = "key_policy";

/// Returns whether a permission, by its canonical name, manages keys.
#[must_use]
pub fn is_management(name: &str) -> bool {
    MANAGEMENT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order_and_each_once() {
        assert!(MANAGEMENT.windows(2).all(|pair| pair[0] < pair[1]));
        for name in [MANAGEMENT_KEYS, UNRESTRICTED_KEYS, POLICIES] {
            assert!(is_management(name), "{name}");
        }
        assert!(!is_management("customer"));
    }
}
