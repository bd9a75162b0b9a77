//! The choices so far, and the API request that they produce.

use keyward::management::is_id;
use serde_json::{Map, Value, json};

use super::choices::Choices;
use crate::http::failure::{Code, Failure};
use crate::pages::lines;
use crate::pages::objects::INTERNAL;
use crate::pages::parts::matrix::{self, Chosen};
use crate::pages::visit::Visit;

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) note: String,
    pub(super) account: String,
    pub(super) is_live: bool,
    /// The grant set that the key follows instead of custom permissions.
    pub(super) set: String,
    pub(super) own: Chosen,
    pub(super) connected: Chosen,
    /// Days, `date`, or `never`.
    pub(super) ends: String,
    pub(super) date: String,
    pub(super) ips: String,
    pub(super) ipv6: bool,
    pub(super) is_shadow: bool,
    pub(super) labels: String,
}

impl Given {
    /// An empty form: a test key that ends in 90 days, or as the policy has it.
    pub(super) fn new(visit: &Visit, choices: &Choices) -> Self {
        let Some(bounds) = &choices.bounds else {
            return Self {
                account: visit.parameter("account").to_owned(),
                ends: "90".to_owned(),
                ..Self::default()
            };
        };
        let first = bounds.presets.first().filter(|_| !bounds.free_choice);
        Self {
            account: choices.account.clone(),
            is_live: bounds.modes(visit) == ["live"],
            set: first.map(|set| set.name.clone()).unwrap_or_default(),
            ends: bounds.usual_end(),
            ..Self::default()
        }
    }

    /// A sent form.
    pub(super) fn sent(visit: &Visit, choices: &Choices) -> Self {
        let form = &visit.form;
        let text = |name: &str| form.text(name).to_owned();
        Self {
            name: text("name"),
            note: text("note"),
            account: match choices.bounds {
                None => text("account"),
                Some(_) => choices.account.clone(),
            },
            set: text("set"),
            is_live: form.text("mode") == "live",
            own: matrix::read("p", &choices.permissions, form.fields()),
            connected: matrix::read("c", &choices.connected, form.fields()),
            ends: text("ends"),
            date: text("date"),
            ips: text("ips"),
            ipv6: form.has("ipv6"),
            is_shadow: form.has("shadow") && !visit.is_portal(),
            labels: text("labels"),
        }
    }

    /// The body of `POST /v2/iam/api_keys`.
    pub(super) fn body(&self, visit: &Visit) -> Result<Value, Failure> {
        // Making a live key requires more than an unattended cookie.
        if self.is_live {
            visit.must_be_fresh()?;
        }
        let missing =
            |param: &str, message: &str| Failure::new(Code::ParameterMissing, message).at(param);
        if self.name.is_empty() {
            return Err(missing(
                "name",
                "Give the key a name, so that you recognize it.",
            ));
        }
        if self.account.is_empty() {
            return Err(missing(
                "keyward.owner",
                "Enter the id of the account that owns the key.",
            ));
        }
        let mut mine = Map::new();
        mine.insert("kind".to_owned(), json!("restricted"));
        mine.insert("owner".to_owned(), json!(self.account));
        mine.insert("livemode".to_owned(), json!(self.is_live));
        mine.insert("ipv6".to_owned(), json!(self.ipv6));
        mine.insert("labels".to_owned(), json!(labels(visit, &self.labels)?));
        if let Some(reason) = visit.form.given("reason") {
            mine.insert("reason".to_owned(), json!(reason));
        }
        if self.is_shadow {
            mine.insert("enforcement".to_owned(), json!("shadow"));
        }
        let mut body = Map::new();
        body.insert("type".to_owned(), json!("secret_key"));
        body.insert("name".to_owned(), json!(self.name));
        if self.set.is_empty() {
            body.insert("permissions".to_owned(), json!(matrix::names(&self.own)));
        } else {
            mine.insert("grant_set".to_owned(), json!(self.set));
        }
        if !self.note.is_empty() {
            body.insert("note".to_owned(), json!(self.note));
        }
        if !self.connected.is_empty() {
            body.insert(
                "connect_permissions".to_owned(),
                json!(matrix::names(&self.connected)),
            );
        }
        let ips = visit.form.list("ips");
        if !ips.is_empty() {
            body.insert("ip_allowlist".to_owned(), json!(ips));
        }
        match end(&self.ends, &self.date, visit.now)? {
            Some(end) => {
                body.insert("expires_at".to_owned(), json!(end));
            }
            None => {
                mine.insert("no_expiry".to_owned(), json!(true));
            }
        }
        body.insert("keyward".to_owned(), Value::Object(mine));
        Ok(Value::Object(body))
    }
}

/// When a key should end, according to the fields `ends` and `date`; none: never.
pub(in crate::pages) fn end(ends: &str, date: &str, now: u64) -> Result<Option<String>, Failure> {
    let wrong = |message: &str| Failure::new(Code::ParameterInvalid, message).at("expires_at");
    match ends {
        "never" => Ok(None),
        "date" => {
            // The end of that day, so that the key lasts for all of it.
            let text = format!("{date}T23:59:59Z");
            let seconds = crate::time::read(&text)
                .ok_or_else(|| wrong("Choose the last day on which the key works."))?;
            Ok(Some(crate::time::written(seconds)))
        }
        span => {
            // Days, or a span where a policy allows less than a day.
            let days = span
                .parse()
                .ok()
                .map(|days: u64| days.saturating_mul(86_400));
            let seconds = days
                .or_else(|| crate::span::read(span))
                .filter(|seconds| (1..=36_500 * 86_400).contains(seconds))
                .ok_or_else(|| wrong("Say when the key ends."))?;
            Ok(Some(crate::time::written(now.saturating_add(seconds))))
        }
    }
}

/// `team: billing`, one per line.
pub(in crate::pages) fn labels(visit: &Visit, text: &str) -> Result<Map<String, Value>, Failure> {
    let all = read_labels(text)?;
    if visit.is_portal() && all.keys().any(|name| name.starts_with(INTERNAL)) {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "Label names that begin with `internal` are reserved.",
        )
        .at("keyward.labels"));
    }
    Ok(all)
}

fn read_labels(text: &str) -> Result<Map<String, Value>, Failure> {
    let mut all = Map::new();
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once([':', '=']).unwrap_or((line, ""));
        let (name, value) = (name.trim(), value.trim());
        let fault = if value.is_empty() {
            Some("a label is a name and what it says, such as `team: billing`.".to_owned())
        } else if !is_id(name) {
            Some(format!(
                "`{name}` is no name of a label: letters, digits, and . _ - make one."
            ))
        } else if all.insert(name.to_owned(), json!(value)).is_some() {
            Some(format!("the label `{name}` is there twice."))
        } else {
            None
        };
        faults.extend(fault.map(|fault| lines::at(number, &fault)));
    }
    match lines::listed(&faults) {
        None => Ok(all),
        Some(faults) => Err(Failure::new(Code::ParameterInvalid, &faults).at("keyward.labels")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_946_400;

    #[test]
    fn an_end_is_a_number_of_days_a_day_or_never() {
        assert_eq!(
            end("7", "", NOW).unwrap().unwrap(),
            "2026-12-06T10:00:00.000Z"
        );
        assert_eq!(
            end("date", "2027-01-31", NOW).unwrap().unwrap(),
            "2027-01-31T23:59:59.000Z"
        );
        assert_eq!(end("never", "", NOW).unwrap(), None);
        for (ends, date) in [
            ("", ""),
            ("0", ""),
            ("-1", ""),
            ("date", ""),
            ("date", "soon"),
            ("999999999", ""),
        ] {
            assert!(end(ends, date, NOW).is_err(), "{ends} {date}");
        }
    }

    #[test]
    fn a_label_is_a_line() {
        let read = read_labels(" team: billing\n\nstage=prod: 1\n").unwrap();
        assert_eq!(
            Value::Object(read),
            json!({"team": "billing", "stage": "prod: 1"})
        );
        for (text, expected) in [
            (
                "team",
                "Line 1: a label is a name and what it says, such as `team: billing`.",
            ),
            (
                "a: b\n\nteam:",
                "Line 3: a label is a name and what it says, such as `team: billing`.",
            ),
            (
                "a b: c",
                "Line 1: `a b` is no name of a label: letters, digits, and . _ - make one.",
            ),
            ("a: b\na: c", "Line 2: the label `a` is there twice."),
        ] {
            assert_eq!(read_labels(text).unwrap_err().message(), expected);
        }
    }
}
