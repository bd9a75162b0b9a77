//! Stripe's names and texts: the default.

use super::{HeaderName, Links, Names, Profile};
use crate::account::IdPrefixes;
use crate::key::KeyKind;
use crate::reason::DenyReason;

impl Profile {
    /// Returns Stripe's names and texts.
    ///
    /// Sources: <https://docs.stripe.com/keys>, <https://docs.stripe.com/api/errors>, and replies
    /// quoted in public issues of Stripe's SDKs and CLI. Texts that keyward adds are marked "ours".
    #[must_use]
    pub fn stripe() -> Self {
        let names = Names {
            ids: IdPrefixes {
                account: "acct_".into(),
                organization: "org_".into(),
            },
            version_header: HeaderName::new("Stripe-Version"),
            context_header: HeaderName::new("Stripe-Context"),
            account_header: HeaderName::new("Stripe-Account"),
            override_headers: Box::default(),
            credential_headers: Box::default(),
            version_parameter: "_stripe_version".into(),
            account_parameter: "_stripe_account".into(),
            header_family: Some("stripe-".into()),
            realm: "Stripe".into(),
            request_id_prefix: "req_".into(),
            retry_header: HeaderName::new("Stripe-Should-Retry"),
            links: Links {
                authentication: "https://stripe.com/docs/api#authentication".into(),
                support: "https://support.stripe.com/".into(),
                api_keys: "https://dashboard.stripe.com/account/apikeys".into(),
                error_codes: "https://stripe.com/docs/error-codes".into(),
                documentation: "https://stripe.com/docs".into(),
            },
        };
        let prefixes = KeyKind::ALL.map(|kind| {
            prefixes(kind)
                .iter()
                .map(|prefix| Box::from(*prefix))
                .collect()
        });
        Self::new(names, prefixes, message)
    }
}

/// Returns the prefixes of keys of a kind.
pub(super) fn prefixes(kind: KeyKind) -> &'static [&'static str] {
    match kind {
        KeyKind::Secret => &["sk_test_", "sk_live_"],
        KeyKind::Restricted => &["rk_test_", "rk_live_"],
        KeyKind::Publishable => &["pk_test_", "pk_live_"],
        KeyKind::Organization => &["sk_org_"],
    }
}

/// Returns the prefixes of keys of all kinds. An organization key's mode is after its prefix, and
/// masks keep the mode visible.
pub(super) fn every_prefix<'a>() -> impl Iterator<Item = &'a str> {
    let by_kind = KeyKind::ALL.into_iter().flat_map(prefixes);
    let longer = &["sk_org_test_", "sk_org_live_"];
    by_kind.chain(longer).map(|prefix| -> &str { prefix })
}

/// Returns Stripe's texts, verbatim if known. "Ours" marks texts that no public source shows.
pub(super) fn message(reason: DenyReason) -> &'static str {
    match reason {
        // ours
        DenyReason::HostFailure | DenyReason::NoSnapshot | DenyReason::StaleSnapshot => {
            "Sorry, API keys cannot be checked right now. Please retry your request in a moment, or we can help at {support}."
        }
        DenyReason::MissingCredential => {
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See {authentication} for details, or we can help at {support}."
        }
        DenyReason::MalformedCredential => {
            "You did not provide an API key, though you did set your Authorization header to \"{value}\". Using Bearer auth, your Authorization header should look something like 'Authorization: Bearer YOUR_SECRET_KEY'. See {authentication} for details, or we can help at {support}."
        }
        DenyReason::UnknownKey => "Invalid API Key provided: {masked}",
        DenyReason::DeletedKey | DenyReason::ExpiredKey => "Expired API Key provided: {masked}",
        // ours
        DenyReason::InactiveKey => "The API Key provided is not active yet: {masked}",
        // ours
        DenyReason::SuspendedAccount => {
            "The API Key provided ({masked}) belongs to an account that has been suspended."
        }
        DenyReason::IpNotAllowed => {
            "The API key provided does not allow requests from your IP address. ({address})"
        }
        // ours
        DenyReason::LivemodeMismatch => {
            "The API Key provided ({masked}) is a {livemode} mode key, but only {served} mode requests are accepted here."
        }
        // ours
        DenyReason::MalformedHeader => {
            "Invalid request header: {value}. Header names must be spelled with hyphens, and this one is reserved."
        }
        // ours
        DenyReason::MissingVersion => {
            "Please include the {version_header} header with your API version when using an Organization API key."
        }
        DenyReason::InvalidVersion => "Invalid Stripe API version: {value}",
        DenyReason::MissingContext => {
            "Please include the {context_header} header with your target account when using an Organization API key."
        }
        // ours
        DenyReason::UnsupportedHeader => {
            "The {account_header} header is not supported for this request. Please use the {context_header} header instead."
        }
        // ours
        DenyReason::MalformedContext => {
            "Invalid {header} header: {value}. It must be an account ID, or account IDs from the outermost to the innermost joined by slashes."
        }
        // ours
        DenyReason::ConflictingContext => {
            "The {context_header} and {account_header} headers name different accounts. Please send only one of them."
        }
        DenyReason::AccountNotAccessible => {
            "The provided key '{masked}' does not have access to account '{account}' (or that account does not exist). Application access may have been revoked."
        }
        // the second sentence is ours
        DenyReason::NotAPlatform => {
            "Only Stripe Connect platforms can work with other accounts. You can find the account of this API key at {api_keys}."
        }
        DenyReason::UnknownEndpoint => {
            "Unrecognized request URL ({method}: {path}). Please see {documentation} or we can help at {support}."
        }
        DenyReason::SecretKeyRequired => {
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at {api_keys}."
        }
        DenyReason::NoConnectPermission => {
            "You passed a restricted API key with the {account_header} header, but the restricted API key does not have any Connect permissions."
        }
        DenyReason::InsufficientPermission => {
            "Permission denied. The provided key '{masked}' does not have the required permissions for this endpoint on account '{account}'. Enabling {label} {Access} ('{permission}_{access}') permissions on this key would allow this request to continue. You can edit permissions at {api_keys}"
        }
        DenyReason::UnknownExpansion => "This property cannot be expanded ({expansion}).{hint}",
    }
}
