//! Ending many keys at once: a filter, a plan that says how many, and the number typed.

mod plan;

use std::sync::Arc;

use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use self::plan::{Plan, Revoked};
use super::ask::Ask;
use super::parts::actions::{Weight, form as post, submit};
use super::parts::fields::{self, Field};
use super::parts::text::counted;
use super::parts::{Text, Tone, layout, message};
use super::reply::PagePending;
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};

pub(super) const HERE: &str = "/console/incident";
pub(super) const END: &str = "/console/incident/end";
const TITLE: &str = "Incident";
const REVOKE: &str = "/v2/keyward/api_keys/revoke";

/// The kinds that can be ended so; publishable keys are rotated.
const KINDS: [(&str, &str); 3] = [
    ("restricted", "restricted"),
    ("secret", "unrestricted secret"),
    ("organization", "organization"),
];

/// The fields of the filter, which go along with the plan: should it not hold, nothing has to be entered again.
const FILTER: [&str; 8] = [
    "owner",
    "created_by",
    "label",
    "created_before",
    "mode",
    "kind.restricted",
    "kind.secret",
    "kind.organization",
];

/// `GET /console/incident`
pub(super) fn form(_app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move { Ok(visit.page(TITLE, body(&visit, None))) })
}

/// `POST /console/incident`: makes the plan.
pub(super) fn make(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let filter = filter(&visit);
        let ask = Ask::post(REVOKE).body(json!({"filter": filter, "dry_run": true}));
        match visit.ask(&app, ask).await {
            Ok(answered) => {
                let plan: Plan = answered.read()?;
                Ok(visit.page(TITLE, plan::body(&visit, &plan, None)))
            }
            Err(failure) => again(&visit, failure),
        }
    })
}

/// `POST /console/incident/end`: carries it out.
pub(super) fn end(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let plan = visit.form.text("plan").to_owned();
        let typed = visit.form.text("confirm");
        let count: Option<u64> = visit.form.text("count").parse().ok();
        let confirm = typed.replace(',', "").parse().ok();
        let Some(confirm) = confirm.filter(|_| confirm == count) else {
            let message = format!(
                "The plan is for {}, and you typed another number. Count again.",
                counted(count.unwrap_or(0), "key", "keys")
            );
            return again(&visit, Failure::new(Code::ParameterInvalid, message));
        };
        let ask = Ask::post(REVOKE)
            .body(json!({"plan": plan, "confirm": confirm}))
            .once(&visit);
        match visit.ask(&app, ask).await {
            Ok(answered) => {
                let revoked: Revoked = answered.read()?;
                let body = plan::done(&revoked, answered.change);
                Ok(visit.page("Keys ended", body))
            }
            Err(failure) => again(&visit, failure),
        }
    })
}

/// The filter as the API takes it: an empty field is not a condition.
fn filter(visit: &Visit) -> Value {
    let mut filter = Map::new();
    for name in ["owner", "created_by"] {
        if let Some(text) = visit.form.given(name) {
            filter.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(label) = visit.form.given("label") {
        filter.insert("label".to_owned(), json!(label.replacen(':', "=", 1)));
    }
    // A browser's field for a time has no zone: the page says that it is UTC.
    if let Some(before) = visit.form.given("created_before") {
        let seconds = if before.len() == 16 { ":00" } else { "" };
        filter.insert(
            "created_before".to_owned(),
            json!(format!("{before}{seconds}Z")),
        );
    }
    let kinds: Vec<&str> = KINDS
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| visit.form.has(&format!("kind.{kind}")))
        .collect();
    if !kinds.is_empty() {
        filter.insert("kind".to_owned(), json!(kinds));
    }
    match visit.form.text("mode") {
        "live" => filter.insert("livemode".to_owned(), json!(true)),
        "test" => filter.insert("livemode".to_owned(), json!(false)),
        _ => None,
    };
    Value::Object(filter)
}

/// The filter's fields as they were sent, for the form of the plan.
fn kept(visit: &Visit) -> Markup {
    html! {
        @for name in FILTER {
            @if let Some(value) = visit.form.given(name) { input type="hidden" name=(name) value=(value); }
        }
    }
}

fn again(visit: &Visit, failure: Failure) -> Result<Reply, Failure> {
    if failure.status().is_server_error() {
        return Err(failure);
    }
    let status = if failure.is(Code::PlanChanged) || failure.is(Code::PlanExpired) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(visit.page_with(status, TITLE, body(visit, Some(&failure))))
}

fn body(visit: &Visit, refused: Option<&Failure>) -> Markup {
    let text = |name| visit.form.text(name);
    html! {
        (layout::head(None, TITLE, Some(html! { "End many keys at once. You see how many keys it affects before anything ends." }), html! {}))
        @if let Some(failure) = refused {
            (message::titled(Tone::Bad, "No key was ended", html! { p { (Text(failure.message())) } }))
        }
        div.columns {
            (layout::card("Which keys", html! { span.soft { "Conditions (a key must match all of them)" } }, html! {
                div.pad {
                    (post(HERE, &visit.hidden(), &html! {
                        div.stack.two {
                            (fields::code(&Field { name: "owner", label: "Account", value: text("owner"), hint: Some("The id of one account."), ..Field::default() }))
                            (fields::code(&Field { name: "created_by", label: "Made by", value: text("created_by"), hint: Some("The id of a key, or a person."), ..Field::default() }))
                            (fields::code(&Field { name: "label", label: "Label", value: text("label"), hint: Some("team, or team:billing"), ..Field::default() }))
                            (fields::of_type(&Field { name: "created_before", label: "Made before (UTC)", value: text("created_before"), hint: Some("A key without a known age counts as old."), ..Field::default() }, "datetime-local"))
                        }
                        (fields::radios(&Field { name: "mode", label: "Mode", value: if text("mode").is_empty() { "both" } else { text("mode") }, ..Field::default() }, &[("both", "Both"), ("test", "Test"), ("live", "Live")], false))
                        fieldset.field {
                            legend { "Kinds" }
                            div.choices {
                                @for (kind, label) in KINDS {
                                    @let name = format!("kind.{kind}");
                                    (fields::check(&name, label, visit.form.has(&name)))
                                }
                            }
                            p.hint { "Choose none for all kinds. Publishable keys are public: rotate them instead." }
                        }
                        div.row { (submit(Weight::Main, "Count the keys")) }
                    }))
                }
            }))
            aside.stack {
                (layout::card("What happens", html! {}, html! {
                    ol.pad.stack.tight {
                        li { "Choose which keys." }
                        li { "See how many there are, ten of them, and what is left out." }
                        li { "Type the number. All of them end in one step." }
                        li { "Gateways deny the keys as soon as they have the next snapshot." }
                    }
                }))
                p.soft { "One key? Use " a href="/console/lookup" { "Leaked key" } ", or its own page." }
            }
        }
    }
}
