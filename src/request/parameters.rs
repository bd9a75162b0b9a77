//! Finds the query parameters that keyward reads, and those that only some servers read as one of
//! them.

use std::borrow::Cow;

use super::Field;
use crate::key::KeyKind;
use crate::parameter;
use crate::profile::Profile;
use crate::query;
use crate::spelling::Spelling;

/// All parameters of a query that have a meaning.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    /// The values of `key`, decoded.
    pub(super) keys: Vec<Cow<'a, [u8]>>,
    /// Whether a name that only some servers read as `key` has a key as its value.
    pub(super) has_unclear_key: bool,
    /// Whether either of these is a key that is not public.
    pub(super) exposes_secret: bool,
    pub(super) version: Field<'a>,
    pub(super) account: Field<'a>,
    /// Whether a parameter names another method or path.
    pub(super) is_override: bool,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(profile: &Profile, query: &'a [u8]) -> Self {
        let mut all = Self::default();
        for sent in query.split(|byte| *byte == b'&') {
            all.add(profile, sent);
        }
        all
    }

    /// Reads a parameter, as sent. A name that only some servers read as one of keyward's counts
    /// like a folded header.
    fn add(&mut self, profile: &Profile, sent: &'a [u8]) {
        let names = profile.names();
        let (name, value) = parameter::split(sent);
        let name = query::decoded(name);
        let is = |ours: &str| *name == *ours.as_bytes();
        let is_clear = if is(query::KEY) {
            let key = query::decoded(value);
            self.exposes_secret |= is_secret(profile, &key);
            self.keys.push(key);
            true
        } else if is(&names.version_parameter) {
            self.version.push(value, Spelling::Exact);
            true
        } else if is(&names.account_parameter) {
            self.account.push(value, Spelling::Exact);
            true
        } else {
            false
        };
        let (mut is_version, mut is_account) = (false, false);
        parameter::each_name(sent, &mut |name| {
            self.is_override |= query::OVERRIDES.iter().any(|word| name.is(word));
            if is_clear {
                return;
            }
            is_version |= name.is(&names.version_parameter);
            is_account |= name.is(&names.account_parameter);
            // Only with a value that begins like a key. With any other value, `key[]` and similar
            // names are parameters of the API.
            if let Some(value) = name.value().filter(|_| name.is(query::KEY)) {
                let value = query::decoded(value);
                self.has_unclear_key |= profile.is_like_a_key(&value);
                self.exposes_secret |= is_secret(profile, &value);
            }
        });
        if is_version {
            self.version.push(sent, Spelling::Folded);
        }
        if is_account {
            self.account.push(sent, Spelling::Folded);
        }
    }
}

/// Returns whether a value is a key that is not public. A prefix with nothing after it reveals
/// nothing.
fn is_secret(profile: &Profile, key: &[u8]) -> bool {
    let is_public =
        |key: &[u8]| profile.is_key_of_kind(&String::from_utf8_lossy(key), KeyKind::Publishable);
    profile.is_like_a_key(key) && !is_public(key) && !profile.known_prefixes().contains(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Value;

    /// Returns the keys, and then everything else that was found, with `~` before what is unclear.
    fn found(query: &str) -> Vec<String> {
        let profile = Profile::stripe();
        let found = Parameters::read(&profile, query.as_bytes());
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let mut all: Vec<String> = found.keys.iter().map(|key| text(key)).collect();
        all.extend(found.has_unclear_key.then(|| "~key".to_owned()));
        for (name, field) in [("version", &found.version), ("account", &found.account)] {
            match field.value() {
                Value::Absent => {}
                Value::Text(text) => all.push(format!("{name} {text}")),
                Value::Malformed => all.push(format!("~{name} {}", text(&field.joined()))),
            }
        }
        all.extend(found.is_override.then(|| "override".to_owned()));
        all
    }

    #[test]
    fn a_key_is_found_in_any_encoding() {
        for query in [
            "key=pk_test_x",
            "a=b&key=pk_test_x&c",
            "k%65y=pk%5ftest_x",
            "&&key=pk_test_x",
        ] {
            assert_eq!(found(query), ["pk_test_x"], "{query}");
        }
        assert_eq!(found("key=a&k%65y=pk_test_x"), ["a", "pk_test_x"]);
        assert_eq!(found("key=pk_test_x&key="), ["pk_test_x", ""]);
        assert_eq!(found("key=color"), ["color"]);
    }

    #[test]
    fn a_key_under_a_name_that_some_server_reads_as_key_is_unclear() {
        for query in [
            "KEY=pk_test_x",
            "key[]=pk_test_x",
            "key%5B0%5D=pk_test_x",
            "+key=pk%5Ftest_x",
            "key%00a=pk_test_x",
            "[key]=pk_test_x",
            "a=1;key=pk_test_x",
        ] {
            assert_eq!(found(query), ["~key"], "{query}");
        }
        for query in [
            "KEY=color",
            "key[]=color",
            "lookup_key=pk_test_x",
            "metadata[key]=pk_test_x",
            "return_url=https://shop.example/?key=pk_test_x",
        ] {
            assert_eq!(found(query), [""; 0], "{query}");
        }
    }

    #[test]
    fn a_version_and_an_account_are_clear_in_one_spelling() {
        assert_eq!(found("_stripe_account=acct_1"), ["account acct_1"]);
        assert_eq!(found("%5fstripe_version=x"), ["version x"]);
        assert_eq!(
            found("_stripe.account=acct_1"),
            ["~account _stripe.account=acct_1"]
        );
        assert_eq!(
            found("a=1;_stripe_version"),
            ["~version a=1;_stripe_version"]
        );
        assert_eq!(found("stripe_account=acct_1&_stripe_accounts"), [""; 0]);
    }

    #[test]
    fn another_method_or_path_is_found_in_every_spelling() {
        for query in [
            "_method=DELETE",
            "_METHOD",
            "+_method=x",
            ".method=x",
            "_method[]=x",
            "%255Fmethod=x",
            "a=1;_method=x",
            "__method=x",
            "_method_override=x",
            "X-HTTP-Method-Override=x",
            "x_http_method_override=x",
            "x-tunneled-method=x",
            "_url=/v1/charges",
            "rest_route=/v1/charges",
        ] {
            assert_eq!(found(query), ["override"], "{query}");
        }
        for query in [
            "method=DELETE",
            "payment_method=pm_1",
            "payment_method_types[]=card",
            "metadata[_method]=x",
            "success_url=https://shop.example/?method=x",
            "url=/v1/charges",
            "route=x",
            "q=x&r=y",
        ] {
            assert_eq!(found(query), [""; 0], "{query}");
        }
    }
}
