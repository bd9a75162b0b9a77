//! Finds all faults of a plugin configuration, for the person who fixes them. Reading continues
//! where a gateway would stop. Parts that do not have the form of a configuration are removed from
//! the text one by one. The gateway's own code then checks the rest, and reports faults to a sink
//! that does not stop.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Configuration, wire};
use crate::id::is_id;
use crate::json::{from_json, read};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal, Segment, Sink};
use crate::snapshot::FORMAT;
use crate::wire::{Members, Object, Text};

/// The maximum number of faults. More would not help anyone who has that many to fix.
const MOST: usize = 100;

const SNAPSHOT: &str = "snapshot";
const GRANT_SETS: &str = "grant_sets";
const ACCOUNTS: &str = "accounts";
const ENDPOINTS: &str = "endpoints";
const KEYS: &str = "keys";

/// The lists that are read element by element.
const LISTS: [&str; 3] = [ACCOUNTS, ENDPOINTS, KEYS];

/// The members that every snapshot has.
const REQUIRED: [&str; 3] = ["format", "revision", "issued_at"];

/// Returns all faults of a plugin configuration in JSON, at most 100: first those of its form, then
/// those of its content. Each setting, account, endpoint, grant set or key has only its first fault
/// reported, and nothing that depends on a rejected account is reported separately.
#[must_use]
pub fn faults(json: &[u8]) -> Vec<Refusal> {
    let mut every = Every::default();
    // A fault that ends the reading is also in `faults`.
    let _: Result<Configuration, Refusal> = every.read(json);
    every.faults
}

/// A sink that collects every fault.
#[derive(Default)]
struct Every {
    faults: Vec<Refusal>,
    /// For each of [`LISTS`], the original number of each remaining element.
    numbers: [Vec<usize>; 3],
    left_out: HashSet<String>,
}

impl Sink for Every {
    fn fault(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        let place = self.in_text(&refusal.place);
        self.push(Refusal { place, ..refusal })
    }

    fn name(&self, name: &str) -> Cow<'static, str> {
        shown(name)
    }

    fn is_left_out(&self, account: &str) -> bool {
        self.left_out.contains(account)
    }

    fn leave_out(&mut self, account: &str) {
        self.left_out.insert(account.to_owned());
    }
}

type RawMembers<'a> = Members<Text<'a>, &'a RawValue>;

/// The members of an object that remain, as unchanged text.
#[derive(Default)]
struct Kept(Vec<(String, String)>);

impl Kept {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(of, _)| of == name)
    }

    fn text(&self) -> String {
        let members = self.0.iter();
        object(members.map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

impl Every {
    fn push(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        self.faults.push(refusal.clone());
        if self.faults.len() < MOST {
            Ok(())
        } else {
            Err(refusal)
        }
    }

    /// Converts a place in the remaining text to a place in the original text.
    fn in_text(&self, place: &Place) -> Place {
        let mut segments = place.segments().to_vec();
        if let [
            Segment::Member(of),
            Segment::Member(list),
            Segment::Index(index),
            ..,
        ] = segments.as_mut_slice()
            && of == SNAPSHOT
            && let Some(numbers) = list_of(list).and_then(|list| self.numbers.get(list))
            && let Some(number) = numbers.get(*index)
        {
            *index = *number;
        }
        Place::from(&*segments)
    }

    fn read(&mut self, json: &[u8]) -> Result<Configuration, Refusal> {
        let members: RawMembers<'_> = match from_json(json) {
            Ok(members) => members,
            Err(refusal) => {
                self.push(refusal.clone())?;
                return Err(refusal);
            }
        };
        let mut kept = Kept::default();
        for (Text(name), value) in &members.0 {
            let value = match raw_members(value) {
                Some(snapshot) if name == SNAPSHOT => self.snapshot(&snapshot)?,
                _ => value.get().to_owned(),
            };
            let form = has_form(&object([(&**name, &*value)]));
            self.keep(&mut kept, name, value, &Place::default(), form)?;
        }
        let whole = kept.text();
        Configuration::from_wire(from_json(whole.as_bytes())?, self)
    }

    /// Keeps a member if its form is valid and the object does not have it yet.
    fn keep(
        &mut self,
        kept: &mut Kept,
        name: &str,
        value: String,
        place: &Place,
        form: Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        match form {
            Err(refusal) => self.push(refusal),
            Ok(()) if kept.has(name) => {
                self.push(place.then(name.to_owned()).refused(DUPLICATE_MEMBER))
            }
            Ok(()) => {
                kept.0.push((name.to_owned(), value));
                Ok(())
            }
        }
    }

    /// Returns the parts that have the form of a snapshot.
    fn snapshot(&mut self, members: &RawMembers<'_>) -> Result<String, Refusal> {
        let place = Place::member(SNAPSHOT);
        let mut kept = Kept::default();
        let mut has_keys = false;
        for (Text(name), value) in &members.0 {
            let is_new = !kept.has(name);
            let value = match (list_of(name), elements(value), raw_members(value)) {
                (Some(list), Some(elements), _) if is_new => {
                    has_keys |= name == KEYS && !elements.is_empty();
                    self.list(name, list, &elements)?
                }
                (_, _, Some(sets)) if is_new && name == GRANT_SETS => self.grant_sets(&sets)?,
                (_, _, _) => value.get().to_owned(),
            };
            self.keep(
                &mut kept,
                name,
                value.clone(),
                &place,
                has_place(name, &value),
            )?;
        }
        for name in REQUIRED.iter().filter(|name| members.get(name).is_none()) {
            self.push(place.refused(format!("missing member `{name}`")))?;
        }
        let good = good().into_iter().filter(|(name, _)| !kept.has(name));
        let good: Vec<(String, String)> = good.collect();
        kept.0.extend(good);
        if has_keys && self.numbers.last().is_some_and(Vec::is_empty) {
            // Prevents a second fault for having no keys.
            kept.0.retain(|(name, _)| name != "empty");
            kept.0.push(("empty".to_owned(), "true".to_owned()));
        }
        Ok(kept.text())
    }

    /// Returns the elements of a list whose form is valid.
    fn list(&mut self, name: &str, list: usize, elements: &[&RawValue]) -> Result<String, Refusal> {
        let mut kept: Vec<Cow<'_, str>> = Vec::with_capacity(elements.len());
        let mut refused = Vec::new();
        for (number, element) in elements.iter().enumerate() {
            let element = match has_place(name, &format!("[{}]", element.get())) {
                Ok(()) => Some(Cow::Borrowed(element.get())),
                Err(refusal) => {
                    let place = at_number(&refusal.place, number);
                    self.push(Refusal { place, ..refusal })?;
                    refused.push(id_of(element));
                    let is_endpoint = name == ENDPOINTS;
                    is_endpoint
                        .then(|| stand_in(number, element))
                        .map(Cow::Owned)
                }
            };
            if let (Some(element), Some(numbers)) = (element, self.numbers.get_mut(list)) {
                kept.push(element);
                numbers.push(number);
            }
        }
        if name == ACCOUNTS {
            let kept: HashSet<String> = kept.iter().filter_map(|kept| id_in(kept)).collect();
            let refused = refused.into_iter().flatten();
            self.left_out
                .extend(refused.filter(|id| !kept.contains(id)));
        }
        Ok(format!("[{}]", kept.join(",")))
    }

    /// Returns the grant sets. A set with an invalid form becomes empty, so that keys that name it
    /// are not at fault.
    fn grant_sets(&mut self, sets: &RawMembers<'_>) -> Result<String, Refusal> {
        let mut kept = Vec::with_capacity(sets.0.len());
        for (Text(name), value) in &sets.0 {
            let set = object([(&**name, value.get())]);
            let value = match has_place(GRANT_SETS, &set) {
                Ok(()) => value.get(),
                Err(refusal) => {
                    let place = under_name(&refusal.place, name);
                    self.push(Refusal { place, ..refusal })?;
                    "{}"
                }
            };
            kept.push((&**name, value));
        }
        Ok(object(kept))
    }
}

/// Returns a name if it is spelled like an id. Any other name may be anything, so it is hidden.
fn shown(name: &str) -> Cow<'static, str> {
    if is_id(name) {
        Cow::Owned(name.to_owned())
    } else {
        Cow::Borrowed("*")
    }
}

fn list_of(name: &str) -> Option<usize> {
    LISTS.iter().position(|list| *list == name)
}

fn object<'m>(members: impl IntoIterator<Item = (&'m str, &'m str)>) -> String {
    let members = members.into_iter();
    let members = members.map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Returns valid values of the members that every snapshot has.
fn good() -> [(String, String); 3] {
    let [format, revision, issued_at] = REQUIRED.map(str::to_owned);
    let zero = || "0".to_owned();
    let known = Value::from(FORMAT).to_string();
    [(format, known), (revision, zero()), (issued_at, zero())]
}

/// Checks that a text has the form of a configuration.
fn has_form(json: &str) -> Result<(), Refusal> {
    from_json::<wire::Configuration<'_>>(json.as_bytes()).map(|_| ())
}

/// Checks that a snapshot may have such a member.
fn has_place(name: &str, value: &str) -> Result<(), Refusal> {
    let good = good();
    let good = good.iter().map(|(name, value)| (&**name, &**value));
    let others = good.filter(|(of, _)| *of != name);
    let snapshot = object(others.chain([(name, value)]));
    has_form(&object([(SNAPSHOT, &*snapshot)]))
}

fn raw_members(value: &RawValue) -> Option<RawMembers<'_>> {
    from_json(value.get().as_bytes()).ok()
}

fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    read(value.get().as_bytes(), &[]).ok()
}

fn id_of(account: &RawValue) -> Option<String> {
    id_in(account.get())
}

fn id_in(account: &str) -> Option<String> {
    let members: RawMembers<'_> = from_json(account.as_bytes()).ok()?;
    serde_json::from_str(members.get("id")?.get()).ok()
}

/// Returns a valid endpoint to replace a rejected one, so that the permissions that the rejected
/// one names stay known.
fn stand_in(number: usize, endpoint: &RawValue) -> String {
    let named = read::<Object<Value>>(endpoint.get().as_bytes(), &[]).ok();
    let named = named.map(|Object(endpoint)| match endpoint.get("any_of") {
        Some(Value::Array(any_of)) => any_of.clone(),
        Some(_) | None => endpoint.get("permission").into_iter().cloned().collect(),
    });
    let mut named = named.unwrap_or_default();
    named.retain(|name| name.as_str().is_some_and(is_id));
    let rule = match named.as_slice() {
        [] => ("auth", Value::from("none")),
        _ => ("any_of", Value::from(named)),
    };
    let path = Value::from(format!("/keyward-stands-in/{number}")).to_string();
    object([
        ("method", "\"GET\""),
        ("path", &*path),
        (rule.0, &*rule.1.to_string()),
    ])
}

/// Converts a place in a list of one element to the place that the element has in the original
/// list.
fn at_number(place: &Place, number: usize) -> Place {
    let mut segments = place.segments().to_vec();
    if let [_, _, Segment::Index(index), ..] = segments.as_mut_slice() {
        *index = number;
    }
    Place::from(&*segments)
}

/// Converts a place in a grant set to one that contains the set's name.
fn under_name(place: &Place, name: &str) -> Place {
    let mut segments = place.segments().to_vec();
    if let [_, _, Segment::Member(hidden), ..] = segments.as_mut_slice() {
        *hidden = shown(name);
    }
    Place::from(&*segments)
}

#[cfg(test)]
mod tests;
