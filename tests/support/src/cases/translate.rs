//! The corpus for another API: every case again, with the names of an API called Acme. Its profile
//! sets keys, headers, ids, links and its own texts. The same rules rewrite what a case expects and
//! what it sends, and the code must come to the same verdict. Acme's account ids are UUIDs without
//! a prefix, so an id that is malformed in Stripe's spelling would be valid there. Such an id gets
//! a character that no id may contain.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::account::{AccountPath, IdKind, IdPrefixes};
use serde_json::{Value, json};

use super::corpus::{self, Api, Case, CaseFile, Expectation, Runner, Text};
use super::words::{KEYS, message, text, with_more_stars};

const ACME: Api = Api {
    realm: "Acme",
    retry_header: "Acme-Should-Retry",
    request_id_prefix: "acme_req_",
};

fn profile() -> Value {
    json!({
        "prefixes": {
            "secret": ["acme_sk_test_", "acme_sk_live_"],
            "restricted": ["acme_rk_test_", "acme_rk_live_"],
            "publishable": ["acme_pk_test_", "acme_pk_live_"],
            "organization": ["acme_org_", "acme_org_test_", "acme_org_live_"],
        },
        "headers": {"version": "Acme-Version", "context": "Acme-Context", "account": "Acme-Account"},
        "ids": {"account": "", "organization": "team_"},
        "realm": ACME.realm,
        "request_id_prefix": ACME.request_id_prefix,
        "retry_header": ACME.retry_header,
        "links": {
            "authentication": "https://acme.example/docs/api#authentication",
            "support": "https://support.acme.example/",
            "api_keys": "https://dashboard.acme.example/account/apikeys",
            "error_codes": "https://acme.example/docs/error-codes",
            "documentation": "https://acme.example/docs",
        },
        "messages": {
            "invalid_version": "Invalid Acme API version: {value}",
            "not_a_platform": "Only Acme Connect platforms can work with other accounts. You can find the account of this API key at {api_keys}.",
        },
    })
}

/// Loads every file of the corpus, translated, without the cases that apply only to Stripe.
pub fn load() -> Vec<CaseFile> {
    corpus::load().into_iter().map(translate).collect()
}

/// Asserts that at least nine of ten cases that `runner` can run were translated and run.
#[track_caller]
pub fn are_most(put: usize, runner: Runner) {
    let all: usize = corpus::load()
        .iter()
        .map(|file| file.cases_for(runner).count())
        .sum();
    assert!(put * 10 >= all * 9, "{put} of {all} cases were put");
}

fn translate(mut file: CaseFile) -> CaseFile {
    file.name.push_str(" (Acme)");
    file.api = ACME;
    for key in corpus::keys_mut(&mut file.configuration) {
        if let Some(raw) = key.remove("key") {
            let raw = corpus::key_text(raw).to_latin1();
            key.insert("key".to_owned(), text(&raw).into());
        }
    }
    translate_value(&mut file.configuration);
    let own = file
        .configuration
        .pointer_mut("/profile/credential_headers");
    let own = own.map(Value::take);
    file.configuration["profile"] = profile();
    if let Some(own) = own {
        file.configuration["profile"]["credential_headers"] = own;
    }
    file.cases.retain(|case| case.stripe_only.is_none());
    file.cases.iter_mut().for_each(translate_case);
    file
}

fn translate_value(value: &mut Value) {
    match value {
        // A value that starts with `acme_` was a key, which is already translated.
        Value::String(string) if !string.starts_with("acme_") => *string = text(string),
        Value::Array(values) => values.iter_mut().for_each(translate_value),
        Value::Object(members) => members.values_mut().for_each(translate_value),
        _ => {}
    }
}

fn translate_case(case: &mut Case) {
    let mut growth = 0;
    let mut spoilt = Vec::new();
    let request = &mut case.request;
    if let Some(path) = &mut request.path {
        *path = translated(path, |path| self::path(path, &mut spoilt));
    }
    for (name, value) in &mut request.headers {
        let before = value.as_bytes().len();
        if folded(name) == "authorization" {
            *value = translated(value, authorization);
            growth += value.as_bytes().len() - before;
        } else if is_spoilt(name, value) {
            spoilt.push(text(name));
        }
        *value = header(name, value);
        *name = text(name);
    }
    request.body = request.body.as_deref().map(text);
    match &mut case.expect {
        Expectation::Allow {
            state, upstream, ..
        } => {
            *state = text(state);
            *upstream = std::mem::take(upstream)
                .into_iter()
                .map(|(name, value)| {
                    (
                        text(&name),
                        value.map(|value| match folded(&name).as_str() {
                            "authorization" => translated(&value, authorization),
                            _ => header(&name, &value),
                        }),
                    )
                })
                .collect();
        }
        Expectation::Deny {
            state,
            headers,
            body,
            ..
        } => {
            *state = text(state);
            *headers = std::mem::take(headers)
                .into_iter()
                .map(|(name, value)| (text(&name), value.as_deref().map(text)))
                .collect();
            for line in body.iter_mut().flatten() {
                *line = with_more_stars(&message(line), growth);
                for name in &spoilt {
                    let named = format!("Invalid {name} header: ").to_lowercase();
                    if line.to_lowercase().contains(&named) {
                        *line = line.replace(". It must be", ":. It must be");
                    }
                }
            }
        }
    }
}

fn translated(value: &Text, translate: impl FnOnce(&str) -> String) -> Text {
    Text::from_latin1(&translate(&value.to_latin1()))
}

/// Returns a header's name as frameworks compare it.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

fn header(name: &str, value: &Text) -> Text {
    match folded(name).as_str() {
        "authorization" => value.clone(),
        _ if is_spoilt(name, value) => translated(value, |value| text(value) + ":"),
        _ => translated(value, text),
    }
}

/// Returns whether a value is malformed only because of its prefixes, and would be valid without
/// them.
fn is_spoilt(name: &str, value: &Text) -> bool {
    let takes = |value: &str, account: &str, organization: &str| {
        let prefixes = IdPrefixes {
            account: account.into(),
            organization: organization.into(),
        };
        AccountPath::parse(value, &prefixes).is_some()
            || prefixes.kind(value) == Some(IdKind::Organization)
    };
    let value = value.to_latin1();
    matches!(folded(name).as_str(), "stripe-context" | "stripe-account")
        && !takes(&value, "acct_", "org_")
        && takes(&text(&value), "", "team_")
}

/// Translates a path with its query. Parameters can replace headers, and a key may be
/// percent-encoded.
fn path(path: &str, spoilt: &mut Vec<String>) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return text(path);
    };
    let mut parameter = |sent: &str| {
        let Some((name, value)) = sent.split_once('=') else {
            return text(sent);
        };
        let value = if name == "_stripe_account" {
            let value = Text::from_latin1(value);
            if is_spoilt("stripe-account", &value) {
                spoilt.push("Acme-Account".to_owned());
            }
            header("stripe-account", &value).to_latin1()
        } else if is_escaped_key(value) {
            format!("acme_{value}")
        } else {
            text(value)
        };
        format!("{}={value}", text(name))
    };
    let query: Vec<_> = query.split('&').map(&mut parameter).collect();
    format!("{}?{}", text(path), query.join("&"))
}

/// Returns whether `value` is a percent-encoded key whose Acme form differs only in its beginning.
fn is_escaped_key(value: &str) -> bool {
    let mut decoded = String::new();
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        let escape = rest.strip_prefix('%').and_then(|digits| digits.get(..2));
        let byte = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.map_or(c, char::from));
        rest = &rest[byte.map_or(c.len_utf8(), |_| 3)..];
    }
    let is_key = |text: &str| {
        KEYS[..6]
            .iter()
            .any(|(stripes, _)| text.starts_with(stripes))
    };
    is_key(&decoded) && !is_key(value)
}

/// Translates Basic credentials after decoding them. A value that does not decode is malformed
/// before and after.
fn authorization(value: &str) -> String {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let encoded = rest.trim_start_matches(' ');
    match STANDARD.decode(encoded) {
        Ok(decoded) if scheme.eq_ignore_ascii_case("basic") => {
            let inside = translated(
                &Text::from_latin1(&decoded.iter().copied().map(char::from).collect::<String>()),
                text,
            );
            let spaces = " ".repeat(1 + rest.len() - encoded.len());
            format!("{scheme}{spaces}{}", STANDARD.encode(inside.as_bytes()))
        }
        _ => text(value),
    }
}

#[test]
fn nothing_in_a_translated_case_is_stripes() {
    for file in load() {
        let configuration = file.configuration.to_string();
        let cases = file.cases.iter().map(|case| {
            let spoken = (&case.request.headers, &case.expect);
            (case.description.clone(), format!("{spoken:?}"))
        });
        for (place, text) in cases.chain([("configuration".to_owned(), configuration)]) {
            assert!(
                !text.to_lowercase().contains("stripe"),
                "{}: {place}: {text}",
                file.name
            );
        }
    }
}
