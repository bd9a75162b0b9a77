//! The permission that a link asks for: a denied request's answer leads to the key's page with `?ask=charge_write`. The page says how the key gets it, or whom to ask. A link grants nothing.

use std::sync::Arc;

use keyward::permission::AccessLevel;
use maud::{Markup, html};

use crate::app::App;
use crate::http::failure::Failure;
use crate::http::query::encoded;
use crate::pages::bounds::Bounds;
use crate::pages::objects::Key;
use crate::pages::parts::actions::{Weight, link};
use crate::pages::parts::matrix::{Chosen, Permission, of_names};
use crate::pages::parts::{Text, Tone, message};
use crate::pages::visit::Visit;
use crate::routes::Verb;

/// The permission in the query, at its level, if it exists.
pub(super) fn asked<'p>(
    visit: &Visit,
    all: &'p [Permission],
) -> Option<(&'p Permission, AccessLevel)> {
    let (name, level) = of_names([visit.parameter("ask")]).pop_first()?;
    let found = all.iter().find(|one| one.name == name)?;
    found.has(level).then_some((found, level))
}

/// Adds it to the choices.
pub(super) fn with_asked(visit: &Visit, all: &[Permission], mut chosen: Chosen) -> Chosen {
    if let Some((one, level)) = asked(visit, all) {
        let held = chosen.entry(one.name.clone()).or_insert(level);
        *held = (*held).max(level);
    }
    chosen
}

/// The note about it on the key's page.
pub(super) async fn note(
    app: &Arc<App>,
    visit: &Visit,
    key: &Key,
    all: &[Permission],
) -> Result<Markup, Failure> {
    let Some((one, level)) = asked(visit, all) else {
        return Ok(html! {});
    };
    let wanted = html! { b { (level.title()) " " (Text(one.title())) } " (" code { (Text(&one.name)) "_" (level.name()) } ")" };
    let held = key
        .permissions
        .as_ref()
        .map(|names| of_names(names.iter().map(String::as_str)));
    let has_it = match &held {
        None => key.keyward.kind != "publishable",
        Some(held) => {
            let implied = |name: &String| {
                level == AccessLevel::Read
                    && all
                        .iter()
                        .any(|other| other.name == *name && other.implies.contains(&one.name))
            };
            held.get(&one.name).is_some_and(|has| *has >= level) || held.keys().any(implied)
        }
    };
    if has_it {
        return Ok(message::note(
            Tone::Good,
            html! { p { "This key has the permission " (wanted) "." } },
        ));
    }
    let is_changed_here = key.is_in_use()
        && key.file().is_none()
        && key.keyward.kind == "restricted"
        && visit.may(Verb::Post, "/v2/iam/api_keys/{id}");
    let bounds = Bounds::read(app, visit, &key.keyward.owner).await?;
    let may_give = bounds.as_ref().is_none_or(|bounds| {
        let allowed = bounds.permissions(visit, all);
        bounds.free_choice
            && allowed
                .iter()
                .any(|allowed| allowed.name == one.name && allowed.has(level))
    });
    let way = if is_changed_here && may_give {
        let href = format!(
            "{}/edit?ask={}_{}",
            visit.key_home(&key.id),
            one.name,
            level.name()
        );
        link(Weight::Main, &href, "Add it to this key")
    } else {
        ask_for(visit, key, &format!("{}_{}", one.name, level.name()))
    };
    Ok(message::titled(
        Tone::Warn,
        "A permission is missing",
        html! {
            p { "A request was denied because this key lacks " (wanted) "." }
            div.row { (way) }
        },
    ))
}

/// Where to ask for it: the page or the mail address that the company set.
fn ask_for(visit: &Visit, key: &Key, permission: &str) -> Markup {
    let Some(url) = visit
        .brand
        .support_url
        .as_deref()
        .filter(|_| visit.is_portal())
    else {
        return html! { p { "You cannot add it here. Ask " (Text(visit.provider())) " for it." } };
    };
    let href = if url.starts_with("mailto:") {
        let subject = encoded(&format!("Permission {permission} for the key {}", key.id));
        format!(
            "{url}{}subject={subject}",
            if url.contains('?') { '&' } else { '?' }
        )
    } else {
        let join = if url.contains('?') { '&' } else { '?' };
        format!(
            "{url}{join}key={}&permission={}",
            encoded(&key.id),
            encoded(permission)
        )
    };
    html! {
        p { "Your keys may not have it." }
        a.button href=(href) { "Ask " (Text(visit.provider())) " for it" }
    }
}
