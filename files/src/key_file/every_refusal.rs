//! Every refusal of a configuration, where reading it stops at the first: what was refused is mended or left out, and the rest is read again, until nothing is refused. So the
//! rules are those of the gateway, and are written once.

use serde_json::{Value as Json, json};

use keyward::configuration::Configuration;
use keyward::refusal::Refusal;

/// Who has more to mend than this reads no further.
const MOST: usize = 100;

/// All refusals of a plugin configuration, at most 100, in the order in which reading meets them. What hangs on a refused account is not refused again.
#[must_use]
pub fn every_refusal(configuration: &Json) -> Vec<Refusal> {
    let mut trial = Trial {
        configuration: configuration.clone(),
        numbers: ["accounts", "endpoints", "keys"].map(|name| {
            let listed = configuration.pointer(&format!("/snapshot/{name}"));
            (0..listed.and_then(Json::as_array).map_or(0, Vec::len)).collect()
        }),
    };
    let mut refusals = Vec::new();
    while refusals.len() < MOST {
        let text = trial.configuration.to_string();
        let Err(refusal) = Configuration::from_json(text.as_bytes()) else {
            break;
        };
        let (place, is_mended) = trial.mend(&refusal.place);
        refusals.push(Refusal { place, ..refusal });
        if !is_mended {
            break;
        }
    }
    refusals
}

/// What is left of the configuration.
struct Trial {
    configuration: Json,
    /// For `accounts`, `endpoints` and `keys`: which element of the original each one is.
    numbers: [Vec<usize>; 3],
}

impl Trial {
    /// Takes what stands at `place` out of the way. Says the place in the original, and whether anything could be done.
    fn mend(&mut self, place: &str) -> (String, bool) {
        let as_it_is = place.to_owned();
        let Some(inner) = place.strip_prefix("snapshot.") else {
            let member = place.split(['.', '[']).next().unwrap_or_default();
            let settings = self.configuration.as_object_mut();
            let is_mended = member != "snapshot"
                && settings.is_some_and(|settings| settings.remove(member).is_some());
            return (as_it_is, is_mended);
        };
        let element = inner.split_once('[').and_then(|(name, rest)| {
            let (index, rest) = rest.split_once(']')?;
            Some((name, index.parse::<usize>().ok()?, rest))
        });
        let Some(snapshot) = self.configuration.get_mut("snapshot") else {
            return (as_it_is, false);
        };
        let (slot, name, index, rest) = match element {
            Some((name @ "accounts", index, rest)) => (0, name, index, rest),
            Some((name @ "endpoints", index, rest)) => (1, name, index, rest),
            Some((name @ "keys", index, rest)) => (2, name, index, rest),
            _ => return mend_member(snapshot, inner),
        };
        let Some(numbers) = self.numbers.get_mut(slot) else {
            return (as_it_is, false);
        };
        let number = numbers.get(index).copied().unwrap_or(index);
        let shown = format!("snapshot.{name}[{number}]{rest}");
        let is_mended = match name {
            "accounts" if rest == ".parent" => forget_parent(snapshot, index),
            "endpoints" if stand_in(snapshot, index, number) => true,
            _ => {
                let removed = remove(snapshot, name, index);
                if index < numbers.len() {
                    numbers.remove(index);
                }
                if let (Some(removed), "accounts") = (&removed, name) {
                    self.forget_account(removed);
                }
                removed.is_some()
            }
        };
        self.allow_no_keys();
        (shown, is_mended)
    }

    /// Nobody hangs on a removed account: neither children nor keys.
    fn forget_account(&mut self, removed: &Json) {
        let Some(snapshot) = self.configuration.get_mut("snapshot") else {
            return;
        };
        let id = removed.get("id");
        let accounts = snapshot.get_mut("accounts").and_then(Json::as_array_mut);
        let accounts = accounts.map_or(&mut [][..], Vec::as_mut_slice);
        let is_still_there = accounts.iter().any(|account| account.get("id") == id);
        if id.is_none() || is_still_there {
            return;
        }
        for account in accounts {
            if account.get("parent") == id
                && let Some(members) = account.as_object_mut()
            {
                members.remove("parent");
            }
        }
        let keys = snapshot.get_mut("keys").and_then(Json::as_array_mut);
        if let (Some(keys), Some(numbers)) = (keys, self.numbers.last_mut()) {
            let kept: Vec<bool> = keys.iter().map(|key| key.get("owner") != id).collect();
            retain(keys, &kept);
            retain(numbers, &kept);
        }
    }

    /// A snapshot from which the last key was taken is not refused for having none.
    fn allow_no_keys(&mut self) {
        if self.numbers.last().is_some_and(Vec::is_empty)
            && let Some(snapshot) = self.configuration.get_mut("snapshot")
            && let Some(members) = snapshot.as_object_mut()
        {
            members.insert("empty".to_owned(), json!(true));
        }
    }
}

fn element<'a>(snapshot: &'a mut Json, name: &str, index: usize) -> Option<&'a mut Json> {
    snapshot.get_mut(name)?.as_array_mut()?.get_mut(index)
}

fn remove(snapshot: &mut Json, name: &str, index: usize) -> Option<Json> {
    let list = snapshot.get_mut(name)?.as_array_mut()?;
    (index < list.len()).then(|| list.remove(index))
}

fn forget_parent(snapshot: &mut Json, index: usize) -> bool {
    element(snapshot, "accounts", index)
        .and_then(Json::as_object_mut)
        .is_some_and(|account| account.remove("parent").is_some())
}

/// Puts a good endpoint in the place of a refused one, so that its permissions stay known. Not twice.
fn stand_in(snapshot: &mut Json, index: usize, number: usize) -> bool {
    let path = format!("/keyward-stands-in/{number}");
    let Some(endpoint) = element(snapshot, "endpoints", index) else {
        return false;
    };
    let named = endpoint
        .get("any_of")
        .cloned()
        .or_else(|| endpoint.get("permission").map(|name| json!([name])));
    match named {
        Some(named) if endpoint.get("path") != Some(&json!(path)) => {
            *endpoint = json!({"method": "GET", "path": path, "any_of": named});
            true
        }
        _ => false,
    }
}

/// Mends a member of the snapshot that is no element of a long list.
fn mend_member(snapshot: &mut Json, inner: &str) -> (String, bool) {
    let member = inner.split(['.', '[']).next().unwrap_or_default();
    let shown = format!("snapshot.{inner}");
    if member == "grant_sets" {
        return mend_grant_sets(snapshot, inner);
    }
    let Some(members) = snapshot.as_object_mut() else {
        return (shown, false);
    };
    let good = match member {
        "format" => Some(json!(keyward::snapshot::FORMAT)),
        "revision" | "issued_at" => Some(json!(0)),
        "empty" => Some(json!(members.get("keys").is_none())),
        _ => None,
    };
    let is_mended = match good {
        Some(good) => members.insert(member.to_owned(), good.clone()) != Some(good),
        None => members.remove(member).is_some(),
    };
    (shown, is_mended)
}

/// Finds the grant set that is refused, and empties it.
fn mend_grant_sets(snapshot: &mut Json, inner: &str) -> (String, bool) {
    let as_it_is = (format!("snapshot.{inner}"), false);
    let mut alone = snapshot.clone();
    for name in ["accounts", "keys"] {
        alone.as_object_mut().and_then(|alone| alone.remove(name));
    }
    let sets = snapshot.get_mut("grant_sets").and_then(Json::as_object_mut);
    let (Some(sets), Some(members)) = (sets, alone.as_object_mut()) else {
        return as_it_is;
    };
    members.insert("empty".to_owned(), json!(true));
    for (name, set) in sets.iter_mut() {
        members.insert("grant_sets".to_owned(), json!({name: &*set}));
        let text = json!({"snapshot": members}).to_string();
        if Configuration::from_json(text.as_bytes()).is_err() && *set != json!({}) {
            *set = json!({});
            let rest = inner.strip_prefix("grant_sets.*").unwrap_or_default();
            let name = super::fields::shown(name);
            return (format!("snapshot.grant_sets.{name}{rest}"), true);
        }
    }
    as_it_is
}

fn retain<T>(list: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    list.retain(|_| kept.next().copied().unwrap_or(true));
}
