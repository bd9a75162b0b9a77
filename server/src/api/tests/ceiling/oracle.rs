//! What keys may do according to the API's answers, and what must hold after a request.

use std::collections::{BTreeMap, BTreeSet};

use keyward::management::Granted;
use serde_json::{Value, json};

use super::World;
use crate::time;

/// Everything that a key may do, on its own account and on connected ones. `None` means everything.
type Reach2 = [Option<BTreeSet<String>>; 2];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) owner: String,
    kind: String,
    is_live: bool,
    is_ended: bool,
    may: Reach2,
    sets: [Option<String>; 2],
    expires: Option<u64>,
    ips: Vec<String>,
}

impl World {
    /// Returns permissions with everything that they imply, and with read for each write.
    fn whole(&self, names: &Value) -> Option<BTreeSet<String>> {
        let names = names.as_array()?;
        let mut whole = BTreeSet::new();
        let mut add = |name: &str, level: &str| {
            whole.insert(format!("{name}_read"));
            whole.insert(format!("{name}_{level}"));
        };
        for name in names {
            let (name, level) = name.as_str().unwrap().rsplit_once('_').unwrap();
            add(name, level);
            for implied in self.implied.get(name).into_iter().flatten() {
                add(implied, "read");
            }
        }
        Some(whole)
    }

    pub(super) async fn keys(&self) -> BTreeMap<String, Seen> {
        let mut all = BTreeMap::new();
        let mut path = "/v2/iam/api_keys?limit=100&include_expired=true".to_owned();
        loop {
            let list = self.desk.good("GET", &path, &Value::Null, None).await;
            for key in list["data"].as_array().unwrap() {
                let mine = &key["keyward"];
                let text = |value: &Value| value.as_str().map(str::to_owned);
                // A key in shadow may do anything.
                let may = if mine["enforcement"] == "shadow" {
                    [None, None]
                } else {
                    [
                        self.whole(&key["permissions"]),
                        self.whole(&key["connect_permissions"]),
                    ]
                };
                let seen = Seen {
                    owner: text(&mine["owner"]).unwrap(),
                    kind: text(&mine["kind"]).unwrap(),
                    is_live: key["livemode"] == true,
                    is_ended: mine["state"] == "expired" || mine["state"] == "deleted",
                    may,
                    sets: [text(&mine["grant_set"]), text(&mine["connect_grant_set"])],
                    expires: key["expires_at"].as_str().map(|at| time::read(at).unwrap()),
                    ips: key["ip_allowlist"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|ip| text(ip).unwrap())
                        .collect(),
                };
                all.insert(text(&key["id"]).unwrap(), seen);
            }
            match list["next_page_url"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => return all,
            }
        }
    }

    /// Checks after a request that each key which gained permissions has only what its account's
    /// policy allows at that time.
    pub(super) async fn holds(
        &self,
        what: &str,
        given: &Granted,
        before: &BTreeMap<String, Seen>,
        after: &BTreeMap<String, Seen>,
    ) -> usize {
        let mut widened = 0;
        for (id, key) in after {
            let was = before.get(id);
            if was == Some(key) {
                continue;
            }
            let policy = self
                .desk
                .good(
                    "GET",
                    &format!("/v2/keyward/accounts/{}/policy", key.owner),
                    &Value::Null,
                    None,
                )
                .await;
            let says = |holds: bool, why: &str| {
                assert!(holds, "{why}: {what}\n{id}: {was:?}\n{key:?}\n{policy}")
            };
            let is_back = was.is_some_and(|was| was.is_ended && !key.is_ended);
            for (side, member) in ["permissions", "connect_permissions"]
                .into_iter()
                .enumerate()
            {
                let had = was.map(|was| &was.may[side]);
                let gained = match (had, &key.may[side]) {
                    (Some(None), _) => Some(BTreeSet::new()),
                    (_, None) => None,
                    (Some(Some(had)), Some(has)) => Some(has.difference(had).cloned().collect()),
                    (None, Some(has)) => Some(has.clone()),
                };
                let sets = &policy["grant_sets"];
                let is_offered = key.sets[side]
                    .as_ref()
                    .is_some_and(|set| sets.as_array().unwrap().contains(&json!(set)));
                match gained {
                    // Such as a restricted key in shadow, if the policy allows a secret key.
                    None => says(
                        policy[member].is_null()
                            && policy["kinds"]
                                .as_array()
                                .unwrap()
                                .contains(&json!("secret"))
                            && (key.kind != "restricted" || policy["free_choice"] == true),
                        "everything",
                    ),
                    Some(gained) if gained.is_empty() => {}
                    Some(gained) => {
                        widened += 1;
                        let is_managing = gained.iter().any(|name| {
                            name.starts_with("api_key")
                                || name.starts_with("management")
                                || name.starts_with("key_policy")
                        });
                        says(!is_managing, "a key that manages keys");
                        let allowed = self.whole(&policy[member]);
                        let is_within = allowed.is_none_or(|allowed| gained.is_subset(&allowed));
                        let is_of_set = is_offered && {
                            // Only callers that may hand out what is added to a set can change it.
                            let given: Vec<String> = given
                                .iter()
                                .map(|(name, level)| format!("{name}_{}", level.name()))
                                .collect();
                            !what.starts_with("set ")
                                || gained.is_subset(&self.whole(&json!(given)).unwrap())
                        };
                        says(is_within || is_of_set, "more than the policy");
                        let is_chosen = key.sets[side].is_none() || !is_offered;
                        says(
                            policy["free_choice"] == true || !is_chosen || what.starts_with("set "),
                            "chosen freely",
                        );
                    }
                }
            }
            let longest = policy["max_lifetime"].as_str().and_then(crate::span::read);
            let is_later = was.is_none_or(|was| {
                was.expires.is_some() && key.expires.is_none_or(|end| end > was.expires.unwrap())
            });
            if let (true, Some(longest), false) = (is_later, longest, key.is_ended) {
                says(
                    key.expires.is_some_and(|end| end <= time::now() + longest),
                    "a longer life",
                );
            }
            let mode = if key.is_live { "live" } else { "test" };
            let had_ips = was.is_some_and(|was| was.ips.is_empty());
            if policy["require_ip_allowlist"][mode] == true && !had_ips && !key.is_ended {
                says(
                    !key.ips.is_empty() || was.is_some_and(|was| was.ips.is_empty()),
                    "from everywhere",
                );
            }
            if was.is_none() {
                says(
                    policy["kinds"]
                        .as_array()
                        .unwrap()
                        .contains(&json!(key.kind)),
                    "a kind",
                );
                says(
                    policy["modes"].as_array().unwrap().contains(&json!(mode)),
                    "a mode",
                );
                if !what.starts_with("rotate")
                    && let Some(most) = policy["max_keys"].as_u64()
                {
                    says(policy["keys"][mode].as_u64().unwrap() <= most, "too many");
                }
            }
            widened += usize::from(is_back);
        }
        widened
    }
}
