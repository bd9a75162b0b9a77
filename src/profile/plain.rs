//! Neutral names and texts: a starting point for a custom API.

use super::{HeaderName, Links, Names, Profile, stripe};
use crate::account::IdPrefixes;
use crate::key::KeyKind;
use crate::reason::DenyReason;

impl Profile {
    /// Returns neutral names and texts. Keys and ids begin like Stripe's, unless the configuration
    /// sets other prefixes.
    #[must_use]
    pub fn plain() -> Self {
        let names = Names {
            ids: IdPrefixes {
                account: "acct_".into(),
                organization: "org_".into(),
            },
            version_header: HeaderName::new("Api-Version"),
            context_header: HeaderName::new("Account-Context"),
            account_header: HeaderName::new("Account-Id"),
            override_headers: Box::default(),
            credential_headers: Box::default(),
            version_parameter: "_version".into(),
            account_parameter: "_account".into(),
            header_family: None,
            realm: "API".into(),
            request_id_prefix: "req_".into(),
            retry_header: HeaderName::new("Should-Retry"),
            links: Links::default(),
        };
        let prefixes = KeyKind::ALL.map(|kind| {
            stripe::prefixes(kind)
                .iter()
                .map(|prefix| Box::from(*prefix))
                .collect()
        });
        Self::new(names, prefixes, message)
    }
}

/// Returns texts without links, because only the configuration gives links.
pub(super) fn message(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::HostFailure | DenyReason::NoSnapshot | DenyReason::StaleSnapshot => {
            "API keys cannot be checked right now. Please retry your request in a moment."
        }
        DenyReason::MissingCredential => {
            "No API key was provided. Send it in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        }
        DenyReason::MalformedCredential => {
            "No API key could be read from the Authorization header \"{value}\". It should look like 'Authorization: Bearer YOUR_SECRET_KEY'."
        }
        DenyReason::UnknownKey => "Invalid API key provided: {masked}",
        DenyReason::DeletedKey | DenyReason::ExpiredKey => "Expired API key provided: {masked}",
        DenyReason::InactiveKey => "The API key provided is not active yet: {masked}",
        DenyReason::SuspendedAccount => {
            "The API key provided ({masked}) belongs to an account that has been suspended."
        }
        DenyReason::IpNotAllowed => {
            "The API key provided does not allow requests from your IP address. ({address})"
        }
        DenyReason::LivemodeMismatch => {
            "The API key provided ({masked}) is a {livemode} mode key, but only {served} mode requests are accepted here."
        }
        DenyReason::MalformedHeader => {
            "Invalid request header: {value}. Header names must be spelled with hyphens, and this one is reserved."
        }
        DenyReason::MissingVersion => {
            "Please include the {version_header} header with your API version when using an organization API key."
        }
        DenyReason::InvalidVersion => "Invalid API version: {value}",
        DenyReason::MissingContext => {
            "Please include the {context_header} header with your target account when using an organization API key."
        }
        DenyReason::UnsupportedHeader => {
            "The {account_header} header is not supported for this request. Please use the {context_header} header instead."
        }
        DenyReason::MalformedContext => {
            "Invalid {header} header: {value}. It must be an account ID, or account IDs from the outermost to the innermost joined by slashes."
        }
        DenyReason::ConflictingContext => {
            "The {context_header} and {account_header} headers name different accounts. Please send only one of them."
        }
        DenyReason::AccountNotAccessible => {
            "The provided key '{masked}' does not have access to account '{account}' (or that account does not exist)."
        }
        DenyReason::NotAPlatform => {
            "The provided key '{masked}' cannot work with other accounts: its own has no connected accounts."
        }
        DenyReason::UnknownEndpoint => "Unrecognized request URL ({method}: {path}).",
        DenyReason::SecretKeyRequired => {
            "This API call cannot be made with a publishable API key. Please use a secret API key."
        }
        DenyReason::NoConnectPermission => {
            "The provided key '{masked}' does not have any permissions on connected accounts."
        }
        DenyReason::InsufficientPermission => {
            "Permission denied. The provided key '{masked}' does not have the required permissions for this endpoint on account '{account}'. Enabling {label} {Access} ('{permission}_{access}') permissions on this key would allow this request to continue."
        }
        DenyReason::UnknownExpansion => "This property cannot be expanded ({expansion}).{hint}",
    }
}
