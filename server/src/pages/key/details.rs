//! The details that identify a key to people: its name, its note, its labels; and whether its refusals are enforced.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::{asking, buttons, hidden, home, of_form, update};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::create::labels;
use crate::pages::keys;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, submit};
use crate::pages::parts::fields::{self, Field};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;
use crate::pages::wording;

/// `GET /console/keys/{id}/details`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let labels: Vec<String> = key
            .keyward
            .labels
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let fields = Fields {
            name: key.name.clone().unwrap_or_default(),
            note: key.note.clone().unwrap_or_default(),
            labels: labels.join("\n"),
            is_shadow: key.keyward.enforcement == "shadow",
        };
        Ok(page(&visit, &key, &fields, None))
    })
}

/// `POST /console/keys/{id}/details`
pub(in crate::pages) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let fields = Fields {
            name: visit.form.text("name").to_owned(),
            note: visit.form.text("note").to_owned(),
            labels: visit.form.text("labels").to_owned(),
            is_shadow: visit.form.has("shadow"),
        };
        // In shadow, a live key may do everything.
        let is_weighty = key.livemode && fields.is_shadow && key.keyward.enforcement != "shadow";
        let fresh = match visit.must_be_fresh() {
            Err(failure) if is_weighty => Err(failure),
            Ok(()) | Err(_) => Ok(()),
        };
        let changed = match fresh.and_then(|()| fields.body(&visit, &key)) {
            Ok(body) => update(&app, &visit, body).await,
            Err(failure) => Err(failure),
        };
        match changed {
            Ok(_) => Ok(home(&visit)),
            Err(failure) => Ok(page(&visit, &key, &fields, Some(&of_form(failure)?))),
        }
    })
}

/// `POST /console/keys/{id}/note`: where the value of a new key is kept. Without an answer it stays unsaid.
pub(in crate::pages) fn note(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        if let Some(note) = visit.form.given("note") {
            update(&app, &visit, json!({"note": note})).await?;
        }
        Ok(home(&visit))
    })
}

struct Fields {
    name: String,
    note: String,
    labels: String,
    is_shadow: bool,
}

impl Fields {
    fn body(&self, visit: &Visit, key: &Key) -> Result<Value, Failure> {
        let or_null = |text: &str| {
            if text.is_empty() {
                Value::Null
            } else {
                json!(text)
            }
        };
        let mut all: Map<String, Value> = labels(visit, &self.labels)?;
        let names: BTreeSet<String> = all.keys().cloned().collect();
        // A missing member is removed.
        for name in key
            .keyward
            .labels
            .keys()
            .filter(|name| !names.contains(*name))
        {
            all.insert(name.clone(), Value::Null);
        }
        let mut mine = Map::new();
        mine.insert("labels".to_owned(), Value::Object(all));
        if !visit.is_portal() {
            let enforcement = if self.is_shadow { "shadow" } else { "enforce" };
            mine.insert("enforcement".to_owned(), json!(enforcement));
        }
        Ok(json!({
            "name": or_null(&self.name),
            "note": or_null(&self.note),
            "keyward": mine,
        }))
    }
}

fn page(visit: &Visit, key: &Key, given: &Fields, refused: Option<&Failure>) -> Reply {
    let wrong = |param: &str| {
        let failure = refused.filter(|failure| wording::param(failure) == Some(param));
        failure.map(Failure::message)
    };
    let body = html! {
        form.stack.narrow method="post" action={(visit.key_home(&key.id)) "/details"} {
            (hidden(visit, key))
            (fields::text(&Field { name: "name", label: "Name", value: &given.name, error: wrong("name"), ..Field::default() }))
            (fields::area(&Field { name: "note", label: "Note", value: &given.note, hint: Some("For example where its value is kept. Never enter the value."), error: wrong("note"), ..Field::default() }, 3, false))
            (fields::area(&Field { name: "labels", label: "Labels", value: &given.labels, hint: Some("One per line, such as team: billing"), error: wrong("keyward.labels"), ..Field::default() }, 3, true))
            @if !visit.is_portal() { (fields::check("shadow", "Shadow: log requests that the key may not make, but let them pass", given.is_shadow)) }
            (buttons(visit, key, submit(Weight::Main, "Save")))
        }
    };
    asking(visit, key, "Edit details", refused, body)
}
