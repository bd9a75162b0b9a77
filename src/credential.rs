//! The credential: the one key that a request presents, in `Authorization`, in one of the profile's
//! credential headers, or in the query.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ascii;
use crate::digest::KeyDigest;
use crate::mask::{KnownPrefixes, Masked, stars};
use crate::query::QueryKey;
use crate::request::{RequestHead, Value};

const LONGEST_KEY: usize = 512;

/// How the key was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer KEY`, RFC 6750.
    Bearer,
    /// `Basic base64(KEY:)`, RFC 7617: curl's `-u KEY:`.
    Basic,
}

impl Scheme {
    /// Returns the scheme's name as a header spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic",
        }
    }
}

/// A well-formed credential: printable ASCII without spaces or commas, 1 to 512 bytes, and longer
/// than a bare prefix. Its `Debug` shows stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential<'a> {
    key: Cow<'a, str>,
    /// `None` if the key was sent without a scheme.
    scheme: Option<Scheme>,
    is_in_query: bool,
}

/// Why a request has no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialFault {
    /// Neither a header nor a parameter presents a key.
    Missing,
    /// A header does not contain a single key.
    Malformed {
        /// The scheme, if keyward knows it.
        scheme: Option<Scheme>,
        /// The header with all but the scheme in stars, or `None` without a header.
        shown: Option<String>,
    },
}

impl<'a> Credential<'a> {
    /// Reads the one key that a request presents: in `Authorization`, without a scheme in a
    /// credential header of the profile, or as `key` in the query. Two keys are ambiguous, so they
    /// are malformed. One of the `prefixes` with nothing after it is not a key: it only names a
    /// kind, and a masked form would show all of it.
    pub fn read(
        request: &'a RequestHead<'a>,
        prefixes: &KnownPrefixes,
    ) -> Result<Self, CredentialFault> {
        let field = &request.authorization;
        match (
            field.value(),
            request.credential.value(),
            &request.query_key,
        ) {
            (Value::Absent, Value::Absent, QueryKey::Absent) => Err(CredentialFault::Missing),
            (Value::Absent, Value::Absent, QueryKey::One(key)) => {
                Self::by_itself(std::str::from_utf8(key).ok(), true, prefixes)
            }
            (Value::Absent, Value::Text(key), QueryKey::Absent) => {
                Self::by_itself(Some(key), false, prefixes)
            }
            (Value::Text(text), Value::Absent, QueryKey::Absent) => {
                Self::parse(text, prefixes).ok_or_else(|| malformed(text.as_bytes()))
            }
            (Value::Absent, Value::Absent, QueryKey::Several)
            | (Value::Absent, Value::Text(_) | Value::Malformed, _) => Err(MALFORMED_BY_ITSELF),
            (Value::Text(_) | Value::Malformed, _, _) => Err(malformed(&field.joined())),
        }
    }

    fn by_itself(
        key: Option<&'a str>,
        is_in_query: bool,
        prefixes: &KnownPrefixes,
    ) -> Result<Self, CredentialFault> {
        let key = key.filter(|key| is_key(key, prefixes));
        let key = key.ok_or(MALFORMED_BY_ITSELF)?;
        Ok(Self {
            key: Cow::Borrowed(key),
            scheme: None,
            is_in_query,
        })
    }

    fn parse(text: &'a str, prefixes: &KnownPrefixes) -> Option<Self> {
        let (scheme, rest) = split_scheme(text)?;
        let key = match scheme {
            Scheme::Bearer => Cow::Borrowed(rest),
            Scheme::Basic => {
                let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
                let (key, password) = decoded.split_once(':')?;
                if !password.is_empty() {
                    return None;
                }
                Cow::Owned(key.to_owned())
            }
        };
        is_key(&key, prefixes).then_some(Self {
            key,
            scheme: Some(scheme),
            is_in_query: false,
        })
    }

    /// Returns the digest to look up.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.key.as_bytes())
    }

    /// Returns whether the key is in the query, where logs and browser histories keep it.
    #[must_use]
    pub fn is_in_query(&self) -> bool {
        self.is_in_query
    }

    /// Returns the scheme that presented the key, or `None` if there was none.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// Returns whether `accepts` accepts the raw key. `accepts` must not keep it.
    pub fn satisfies(&self, accepts: impl FnOnce(&str) -> bool) -> bool {
        accepts(&self.key)
    }

    /// Returns the masked form.
    #[must_use]
    pub fn masked<'b>(&'b self, prefixes: &'b KnownPrefixes) -> Masked<'b> {
        Masked::new(&self.key, prefixes)
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alone = if self.is_in_query { "query" } else { "header" };
        let place = self.scheme.map_or(alone, Scheme::name);
        write!(f, "Credential({place} {})", stars(self.key.len()))
    }
}

fn split_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let scheme = [Scheme::Bearer, Scheme::Basic]
        .into_iter()
        .find(|scheme| scheme.name().eq_ignore_ascii_case(name))?;
    Some((scheme, rest.trim_start_matches(' ')))
}

fn is_key(text: &str, prefixes: &KnownPrefixes) -> bool {
    (1..=LONGEST_KEY).contains(&text.len())
        && ascii::printable(text.as_bytes()).is_some()
        && !ascii::holds(text.as_bytes(), b' ')
        && !ascii::holds(text.as_bytes(), b',')
        && !prefixes.contains(text.as_bytes())
}

const MALFORMED_BY_ITSELF: CredentialFault = CredentialFault::Malformed {
    scheme: None,
    shown: None,
};

fn malformed(sent: &[u8]) -> CredentialFault {
    let lossy = String::from_utf8_lossy(sent);
    match split_scheme(&lossy) {
        Some((scheme, rest)) => {
            let shown = format!("{} {}", scheme.name(), stars(rest.chars().count()));
            CredentialFault::Malformed {
                scheme: Some(scheme),
                shown: Some(shown.trim_end().to_owned()),
            }
        }
        None => CredentialFault::Malformed {
            scheme: None,
            shown: Some(stars(lossy.chars().count())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::request::{IdentityNames, RequestHead};

    fn read(values: &[&[u8]]) -> Result<String, CredentialFault> {
        let profile = Profile::stripe();
        let head = RequestHead::read(
            &profile,
            &IdentityNames::new(&profile, []),
            values.iter().map(|value| (&b"authorization"[..], *value)),
            false,
        );
        Credential::read(&head, profile.known_prefixes())
            .map(|credential| credential.key.clone().into_owned())
    }

    #[track_caller]
    fn assert_key(value: &str, key: &str) {
        assert_eq!(read(&[value.as_bytes()]).as_deref(), Ok(key));
    }

    #[track_caller]
    fn assert_malformed(value: &[u8], shown: &str) {
        match read(&[value]) {
            Err(CredentialFault::Malformed { shown: actual, .. }) => {
                assert_eq!(actual.as_deref(), Some(shown));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn schemes_are_case_insensitive_and_followed_by_spaces() {
        assert_key("Bearer sk_test_FAKE", "sk_test_FAKE");
        assert_key("bearer   sk_test_FAKE", "sk_test_FAKE");
        assert_key("BASIC YTo=", "a");
        assert_key("Basic c2tfdGVzdF9GQUtFOg==", "sk_test_FAKE");
        // A credential that is well-formed but looks unlike a key still counts as one.
        assert_key("Bearer a:b", "a:b");
    }

    #[test]
    fn malformed_credentials_show_scheme_and_stars() {
        assert_malformed(b"", "");
        assert_malformed(b"sk_test_FAKE", "************");
        assert_malformed(b"Token sk_test_FAKE", "******************");
        assert_malformed(b"Bearer ", "Bearer");
        assert_malformed(b"Bearer", "Bearer");
        assert_malformed(b"Bearer\tsk_test_FAKE", "*******************");
        assert_malformed(b"bearer a b", "Bearer ***");
        assert_malformed(b"Bearer a,Bearer b", "Bearer **********");
        assert_malformed(b"Bearer a\xff", "Bearer **");
    }

    #[test]
    fn basic_needs_canonical_base64_a_colon_and_no_password() {
        for value in [
            "YQ==",
            "YTpi",
            "YTo",
            "YTp=",
            "YTo=\u{20}",
            "Og==",
            "====",
            "_-8=",
            "w7w6",
            "YSxiOg==",
            "YTo6",
            "YTo=YTo=",
        ] {
            let shown = format!("Basic {}", "*".repeat(value.len()));
            assert_malformed(format!("Basic {value}").as_bytes(), &shown);
        }
    }

    #[test]
    fn a_prefix_with_nothing_after_it_is_no_key() {
        for prefix in [
            "sk_test_",
            "sk_live_",
            "rk_test_",
            "rk_live_",
            "pk_test_",
            "pk_live_",
            "sk_org_",
            "sk_org_test_",
            "sk_org_live_",
        ] {
            let bearer = format!("Bearer {prefix}");
            assert_malformed(
                bearer.as_bytes(),
                &format!("Bearer {}", stars(prefix.len())),
            );
            let encoded = STANDARD.encode(format!("{prefix}:"));
            assert_malformed(
                format!("Basic {encoded}").as_bytes(),
                &format!("Basic {}", stars(encoded.len())),
            );
            let key = format!("{prefix}F");
            assert_key(&format!("Bearer {key}"), &key);
            assert_key(
                &format!("Basic {}", STANDARD.encode(format!("{key}:"))),
                &key,
            );
        }
        // Not a known prefix, so it counts as a key, although an unknown one.
        assert_key("Bearer sk_", "sk_");
        assert_key("Bearer SK_TEST_", "SK_TEST_");
    }

    #[test]
    fn several_headers_hold_no_single_key() {
        let fault = read(&[b"Bearer a", b"Bearer a"]).unwrap_err();
        let shown = Some("Bearer ***********".to_owned());
        assert_eq!(
            fault,
            CredentialFault::Malformed {
                scheme: Some(Scheme::Bearer),
                shown
            }
        );
        assert_eq!(read(&[]), Err(CredentialFault::Missing));
    }

    #[test]
    fn keys_have_at_most_512_bytes() {
        let key = "a".repeat(512);
        assert_key(&format!("Bearer {key}"), &key);
        assert_malformed(
            format!("Bearer {key}a").as_bytes(),
            &format!("Bearer {}", "*".repeat(128)),
        );
    }

    fn read_with(
        headers: &[(&[u8], &[u8])],
        query: &str,
    ) -> Result<(String, bool), CredentialFault> {
        let json = br#"{"profile": {"credential_headers": ["X-API-Key", "Acme-Key"]}}"#;
        let configuration = crate::configuration::Configuration::from_json(json).unwrap();
        let profile = configuration.profile();
        let path = format!("/v1/balance{query}");
        let path = [(&b":path"[..], path.as_bytes())];
        let headers = headers.iter().copied().chain(path);
        let head = RequestHead::read(profile, &IdentityNames::new(profile, []), headers, false);
        let read = Credential::read(&head, profile.known_prefixes());
        read.map(|read| (read.key.clone().into_owned(), read.is_in_query()))
    }

    #[test]
    fn a_key_may_stand_by_itself_in_a_header_of_the_profile() {
        for name in [&b"x-api-key"[..], b"acme-key"] {
            let read = read_with(&[(name, b"sk_test_FAKE")], "");
            assert_eq!(read, Ok(("sk_test_FAKE".to_owned(), false)));
        }
        assert_eq!(
            read_with(&[(b"api-key", b"sk_test_FAKE")], ""),
            Err(CredentialFault::Missing)
        );
    }

    #[test]
    fn a_request_presents_one_credential_in_all() {
        let key = &b"sk_test_FAKE"[..];
        let bearer = &b"Bearer sk_test_FAKE"[..];
        for headers in [
            &[(&b"x-api-key"[..], key), (b"x-api-key", key)][..],
            &[(b"x-api-key", key), (b"acme-key", key)],
            &[(b"x-api-key", key), (b"authorization", bearer)],
            &[(b"authorization", bearer), (b"x_api_key", b"")],
            &[(b"x_api_key", key)],
            &[(b"x-api-key", b"")],
            &[(b"x-api-key", bearer)],
            &[(b"x-api-key", b"sk_test_")],
            &[(b"x-api-key", b"sk_test_FAKE\xff")],
        ] {
            let read = read_with(headers, "");
            assert!(
                matches!(read, Err(CredentialFault::Malformed { .. })),
                "{read:?}"
            );
        }
        let both = read_with(&[(b"x-api-key", key)], "?key=pk_test_FAKE");
        assert_eq!(both, Err(MALFORMED_BY_ITSELF));
    }

    #[test]
    fn debug_shows_no_key() {
        let credential = Credential {
            key: "sk_test_FAKE".into(),
            scheme: Some(Scheme::Bearer),
            is_in_query: false,
        };
        assert_eq!(format!("{credential:?}"), "Credential(Bearer ************)");
    }
}
