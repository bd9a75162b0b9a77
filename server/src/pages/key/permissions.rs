//! The permissions of a key, as a matrix that marks changes.

use std::sync::Arc;

use maud::html;
use serde_json::{Map, Value, json};

use super::asked::with_asked;
use super::{asking, buttons, hidden, home, of_form, reason, update};
use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::bounds::Bounds;
use crate::pages::check::{self, Preview};
use crate::pages::keys;
use crate::pages::objects::{Key, List};
use crate::pages::parts::actions::{Weight, submit, submit_as};
use crate::pages::parts::matrix::{self, Chosen, Matrix, Permission};
use crate::pages::parts::{Text, Tone, fields, layout, message};
use crate::pages::reply::PagePending;
use crate::pages::reply::Reply;
use crate::pages::visit::Visit;

/// `GET /console/keys/{id}/edit`
pub(in crate::pages) fn form(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let all = permissions(&app, &visit).await?;
        let (own, connected) = held(&key);
        let own = with_asked(&visit, &all, own);
        let offered = offered(&app, &visit, &key, &all).await?;
        let is_checked = check::is_offered(&app, &visit, check::Of::Key);
        Ok(page(
            &visit,
            &key,
            &offered,
            (&own, &connected),
            Sent::Nothing,
            is_checked,
        ))
    })
}

/// `POST /console/keys/{id}/edit`
pub(in crate::pages) fn save(app: Arc<App>, visit: Visit) -> PagePending {
    Box::pin(async move {
        let key = keys::read(&app, &visit).await?;
        let all = permissions(&app, &visit).await?;
        let own = matrix::read("p", &all, visit.form.fields());
        let connected = matrix::read("c", &all, visit.form.fields());
        let writes = |chosen: &Chosen| chosen.values().any(|level| level.name() == "write");
        let is_weighty = key.livemode && (writes(&own) || writes(&connected));
        let change = body(&visit, &key, &own, &connected);
        let sent = if check::is_asked(&visit) {
            check::ask(&app, &visit, check::Of::Key, change)
                .await
                .map(Some)
        } else {
            let changed = match visit.must_be_fresh() {
                Err(failure) if is_weighty => Err(failure),
                Ok(()) | Err(_) => update(&app, &visit, change).await,
            };
            changed.map(|_| None)
        };
        let sent = match sent {
            Ok(None) => return Ok(home(&visit)),
            Ok(Some(preview)) => Sent::Checked(preview),
            Err(failure) => Sent::Refused(of_form(failure)?),
        };
        let offered = offered(&app, &visit, &key, &all).await?;
        let is_checked = check::is_offered(&app, &visit, check::Of::Key);
        Ok(page(
            &visit,
            &key,
            &offered,
            (&own, &connected),
            sent,
            is_checked,
        ))
    })
}

fn body(visit: &Visit, key: &Key, own: &Chosen, connected: &Chosen) -> Value {
    let (had, had_connected) = held(key);
    let mut members = Map::new();
    let mut mine = Map::new();
    // An unchanged list keeps the grant set.
    if *own != had || key.permissions.is_none() {
        members.insert("permissions".to_owned(), json!(matrix::names(own)));
    }
    if *connected != had_connected {
        members.insert(
            "connect_permissions".to_owned(),
            json!(matrix::names(connected)),
        );
    }
    if visit.form.has("limit") {
        mine.insert("limit".to_owned(), json!(true));
    }
    if visit.form.has("shadow") && !visit.is_portal() {
        mine.insert("enforcement".to_owned(), json!("shadow"));
    }
    members.insert("keyward".to_owned(), Value::Object(mine));
    Value::Object(members)
}

async fn permissions(app: &Arc<App>, visit: &Visit) -> Result<Vec<Permission>, Failure> {
    let all: List<Permission> = visit
        .ask(app, Ask::get("/v2/keyward/permissions"))
        .await?
        .read()?;
    Ok(all.data)
}

/// The key's current permissions. A key with every permission has no separate ones.
fn held(key: &Key) -> (Chosen, Chosen) {
    let side =
        |names: &Option<Vec<String>>| matrix::of_names(names.iter().flatten().map(String::as_str));
    (side(&key.permissions), side(&key.connect_permissions))
}

/// What came of a form.
enum Sent {
    Nothing,
    Checked(Preview),
    Refused(Failure),
}

/// The rows of the matrices, for the own account and connected ones: all permissions, or those that pass.
struct Offered {
    own: Vec<Permission>,
    connected: Vec<Permission>,
    /// Whether permissions are chosen one by one.
    is_free: bool,
}

async fn offered(
    app: &Arc<App>,
    visit: &Visit,
    key: &Key,
    all: &[Permission],
) -> Result<Offered, Failure> {
    let bounds = Bounds::read(app, visit, &key.keyward.owner).await?;
    let (had, had_connected) = held(key);
    // The page always shows the key's current permissions: the person can keep them or remove them.
    let with_held = |mut offered: Vec<Permission>, had: &Chosen| {
        for one in all.iter().filter(|one| had.contains_key(&one.name)) {
            match offered.iter_mut().find(|other| other.name == one.name) {
                Some(other) => other.levels.clone_from(&one.levels),
                None => offered.push(one.clone()),
            }
        }
        offered
    };
    Ok(match bounds {
        None => Offered {
            own: all.to_vec(),
            connected: all.to_vec(),
            is_free: true,
        },
        Some(bounds) => Offered {
            own: with_held(bounds.permissions(visit, all), &had),
            connected: with_held(bounds.connected(visit, all), &had_connected),
            is_free: bounds.free_choice,
        },
    })
}

fn page(
    visit: &Visit,
    key: &Key,
    offered: &Offered,
    (own, connected): (&Chosen, &Chosen),
    sent: Sent,
    is_checked: bool,
) -> Reply {
    let (had, had_connected) = held(key);
    let matrix = |permissions, chosen, was, prefix| Matrix {
        permissions,
        chosen,
        was: Some(was),
        prefix,
    };
    let may_try = key.keyward.enforcement != "shadow" && !visit.is_portal();
    let refused = match &sent {
        Sent::Refused(failure) => Some(failure),
        Sent::Nothing | Sent::Checked(_) => None,
    };
    let body = html! {
        @if let Sent::Checked(preview) = &sent { (check::result(visit, check::Of::Key, preview)) }
        @if !offered.is_free {
            (message::note(Tone::Info, html! { p { "Keys follow one of the sets that " (Text(visit.provider())) " offers. Here you can remove permissions. To choose another set, make a new key." } }))
        }
        @if key.permissions.is_none() {
            (message::note(Tone::Warn, html! { p { "This key may do everything. Saving limits it to what you choose, and all other requests fail at once." } }))
        }
        @if let Some(set) = &key.keyward.grant_set {
            (message::note(Tone::Info, html! { p { "It follows the set " b { (Text(set)) } ". If you change something here, the key gets its own permissions and no longer follows the set." } }))
        }
        form.stack method="post" action={(visit.key_home(&key.id)) "/edit"} {
            (hidden(visit, key))
            div.columns.side {
                div.stack {
                    (layout::card("What it may do", html! {}, matrix(&offered.own, own, &had, "p").render()))
                    @if !offered.connected.is_empty() { details.card open[!connected.is_empty()] {
                        summary.pad { "On accounts connected to that account" }
                        (matrix(&offered.connected, connected, &had_connected, "c").render())
                    } }
                }
                div.stack.sticky {
                    (layout::card("This key will", html! {}, html! { div.pad { (matrix::summary("p", &offered.own, own)) } }))
                    @if key.permissions.is_none() { (fields::check("limit", "Limit this key to what is chosen", visit.form.has("limit"))) }
                    (reason(visit, refused))
                    div.bar { (buttons(visit, key, submit(Weight::Main, "Save"))) }
                    div.row {
                        (check::button(is_checked))
                        @if may_try { (submit_as(Weight::Usual, "shadow", "yes", "Save in shadow")) }
                    }
                    @if may_try { p.small.soft { "In shadow, requests that it may no longer make are logged, but pass. Enforce it when the log shows no such request." } }
                }
            }
        }
    };
    asking(visit, key, "Edit permissions", refused, body)
}
