//! A raw key pasted by mistake into every possible place of a configuration.

use keyward::configuration::Configuration;
use serde_json::{Value, json};

use crate::fail_closed::{ALICE, STRANGER, Watch, configuration, everywhere, status};
use crate::support::sample;
use crate::support::{Envoy, Host, Push};

/// Pasted as a value and as a member's name.
const LEAKED: &str = "sk_live_FAKE-51-must-never-show";

/// Returns the sample, issued now. If it were older than its `max_snapshot_age`, that would be the
/// reason for every denial.
fn fresh() -> Value {
    let mut full = sample::full();
    let now = crate::support::world::now();
    full["snapshot"]["issued_at"] = json!(now);
    if Host::chosen() == Host::Native {
        // Without a feed, because a configuration that follows one reports that.
        full.as_object_mut().unwrap().remove("feed");
    }
    full
}

/// Returns every configuration that differs from the sample by one paste, with its place.
fn pasted() -> Vec<(String, Value)> {
    let full = fresh();
    let mut places = Vec::new();
    collect(&full, String::new(), &mut places);
    let mut all = Vec::new();
    for place in places {
        let mut value = full.clone();
        *value.pointer_mut(&place).unwrap() = json!(LEAKED);
        all.push((place.clone(), value));
        let mut inside = full.clone();
        match inside.pointer_mut(&place).unwrap() {
            Value::Object(members) => {
                // One with an additional member, and one with a renamed member.
                let mut renamed = full.clone();
                let of = renamed
                    .pointer_mut(&place)
                    .unwrap()
                    .as_object_mut()
                    .unwrap();
                let first = of.keys().next().cloned();
                if let Some(held) = first.and_then(|name| of.remove(&name)) {
                    of.insert(LEAKED.to_owned(), held);
                    all.push((format!("{place}/*"), renamed));
                }
                members.insert(LEAKED.to_owned(), json!("read"));
                all.push((format!("{place}/+"), inside));
            }
            Value::Array(items) => {
                items.push(json!(LEAKED));
                all.push((format!("{place}/+"), inside));
            }
            _ => {}
        }
    }
    all
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{place}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{place}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(place);
}

/// Texts that an operator writes for clients, and members that are ignored. keyward shows the texts
/// unchanged.
const FREE: [&str; 11] = [
    "/filter_state",
    "/profile/links/",
    "/profile/messages/",
    "/profile/prefixes/",
    "/profile/realm",
    "/profile/request_id_prefix",
    "/snapshot/endpoints/0/label",
    "/snapshot/endpoints/2/label",
    "/snapshot/grant_sets/*",
    "/snapshot/keys/0/annotations/",
    "/snapshot/keys/0/annotations",
];

#[test]
fn a_key_is_refused_wherever_it_is_no_text_for_clients() {
    let all = pasted();
    assert!(all.len() > 150, "{}", all.len());
    for (place, value) in all {
        let taken = Configuration::from_json(value.to_string().as_bytes());
        let is_free = FREE
            .iter()
            .any(|free| place == *free || (free.ends_with('/') && place.starts_with(free)));
        match taken {
            Ok(_) => assert!(is_free, "{place} is taken"),
            Err(refusal) => {
                let told = format!("{refusal} {refusal:?}");
                assert!(!told.contains("FAKE"), "{place}: {told}");
            }
        }
    }
}

/// Pushes every place separately, through a real Envoy that continues to serve.
#[test]
fn no_refusal_log_or_stat_shows_it() {
    let start = configuration(1, &[ALICE]).to_string();
    let envoy = Envoy::builder().config(start).wasm_debug().start();
    everywhere(&envoy, ALICE, 200);
    let stranger = Watch::start(envoy.address(), STRANGER);
    let (mut taken, mut refused) = (0, 0);
    for (place, value) in pasted() {
        let text = value.to_string();
        let is_taken = Configuration::from_json(text.as_bytes()).is_ok();
        let push = envoy.push_and_wait(&text);
        let expected = if is_taken {
            Push::Accepted
        } else {
            Push::Rejected
        };
        assert_eq!(push, expected, "{place}");
        if is_taken {
            taken += 1;
        } else {
            refused += 1;
        }
        status(&envoy, ALICE);
    }
    println!("{taken} taken, {refused} refused");
    assert!(taken > 10 && refused > 100, "{taken} {refused}");
    let last = configuration(2_000, &[ALICE]).to_string();
    assert_eq!(envoy.push_and_wait(&last), Push::Accepted);
    everywhere(&envoy, ALICE, 200);
    // The sample is in shadow, but uses another filter state, so the interlock denies what shadow
    // lets pass.
    let answers = stranger.stop();
    assert!(
        answers.keys().all(|it| matches!(it, 401 | 403)),
        "{answers:?}"
    );
    // A configuration is only in Envoy's dump of its last configuration.
    for page in [
        "/stats",
        "/stats/prometheus",
        "/clusters",
        "/listeners",
        "/server_info",
    ] {
        assert!(
            !envoy.admin("GET", page).text().contains("FAKE-51"),
            "{page}"
        );
    }
    assert!(!envoy.logs().contains("FAKE-51"));
    for line in envoy.access_log() {
        assert!(!line.to_string().contains("FAKE-51"), "{line}");
    }
}
