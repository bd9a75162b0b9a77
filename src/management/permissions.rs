//! The permissions to manage keys, by the names that the server's own endpoints ask for.

/// Each of them. A key that holds one can make, change or see keys of others.
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

/// To make and change keys that hold a permission to manage keys.
pub(super) const MANAGEMENT_KEYS: &str = "management_api_key";
/// To make and change keys that may do everything.
pub(super) const UNRESTRICTED_KEYS: &str = "secret_api_key";
/// To write policies, and to give what one does not hold.
pub(super) const POLICIES: &str = "key_policy";

/// Whether a permission, by its canonical name, manages keys.
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
