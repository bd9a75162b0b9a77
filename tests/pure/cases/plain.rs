//! Runs the corpus with the `plain` preset against the library: no reply names Stripe.

use std::collections::BTreeSet;

use keyward::configuration::Configuration;
use keyward::decision::Denial;
use keyward::reason::DenyReason;
use keyward::reply::{Reply, RequestId};
use serde_json::json;

use super::corpus::{self, Request, Runner};
use super::library;
use super::outcome::End;
use super::sent::NOW;

const HEADERS: [(&str, &str); 3] = [
    ("stripe-version", "api-version"),
    ("stripe-context", "account-context"),
    ("stripe-account", "account-id"),
];

/// Renames the request's headers as the preset names them. Returns whether no name of Stripe's is
/// left.
fn renamed(request: &mut Request) -> bool {
    for (name, _) in &mut request.headers {
        let folded = name.to_ascii_lowercase().replace('_', "-");
        if let Some((_, plain)) = HEADERS.iter().find(|(stripes, _)| **stripes == *folded) {
            let is_folded = name.contains('_');
            *name = if is_folded {
                plain.replace('-', "_")
            } else {
                (*plain).to_owned()
            };
        }
    }
    let path = request.path.as_ref().map(|path| path.to_latin1());
    let mut sent = request.headers.iter().map(|(name, _)| name.as_str());
    let names_stripe = |text: &str| text.to_lowercase().contains("stripe");
    !sent.any(names_stripe) && !path.as_deref().is_some_and(names_stripe)
}

#[test]
fn no_reply_of_the_plain_preset_names_stripe() {
    let mut denied = BTreeSet::new();
    for mut file in corpus::load() {
        let mut profile = json!({"preset": "plain"});
        if let Some(own) = file.configuration.pointer("/profile/credential_headers") {
            profile["credential_headers"] = own.clone();
        }
        file.configuration["profile"] = profile;
        let configuration = Configuration::from_json(file.configuration(NOW).as_bytes()).unwrap();
        for case in &mut file.cases {
            if !renamed(&mut case.request) {
                continue;
            }
            if !case.runs_on(Runner::Library) {
                continue;
            }
            let place = format!("{}: {}", file.name, case.description);
            let outcome = library::run(&configuration, case).unwrap();
            assert_eq!(
                outcome.state.as_deref(),
                Some(case.expect.state()),
                "{place}"
            );
            if let End::Reply { headers, body, .. } = outcome.end {
                assert_names_nobody(&headers, &body.unwrap(), &place);
                denied.extend(case.expect.reason().map(str::to_owned));
            }
        }
    }
    let configuration = Configuration::from_json(br#"{"profile": {"preset": "plain"}}"#).unwrap();
    for reason in DenyReason::all() {
        let reply = Reply::new(&configuration, &Denial::unread(reason), RequestId::new(0));
        assert_names_nobody(&reply.headers, &reply.body, reason.name());
        let is_seen = denied.contains(reason.name()) || reason == DenyReason::HostFailure;
        assert!(is_seen, "no case is denied with {}", reason.name());
    }
}

#[track_caller]
fn assert_names_nobody(headers: &[(String, String)], body: &str, place: &str) {
    let shown = headers
        .iter()
        .filter(|(name, _)| name != "X-Keyward-Denied")
        .map(|(name, value)| format!("{name}: {value}\n"));
    let reply = shown.collect::<String>() + body;
    assert!(!reply.to_lowercase().contains("stripe"), "{place}: {reply}");
}
