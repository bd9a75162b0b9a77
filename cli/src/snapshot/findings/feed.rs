//! Checks a feed's settings for valid values that make a gateway deny sooner or later than
//! intended. `keyward doctor` checks Envoy's cluster.

use super::Finding;
use keyward::configuration::Configuration;
use keyward::refusal::Place;

/// The maximum age that is plausible. If the source stops, a revoked key continues to work for this
/// long.
const LONGEST_AGE: u64 = 7 * 86_400;

/// The maximum number of seconds after which a gateway asks again if a poll failed.
const LONGEST_PAUSE: u64 = 31;

/// The maximum wait if a proxy in between limits calls to 60 s. A call takes up to 10 s longer than
/// the wait.
const LONGEST_WAIT: u64 = 50;

/// Returns the findings about a configuration's feed, if it has one.
pub(in crate::snapshot) fn check(configuration: &Configuration, now: u64) -> Vec<Finding> {
    let settings = configuration.settings();
    let Some(feed) = &settings.feed else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let of_feed = |member| Place::member("feed").then(member);
    // A feed without a maximum age is rejected.
    let age = settings.max_snapshot_age.unwrap_or(0);
    if age > LONGEST_AGE {
        findings.push(Finding::warning(
            Place::member("max_snapshot_age"),
            format!(
                "a source that stops is believed for {} days, with every key that is revoked meanwhile; 24 hours are usual",
                age / 86_400
            ),
        ));
    }
    let least = feed
        .interval
        .saturating_add(LONGEST_PAUSE)
        .saturating_mul(2);
    if age < least {
        findings.push(Finding::warning(
            Place::member("max_snapshot_age"),
            format!("one poll that fails may make the gateway deny: it asks again after up to {LONGEST_PAUSE} s; expected at least {least} s"),
        ));
    }
    if feed.wait > LONGEST_WAIT {
        findings.push(Finding::note(
            of_feed("wait"),
            "many proxies and load balancers end a call after 60 s, and a call for the head may take 10 s more than this".to_owned(),
        ));
    }
    if feed.serve_seed {
        findings.extend(seed(configuration, age, now));
    }
    findings
}

/// Checks a seed that should be served but will not be.
fn seed(configuration: &Configuration, age: u64, now: u64) -> Option<Finding> {
    let place = Place::member("feed").then("serve_seed");
    let feed = configuration.settings().feed.as_ref()?;
    let Some(seed) = configuration.snapshot() else {
        let text = "there is no `snapshot` that could serve before the first head";
        return Some(Finding::warning(place, text.to_owned()));
    };
    if feed
        .min_revision
        .is_some_and(|least| seed.revision() < least)
    {
        let text = "the snapshot is below `min_revision`, so it does not serve";
        return Some(Finding::warning(place, text.to_owned()));
    }
    let end = seed.issued_at().saturating_add(age);
    (end <= now).then(|| {
        let text = "the snapshot is older than `max_snapshot_age`, so it does not serve";
        Finding::warning(place, text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut written = json!({"max_snapshot_age": 86_400, "feed": {"name": "prod", "cluster": "c", "authority": "feed.test",
            "public_keys": ["RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"]}});
        change(&mut written);
        let configuration = Configuration::from_json(written.to_string().as_bytes()).unwrap();
        let findings = check(&configuration, 1_000_000);
        findings
            .iter()
            .map(|found| {
                found.json()["place"].as_str().unwrap().to_owned()
                    + ": "
                    + found.json()["text"].as_str().unwrap()
            })
            .collect()
    }

    fn seeded(written: &mut Value, issued_at: u64) {
        written["feed"]["serve_seed"] = json!(true);
        written["snapshot"] = json!({"format": "keyward.snapshot/v1", "revision": 7, "issued_at": issued_at, "keys": [], "empty": true});
    }

    #[test]
    fn what_a_gateway_would_deny_by_is_found_with_its_place() {
        assert_eq!(found(|_| ()), [""; 0]);
        assert_eq!(found(|it| seeded(it, 999_999)), [""; 0]);
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 6] = [
            (
                |it| it["max_snapshot_age"] = json!(700_000),
                "max_snapshot_age: a source that stops is believed for 8 days",
            ),
            (
                |it| it["max_snapshot_age"] = json!(60),
                "max_snapshot_age: one poll that fails may make the gateway deny",
            ),
            (
                |it| it["feed"]["wait"] = json!(55),
                "feed.wait: many proxies",
            ),
            (
                |it| it["feed"]["serve_seed"] = json!(true),
                "feed.serve_seed: there is no `snapshot`",
            ),
            (
                |it| seeded(it, 1),
                "feed.serve_seed: the snapshot is older than `max_snapshot_age`",
            ),
            (
                |it| {
                    seeded(it, 999_999);
                    it["feed"]["min_revision"] = json!(8);
                },
                "feed.serve_seed: the snapshot is below `min_revision`",
            ),
        ];
        for (change, expected) in cases {
            let found = found(change);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{expected}: {found:?}"
            );
        }
    }
}
