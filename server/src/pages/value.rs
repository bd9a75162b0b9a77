//! The page that shows a value. It is the answer to the form that made the value, and exists nowhere else: not after Back, not after a reload, not in a store.

use std::sync::Arc;

use maud::{Markup, html};

use super::ask::{Answered, Ask};
use super::objects::{Key, List};
use super::parts::actions::{Weight, link, submit};
use super::parts::fields::{self, Field};
use super::parts::matrix::Permission;
use super::parts::{Text, Tone, layout, message, value};
use super::reply::Reply;
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::{Code, Failure};
use crate::routes::Verb;

/// The action that made the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Created,
    Rotated,
    Duplicated,
}

/// Shows the value of a new key.
pub(super) async fn page(
    app: &Arc<App>,
    visit: &Visit,
    answered: &Answered,
    made: Made,
) -> Result<Reply, Failure> {
    let key: Key = visit.seen(answered.read()?);
    let command = command(app, visit, &key).await;
    let body = body(visit, &key, answered.change, made, command.as_deref());
    match answered.token() {
        Some(token) => Reply::with_value(layout::page(&visit.frame(), "Your new key", body), token),
        None => Err(Failure::new(
            Code::Internal,
            "The new key has no value to show.",
        )),
    }
}

/// A command that tries the key: a request that it may make. The shell asks for the value, so that it is not in the command or in the shell's history.
async fn command(app: &Arc<App>, visit: &Visit, key: &Key) -> Option<String> {
    // Publishable keys read little, and organization keys name an account in each request.
    if !matches!(key.keyward.kind.as_str(), "restricted" | "secret") {
        return None;
    }
    let api = app.api_url.as_deref()?;
    // Whatever is wrong here, the value has to be shown.
    let asked = visit.ask(app, Ask::get("/v2/keyward/permissions")).await;
    let all: List<Permission> = asked.ok()?.read().ok()?;
    let path = example(&all.data, key.permissions.as_deref())?;
    Some(format!("read -rs KEY && curl -u \"$KEY:\" {api}{path}"))
}

/// The path of a request that a key with these permissions may make; with every permission, any.
fn example<'p>(all: &'p [Permission], held: Option<&[String]>) -> Option<&'p str> {
    let of = |name: &str| all.iter().find(|one| one.name == name);
    let example = |one: &'p Permission| one.example.as_deref().filter(|path| is_plain(path));
    match held {
        None => all.iter().filter(|one| !one.manages_keys).find_map(example),
        Some(names) => {
            let names = names.iter().filter_map(|name| {
                let (name, _level) = name.rsplit_once('_')?;
                of(name)
            });
            names.filter_map(example).next()
        }
    }
}

/// Whether a shell takes it as it is: the text is pasted into one.
fn is_plain(path: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    path.starts_with('/') && path.bytes().all(is_plain)
}

fn body(
    visit: &Visit,
    key: &Key,
    change: Option<u64>,
    made: Made,
    command: Option<&str>,
) -> Markup {
    let (title, says) = match made {
        Made::Created => ("Your new key", "This key works within seconds."),
        Made::Rotated => (
            "The replacement",
            "The replacement works within seconds, with the old key's permissions.",
        ),
        Made::Duplicated => (
            "The duplicate",
            "This key works within seconds, with the other key's permissions.",
        ),
    };
    let home = visit.key_home(&key.id);
    html! {
        (layout::head(None, title, Some(html! { (Text(key.title())) " · " (key.mode()) @if visit.is_tree() { " · " (Text(&key.keyward.owner)) } }), html! {}))
        div.narrow.stack {
            (message::titled(Tone::Warn, "Copy it now", html! {
                p { "The value is shown only once: keyward keeps its digest, not the value. If you lose it, rotate the key." }
            }))
            (value::field("Value", Reply::place()))
            p { (says) " "
                @if let Some(change) = change.filter(|_| !visit.is_portal()) {
                    span.soft role="status" data-poll={"/console/changes/" (change)} { "The key's page shows when the gateways have it." }
                }
            }
            @if made == Made::Duplicated && key.keyward.left_behind.as_ref().is_some_and(|names| !names.is_empty()) {
                (message::note(Tone::Info, html! { p { "A duplicate does not have the other key's addresses and end." } }))
            }
            @if let Some(command) = command {
                div.field {
                    b { "Try it" }
                    (value::command(command))
                    p.hint { "In bash or zsh: run this, paste the value and press Enter. The terminal does not show the value, and its history does not keep it." }
                }
            }
            @if !visit.may(Verb::Post, "/v2/iam/api_keys/{id}") {
                // A person who may not change keys cannot add a note to one.
                form method="get" action=(home) data-done { (submit(Weight::Main, "Done")) }
            } @else {
            form.stack method="post" action={(home) "/note"} data-done {
                (hidden(visit, key))
                (fields::text(&Field {
                    name: "note",
                    label: "Where do you keep it?",
                    value: key.note.as_deref().unwrap_or_default(),
                    hint: Some("For example the name of a vault's entry. Never enter the value."),
                    ..Field::default()
                }))
                div.row { (submit(Weight::Main, "Done")) @if visit.may(Verb::Post, "/v2/iam/api_keys") { (link(Weight::Quiet, &format!("{}/new", visit.home()), "Create another")) } }
            }
            }
        }
    }
}

fn hidden(visit: &Visit, key: &Key) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(visit.csrf());
        input type="hidden" name="version" value=(key.keyward.version);
        input type="hidden" name="is_new" value="yes";
    }
}

/// The same form again: a reload, or a double click. The key exists; its value was already shown.
pub(super) fn shown_before(visit: &Visit, failure: &Failure) -> Option<Reply> {
    if !failure.is(Code::ValueAlreadyReturned) {
        return None;
    }
    let id = failure.extra("api_key")?;
    let home = visit.key_home(id);
    let body = html! {
        (layout::head(None, "This key was made a moment ago", None, html! {}))
        div.narrow.stack {
            (message::note(Tone::Info, html! {
                p { "Its value was shown then, and keyward does not keep it. If you do not have it, rotate the key to get a replacement with a new value." }
            }))
            div.row {
                (link(Weight::Main, &home, "Open the key"))
                (link(Weight::Usual, &format!("{home}/rotate"), "Rotate it for a new value"))
            }
        }
    };
    Some(visit.page("This key was made a moment ago", body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(name: &str, example: Option<&str>) -> Permission {
        let members = serde_json::json!({
            "name": name, "label": null, "category": null, "example": example, "levels": ["read"], "implies": [],
            "manages_keys": name == "api_key",
        });
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn an_example_is_a_request_that_the_key_may_make_and_a_shell_takes_as_it_is() {
        let all = [
            permission("api_key", Some("/v2/iam/api_keys")),
            permission("odd", Some("/v1/odd;rm")),
            permission("odder", Some("/v1/$(id)")),
            permission("none", None),
            permission("two_words", Some("/v1/two_words")),
        ];
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            example(&all, Some(&names)).map(str::to_owned)
        };
        assert_eq!(
            of(&["none_read", "two_words_write"]).as_deref(),
            Some("/v1/two_words")
        );
        assert_eq!(
            of(&["none_read", "odd_read", "odder_read", "gone_read"]),
            None
        );
        assert_eq!(of(&[]), None);
        // With every permission, a request to the API, and not to the server.
        assert_eq!(example(&all, None), Some("/v1/two_words"));
    }
}
