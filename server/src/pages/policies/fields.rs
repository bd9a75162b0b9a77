//! The fields of a policy's form, and the document that they produce.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::Policy;
use crate::http::failure::{Code, Failure};
use crate::pages::form::Form;
use crate::pages::parts::fields::{self, Field};
use crate::pages::parts::layout;
use crate::pages::parts::matrix::{self, Chosen, Matrix, Permission};

/// The choices so far.
pub(super) struct Given {
    kinds: Vec<String>,
    modes: Vec<String>,
    /// None: everything except managing keys.
    own: Option<Chosen>,
    connected: Option<Chosen>,
    grant_sets: String,
    free_choice: bool,
    max_lifetime: String,
    default_lifetime: String,
    max_keys: String,
    ips_live: bool,
    ips_test: bool,
    overlaps: String,
    delegation: String,
    allow_delete: bool,
    allow_requests: bool,
    allow_activity: bool,
}

const KINDS: [(&str, &str); 4] = [
    ("restricted", "Restricted keys"),
    ("secret", "Secret keys"),
    ("publishable", "Publishable keys"),
    ("organization", "Organization keys"),
];
const MODES: [(&str, &str); 2] = [("test", "Test mode"), ("live", "Live mode")];

impl Given {
    pub(super) fn of(policy: &Policy) -> Self {
        let side = |names: &Option<Vec<String>>| {
            names
                .as_ref()
                .map(|names| matrix::of_names(names.iter().map(String::as_str)))
        };
        Self {
            kinds: policy.kinds.clone(),
            modes: policy.modes.clone(),
            own: side(&policy.permissions),
            connected: side(&policy.connect_permissions),
            grant_sets: policy.grant_sets.join("\n"),
            free_choice: policy.free_choice,
            max_lifetime: policy.max_lifetime.clone().unwrap_or_default(),
            default_lifetime: policy.default_lifetime.clone().unwrap_or_default(),
            max_keys: policy
                .max_keys
                .map(|most| most.to_string())
                .unwrap_or_default(),
            ips_live: policy.require_ip_allowlist.live,
            ips_test: policy.require_ip_allowlist.test,
            overlaps: policy.overlaps.join(", "),
            delegation: policy.delegation.clone(),
            allow_delete: policy.allow_delete,
            allow_requests: policy.allow_requests,
            allow_activity: policy.allow_activity,
        }
    }

    pub(super) fn sent(form: &Form, permissions: &[Permission]) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let chosen = |all: &[(&str, &str)]| {
            let all = all.iter().filter(|(name, _)| form.has(name));
            all.map(|(name, _)| (*name).to_owned()).collect()
        };
        let side = |prefix: &str, everything: &str| {
            (!form.has(everything)).then(|| matrix::read(prefix, permissions, form.fields()))
        };
        Self {
            kinds: chosen(&KINDS),
            modes: chosen(&MODES),
            own: side("p", "everything"),
            connected: side("c", "connect_everything"),
            grant_sets: text("grant_sets"),
            free_choice: form.has("free_choice"),
            max_lifetime: text("max_lifetime"),
            default_lifetime: text("default_lifetime"),
            max_keys: text("max_keys"),
            ips_live: form.has("ips_live"),
            ips_test: form.has("ips_test"),
            overlaps: text("overlaps"),
            delegation: text("delegation"),
            allow_delete: form.has("allow_delete"),
            allow_requests: form.has("allow_requests"),
            allow_activity: form.has("allow_activity"),
        }
    }

    /// The whole document, as PUT takes it.
    pub(super) fn body(&self) -> Result<Value, Failure> {
        let or_null = |text: &str| match text {
            "" => Value::Null,
            text => json!(text),
        };
        let most = match self.max_keys.as_str() {
            "" => Value::Null,
            text => json!(text.parse::<u64>().map_err(|_| {
                Failure::new(
                    Code::ParameterInvalid,
                    "Enter a whole number of keys, or nothing for no limit.",
                )
                .at("max_keys")
            })?),
        };
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| c == ',' || c.is_whitespace())
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Ok(json!({
            "kinds": self.kinds,
            "modes": self.modes,
            "permissions": self.own.as_ref().map(matrix::names),
            "connect_permissions": self.connected.as_ref().map(matrix::names),
            "grant_sets": words(&self.grant_sets),
            "free_choice": self.free_choice,
            "max_lifetime": or_null(&self.max_lifetime),
            "default_lifetime": or_null(&self.default_lifetime),
            "max_keys": most,
            "require_ip_allowlist": {"live": self.ips_live, "test": self.ips_test},
            "overlaps": words(&self.overlaps),
            "delegation": self.delegation,
            "allow_delete": self.allow_delete,
            "allow_requests": self.allow_requests,
            "allow_activity": self.allow_activity,
        }))
    }

    /// The permissions of the own account, for the summary.
    pub(super) fn own(&self) -> Chosen {
        self.own.clone().unwrap_or_default()
    }

    pub(super) fn render<'f>(
        &self,
        permissions: &[Permission],
        was: Option<&Self>,
        wrong: &dyn Fn(&str) -> Option<&'f str>,
    ) -> Markup {
        let side = |chosen: &Option<Chosen>, was: Option<&Option<Chosen>>, prefix: &str| {
            let chosen = chosen.clone().unwrap_or_default();
            let was = was.map(|was| was.clone().unwrap_or_default());
            Matrix {
                permissions,
                chosen: &chosen,
                was: was.as_ref(),
                prefix,
            }
            .render()
        };
        html! {
            (layout::card("Which keys are made", html! {}, html! { div.pad.stack {
                div.choices { @for (name, label) in KINDS { (fields::check(name, label, self.kinds.iter().any(|kind| kind == name))) } }
                div.choices { @for (name, label) in MODES { (fields::check(name, label, self.modes.iter().any(|mode| mode == name))) } }
                (fields::of_type(&Field { name: "max_keys", label: "Keys in each mode, at most", value: &self.max_keys, hint: Some("Empty: no limit"), error: wrong("max_keys"), ..Field::default() }, "number"))
            } }))
            (layout::card("What keys may do, at most", html! {}, html! {
                div.pad { (fields::check("everything", "Everything except managing keys, regardless of the choice below", self.own.is_none())) }
                (side(&self.own, was.map(|was| &was.own), "p"))
            }))
            details.card open[self.connected.as_ref().is_none_or(|chosen| !chosen.is_empty())] {
                summary.pad { "On connected accounts, at most" }
                div.pad { (fields::check("connect_everything", "Everything except managing keys, regardless of the choice below", self.connected.is_none())) }
                (side(&self.connected, was.map(|was| &was.connected), "c"))
            }
            (layout::card("How permissions are chosen", html! {}, html! { div.pad.stack {
                (fields::area(&Field { name: "grant_sets", label: "Grant sets that are offered", value: &self.grant_sets, hint: Some("One per line. Keys may follow these, regardless of the choice above."), error: wrong("grant_sets"), ..Field::default() }, 2, true))
                (fields::check("free_choice", "Permissions may be chosen one by one", self.free_choice))
                (fields::radios(&Field { name: "delegation", label: "What bounds a key", value: &self.delegation, error: wrong("delegation"), ..Field::default() }, &[("policy", "This policy"), ("own", "This policy, and what the maker's own key may do")], true))
            } }))
            (layout::card("Lifetime and addresses", html! {}, html! { div.pad.stack {
                (fields::text(&Field { name: "max_lifetime", label: "Longest lifetime of a key", value: &self.max_lifetime, hint: Some("366d, 12h. Empty: no limit"), error: wrong("max_lifetime"), ..Field::default() }))
                (fields::text(&Field { name: "default_lifetime", label: "Lifetime by default", value: &self.default_lifetime, hint: Some("90d. Empty: the longest"), error: wrong("default_lifetime"), ..Field::default() }))
                (fields::text(&Field { name: "overlaps", label: "Longest overlap after a rotation", value: &self.overlaps, hint: Some("The choices: 0, 1h, 1d"), error: wrong("overlaps"), ..Field::default() }))
                (fields::check("ips_live", "A live key needs addresses", self.ips_live))
                (fields::check("ips_test", "A test key needs addresses", self.ips_test))
            } }))
            (layout::card("What a portal offers", html! {}, html! { div.pad.stack {
                (fields::check("allow_delete", "Deleting keys", self.allow_delete))
                (fields::check("allow_requests", "The requests of keys", self.allow_requests))
                (fields::check("allow_activity", "The history of keys", self.allow_activity))
            } }))
        }
    }
}
