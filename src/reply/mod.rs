//! The reply to a denied request, byte for byte as Stripe's clients expect it.

mod message;
mod verification;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::configuration::Configuration;
use crate::credential::Scheme;
use crate::decision::Denial;
use crate::invariant::Held;
use crate::profile::Profile;
use crate::reason::DenyReason;
pub use verification::Activity;

/// A reply that Envoy sends instead of the upstream's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values, in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// JSON, ending in a newline.
    pub body: String,
    /// Envoy's response details.
    pub details: String,
}

/// The 14 characters after the prefix of a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 14]);

impl RequestId {
    /// Writes 84 bits of `entropy` in base62.
    #[must_use]
    pub fn new(entropy: u128) -> Self {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rest = entropy;
        Self([(); 14].map(|()| {
            let digit = usize::try_from(rest % 62).unwrap_or(0);
            rest /= 62;
            DIGITS.get(digit).copied().unwrap_or(b'0')
        }))
    }
}

/// What the body contains in addition to the message.
struct Shape {
    code: Option<&'static str>,
    /// Whether `doc_url` links to the code's page.
    is_documented: bool,
}

/// Codes as Stripe documents them: <https://docs.stripe.com/error-codes>.
fn shape(reason: DenyReason) -> Shape {
    let (code, is_documented) = match reason {
        DenyReason::HostFailure
        | DenyReason::NoSnapshot
        | DenyReason::StaleSnapshot
        | DenyReason::MissingCredential
        | DenyReason::MalformedCredential
        | DenyReason::UnknownKey
        | DenyReason::InactiveKey
        | DenyReason::SuspendedAccount
        | DenyReason::IpNotAllowed
        | DenyReason::MalformedHeader
        | DenyReason::MissingVersion
        | DenyReason::InvalidVersion
        | DenyReason::MissingContext
        | DenyReason::UnsupportedHeader
        | DenyReason::MalformedContext
        | DenyReason::ConflictingContext
        | DenyReason::UnknownEndpoint
        | DenyReason::NoConnectPermission
        // As in bodies quoted in public issues: gitpod-io/gitpod #13035.
        | DenyReason::UnknownExpansion => (None, false),
        DenyReason::DeletedKey | DenyReason::ExpiredKey => (Some("api_key_expired"), true),
        DenyReason::LivemodeMismatch => (Some("livemode_mismatch"), false),
        DenyReason::AccountNotAccessible => (Some("account_invalid"), true),
        DenyReason::NotAPlatform => (Some("platform_account_required"), false),
        DenyReason::SecretKeyRequired => (Some("secret_key_required"), false),
        DenyReason::InsufficientPermission => (Some("more_permissions_required"), false),
    };
    Shape {
        code,
        is_documented,
    }
}

impl Reply {
    /// Returns the reply to `denial`. `id` must be new for every reply.
    #[must_use]
    pub fn new(configuration: &Configuration, denial: &Denial<'_>, id: RequestId) -> Self {
        let profile = configuration.profile();
        let reason = denial.reason();
        Self {
            status: reason.status(),
            headers: headers(profile, denial, id),
            body: body(configuration, denial),
            details: format!("keyward_denied{{{}}}", reason.name()),
        }
    }
}

fn headers(profile: &Profile, denial: &Denial<'_>, id: RequestId) -> Vec<(String, String)> {
    let reason = denial.reason();
    let status = reason.status();
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let mut push = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
    if status == 401 {
        let scheme = denial.evidence().scheme.unwrap_or(Scheme::Basic);
        let challenge = format!("{} realm=\"{}\"", scheme.name(), profile.names().realm);
        push("WWW-Authenticate", &challenge);
    }
    if status == 503 {
        push("Retry-After", "1");
        push(profile.names().retry_header.shown(), "true");
    } else {
        push(profile.names().retry_header.shown(), "false");
        push("Cache-Control", "no-cache, no-store");
    }
    push("Request-Id", &request_id(profile, id));
    push("X-Keyward-Denied", reason.name());
    headers
}

fn request_id(profile: &Profile, RequestId(id): RequestId) -> String {
    let id = String::from_utf8_lossy(&id);
    format!("{}{id}", profile.names().request_id_prefix)
}

fn body(configuration: &Configuration, denial: &Denial<'_>) -> String {
    let profile = configuration.profile();
    let reason = denial.reason();
    let Shape {
        code,
        is_documented,
    } = shape(reason);
    let mut error = BTreeMap::new();
    error.insert("message", message::message(configuration, denial));
    error.insert(
        "type",
        if reason.status() == 503 {
            "api_error".to_owned()
        } else {
            "invalid_request_error".to_owned()
        },
    );
    if let Some(code) = code {
        error.insert("code", code.to_owned());
        let pages = &profile.names().links.error_codes;
        if is_documented && !pages.is_empty() {
            let page = code.replace('_', "-");
            error.insert("doc_url", format!("{pages}/{page}"));
        }
    }
    if let Some(header) = denial.evidence().header {
        error.insert("param", header.shown().to_owned());
    }
    let body = BTreeMap::from([("error", error)]);
    let text = serde_json::to_string_pretty(&body);
    let mut text = text.ok().held("a map of texts has a form in JSON");
    text.push('\n');
    text
}
