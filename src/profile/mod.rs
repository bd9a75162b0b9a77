//! The profile: every name and text that differs between APIs. Stripe's is the default.

mod plain;
mod stripe;
mod template;
mod wire;

#[cfg(test)]
mod tests;

pub use template::{Field, Template};
pub(crate) use wire::{PROFILE, Profile as WireProfile};

use crate::account::IdPrefixes;
use crate::invariant::Held;
use crate::key::KeyKind;
use crate::mask::KnownPrefixes;
use crate::reason::DenyReason;

/// Headers that let a client name another method, in servers and frameworks, or another path than the request line does. Each is here because code that is in
/// use dispatches by it; those that proxies add and that change no more than links (`X-Forwarded-Prefix`, `X-Forwarded-Uri`) are not.
pub const OVERRIDES: [&str; 19] = [
    // Google's APIs, Rack, Express, Symfony, Laravel, ASP.NET
    "x-http-method-override",
    // OData, ArangoDB
    "x-http-method",
    // IBM's products, ArangoDB
    "x-method-override",
    // PHP frameworks that read `HTTP_HTTP_METHOD_OVERRIDE` next to the first
    "http-method-override",
    // PHP routers that read `HTTP_X_REQUEST_METHOD`
    "x-request-method",
    // Python's Zoom
    "x-http-verb",
    // IIS' URL rewriting, Symfony up to 4.1, Zend
    "x-original-url",
    // Applications next to nginx and Vercel
    "x-original-uri",
    // ISAPI_Rewrite, Zend, Yii
    "x-rewrite-url",
    // Tencent's BlueKing, PHP routers
    "x-request-uri",
    // Express on Azure's App Service
    "x-waws-unencoded-url",
    // Express, NestJS and WSGI on Vercel
    "x-matched-path",
    "x-invoke-path",
    // gunicorn: `forwarder_headers`, which it cuts off the path or puts in its place
    "script-name",
    "path-info",
    // flask-reverse-proxy and many like it, mod_wsgi
    "x-script-name",
    // Plack's ReverseProxyPath, mod_wsgi
    "x-forwarded-script-name",
    // Plack's ReverseProxyPath, Paste
    "x-traversal-path",
    // Pyramid's virtual root
    "x-vhm-root",
];

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// Every name that an API gives to something.
#[derive(Clone, Debug)]
pub struct Names {
    /// How the ids of accounts and organizations begin.
    pub ids: IdPrefixes,
    /// The header that names the API's version.
    pub version_header: HeaderName,
    /// The header that names the target by a path.
    pub context_header: HeaderName,
    /// The older header that names the target.
    pub account_header: HeaderName,
    /// Headers, in lower case, that name another method or URL, in addition to [`OVERRIDES`].
    pub override_headers: Box<[Box<str>]>,
    /// Headers, in lower case, that may contain only a key, in addition to `Authorization`.
    pub credential_headers: Box<[Box<str>]>,
    /// The query parameter that stands for the version header next to a key in the query.
    pub version_parameter: Box<str>,
    /// The query parameter that stands for the account header next to a key in the query.
    pub account_parameter: Box<str>,
    /// Lower-case beginning of all headers of this API, where they have one in common: none may be on a preflight.
    pub header_family: Option<Box<str>>,
    /// The realm of `WWW-Authenticate`.
    pub realm: Box<str>,
    /// How request ids begin.
    pub request_id_prefix: Box<str>,
    /// The header that advises clients whether to retry.
    pub retry_header: HeaderName,
    /// Where texts point to.
    pub links: Links,
}

impl Names {
    /// The headers that are read from a request.
    #[must_use]
    pub fn request_headers(&self) -> [&HeaderName; 3] {
        [
            &self.version_header,
            &self.context_header,
            &self.account_header,
        ]
    }

    /// Whether the profile names a request's header so, in lower case.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        let ours = self.request_headers().map(HeaderName::lower);
        let own = self.override_headers.iter().chain(&self.credential_headers);
        ours.contains(&name) || own.into_iter().any(|ours| **ours == *name)
    }
}

/// Prefixes by kind, in the order of [`KeyKind::ALL`].
type Prefixes = [Box<[Box<str>]>; 4];

/// Names and texts of one API.
#[derive(Clone, Debug)]
pub struct Profile {
    names: Names,
    key_prefixes: Prefixes,
    known_prefixes: KnownPrefixes,
    messages: Box<[Template]>,
}

impl Profile {
    /// Puts a profile together. A text that is not a template is shown as nothing (tests hold that all are).
    fn new(
        names: Names,
        key_prefixes: Prefixes,
        message: impl Fn(DenyReason) -> &'static str,
    ) -> Self {
        let known_prefixes = known(&key_prefixes);
        let messages = DenyReason::all()
            .map(|reason| Template::parse(message(reason)).held("a built-in message is a template"))
            .collect();
        Self {
            names,
            key_prefixes,
            known_prefixes,
            messages,
        }
    }

    /// Its names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether `key` begins as a key of `kind` must.
    #[must_use]
    pub fn is_key_of_kind(&self, key: &str, kind: KeyKind) -> bool {
        self.key_prefixes(kind)
            .any(|prefix| key.starts_with(prefix))
    }

    /// How keys of `kind` begin, in the order the profile gives them.
    pub fn key_prefixes(&self, kind: KeyKind) -> impl Iterator<Item = &str> {
        KeyKind::ALL
            .iter()
            .zip(&self.key_prefixes)
            .filter(move |(of, _)| **of == kind)
            .flat_map(|(_, prefixes)| prefixes)
            .map(|prefix| &**prefix)
    }

    /// Whether `text` begins as a key of this API does, of whatever kind.
    #[must_use]
    pub fn is_like_a_key(&self, text: &[u8]) -> bool {
        let mut own = self.key_prefixes.iter().flatten();
        own.any(|prefix| text.starts_with(prefix.as_bytes()))
    }

    /// The prefixes of keys to mask: this API's, and Stripe's always.
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

/// A Stripe key that strays into a request is a secret under any profile, so Stripe's prefixes are masked next to an API's own.
fn known(own: &Prefixes) -> KnownPrefixes {
    let own = own.iter().flatten().map(|prefix| &**prefix);
    KnownPrefixes::new(own.chain(stripe::every_prefix()))
}

impl Default for Profile {
    fn default() -> Self {
        Self::stripe()
    }
}
