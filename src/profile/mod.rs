//! The profile: every name and text by which an API differs from another. Stripe's is the default.

mod template;

pub use template::{Field, Template};

use crate::account::IdPrefixes;
use crate::key::KeyKind;
use crate::mask::KnownPrefixes;
use crate::reason::DenyReason;

/// A header of ours, as it is written and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName {
    shown: Box<str>,
    lower: Box<str>,
}

impl HeaderName {
    /// `shown` is spelled with letters, digits and `-`.
    #[must_use]
    pub fn new(shown: &str) -> Self {
        Self {
            shown: shown.into(),
            lower: shown.to_ascii_lowercase().into(),
        }
    }

    /// As documentation writes it: `Stripe-Context`.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// In lower case.
    #[must_use]
    pub fn lower(&self) -> &str {
        &self.lower
    }
}

/// Where the texts of replies point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// How to authenticate.
    pub authentication: Box<str>,
    /// Who helps.
    pub support: Box<str>,
    /// Where keys are listed and edited.
    pub api_keys: Box<str>,
    /// What error codes mean; `/CODE` is appended.
    pub error_codes: Box<str>,
    /// The API's documentation.
    pub documentation: Box<str>,
}

/// Names and texts of one API.
#[derive(Clone, Debug)]
pub struct Profile {
    /// How the ids of accounts and organizations begin.
    pub ids: IdPrefixes,
    /// The header that names the API's version.
    pub version_header: HeaderName,
    /// The header that names the target by a path.
    pub context_header: HeaderName,
    /// The older header that names the target.
    pub account_header: HeaderName,
    /// Lower-case beginning of all headers of this API: none may be on a preflight.
    pub header_family: Box<str>,
    /// The realm of `WWW-Authenticate`.
    pub realm: Box<str>,
    /// How request ids begin.
    pub request_id_prefix: Box<str>,
    /// The header that tells clients whether to retry.
    pub retry_header: HeaderName,
    /// Where texts point to.
    pub links: Links,
    key_prefixes: [Box<[Box<str>]>; 4],
    known_prefixes: KnownPrefixes,
    messages: Box<[Template]>,
}

impl Profile {
    /// Stripe's names and texts.
    ///
    /// Sources: <https://docs.stripe.com/keys>, <https://docs.stripe.com/api/errors>, and replies quoted in public issues of Stripe's SDKs and CLI. Texts that
    /// are keyward's own are marked in [`message`].
    #[must_use]
    pub fn stripe() -> Self {
        let key_prefixes = KeyKind::ALL.map(|kind| {
            let prefixes: &[&str] = match kind {
                KeyKind::Secret => &["sk_test_", "sk_live_"],
                KeyKind::Restricted => &["rk_test_", "rk_live_"],
                KeyKind::Publishable => &["pk_test_", "pk_live_"],
                KeyKind::Organization => &["sk_org_"],
            };
            prefixes.iter().map(|prefix| Box::from(*prefix)).collect()
        });
        let organization_modes = ["sk_org_test_", "sk_org_live_"];
        let known_prefixes = KnownPrefixes::new(
            key_prefixes
                .iter()
                .flat_map(|prefixes: &Box<[Box<str>]>| prefixes.iter().map(|prefix| &**prefix))
                .chain(organization_modes),
        );
        Self {
            ids: IdPrefixes {
                account: "acct_".into(),
                organization: "org_".into(),
            },
            version_header: HeaderName::new("Stripe-Version"),
            context_header: HeaderName::new("Stripe-Context"),
            account_header: HeaderName::new("Stripe-Account"),
            header_family: "stripe-".into(),
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
            key_prefixes,
            known_prefixes,
            // A text that does not parse is shown as it stands; a test holds that every one does.
            messages: DenyReason::all()
                .filter_map(|reason| Template::parse(message(reason)))
                .collect(),
        }
    }

    /// Whether `key` begins as a key of `kind` must.
    #[must_use]
    pub fn is_key_of_kind(&self, key: &str, kind: KeyKind) -> bool {
        KeyKind::ALL
            .iter()
            .zip(&self.key_prefixes)
            .filter(|(of, _)| **of == kind)
            .flat_map(|(_, prefixes)| prefixes)
            .any(|prefix| key.starts_with(&**prefix))
    }

    /// The prefixes by which keys are recognized and masked.
    #[must_use]
    pub fn known_prefixes(&self) -> &KnownPrefixes {
        &self.known_prefixes
    }

    /// The message for `reason`.
    #[must_use]
    pub fn message(&self, reason: DenyReason) -> Option<&Template> {
        self.messages.get(reason.index())
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::stripe()
    }
}

/// Stripe's texts, letter by letter where one is known. "Ours" marks those that no public source shows.
fn message(reason: DenyReason) -> &'static str {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_a_template() {
        for reason in DenyReason::all() {
            assert!(Template::parse(message(reason)).is_some(), "{reason:?}");
        }
        assert_eq!(Profile::stripe().messages.len(), DenyReason::all().count());
    }

    #[test]
    fn a_prefix_belongs_to_one_kind() {
        let profile = Profile::stripe();
        let kinds = |key: &str| {
            KeyKind::ALL
                .into_iter()
                .filter(|kind| profile.is_key_of_kind(key, *kind))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("sk_test_x"), [KeyKind::Secret]);
        assert_eq!(kinds("sk_live_x"), [KeyKind::Secret]);
        assert_eq!(kinds("rk_test_x"), [KeyKind::Restricted]);
        assert_eq!(kinds("pk_live_x"), [KeyKind::Publishable]);
        assert_eq!(kinds("sk_org_live_x"), [KeyKind::Organization]);
        assert_eq!(kinds("SK_test_x"), []);
    }
}
