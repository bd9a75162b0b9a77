//! The permissions that let keys manage keys. They are ordinary permissions: a key is granted them like any other, and the gateway asks for them.

/// Names every permission once.
macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal;)*) => {
        /// A permission of this API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Management {
            $($(#[$doc])* $variant,)*
        }

        impl Management {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As it is granted.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The resource's name for people.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

permissions! {
    /// Keys: Stripe's own name.
    ApiKey = "api_key", "API Keys";
    /// Making keys that hold every permission.
    SecretApiKey = "secret_api_key", "Unrestricted API Keys";
    /// Making keys that hold any of these permissions.
    ManagementApiKey = "management_api_key", "API Keys That Manage Keys";
    /// Making keys of digests.
    ApiKeyImport = "api_key_import", "Import of API Keys";
    /// Accounts.
    Account = "account", "Accounts";
    /// Grants by name.
    GrantSet = "grant_set", "Grant Sets";
    /// What accounts may do with their own keys.
    KeyPolicy = "key_policy", "Key Policies";
    /// The rows and versions of the API that the gateways protect.
    Endpoint = "endpoint", "Endpoints";
    /// Sessions of customers' administrators.
    PortalSession = "portal_session", "Portal Sessions";
    /// Sessions of operators.
    ConsoleSession = "console_session", "Console Sessions";
    /// The trail of changes.
    ActivityLog = "activity_log", "Activity Logs";
    /// What the gateways' logs say of requests.
    RequestLog = "request_log", "Request Logs";
    /// What gateways are given.
    Snapshot = "snapshot", "Snapshots";
    /// The gateways.
    Gateway = "gateway", "Gateways";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_that_the_rules_know() {
        let mut names: Vec<&str> = Management::ALL.iter().map(|one| one.name()).collect();
        names.sort_unstable();
        assert_eq!(names, keyward::management::MANAGEMENT);
    }
}
