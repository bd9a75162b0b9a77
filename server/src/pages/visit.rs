//! A request for a page, by a person who is signed in.

use std::net::IpAddr;
use std::sync::Arc;

use keyward::management::random_id;

use super::form::Form;
use super::objects::Key;
use super::parts::layout::{self, Frame, InPortal};
use super::place::{CONSOLE, PORTAL};
use super::reply::Reply;
use crate::brand::Brand;
use crate::http::failure::{Code, Failure};
use crate::http::query::{Pairs, written};
use crate::randomness::System;
use crate::session::Session;
use axum::http::StatusCode;
use maud::{Markup, html};

/// A request after its checks.
pub(crate) struct Visit {
    pub(crate) session: Session,
    /// The segment of the path that the page's template leaves open.
    pub(crate) target: String,
    pub(crate) path: String,
    pub(crate) query: Pairs,
    pub(crate) form: Form,
    pub(crate) request_id: String,
    pub(crate) address: Option<IpAddr>,
    /// The look of a portal.
    pub(crate) brand: Arc<Brand>,
    /// Unix seconds.
    pub(crate) now: u64,
    /// How long after its sign-in a session counts as fresh.
    pub(crate) fresh: u64,
}

impl Visit {
    /// A parameter of the query; nothing if it is missing.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", |text| text.trim())
    }

    /// The address of a list with its filters, one of them changed, or left out if the value is empty. It starts again at the first page.
    pub(crate) fn filtered(&self, list: &str, filters: &[&str], name: &str, value: &str) -> String {
        let kept = filters
            .iter()
            .map(|filter| (*filter, self.parameter(filter)));
        let pairs: Pairs = kept
            .filter(|(filter, _)| *filter != name)
            .chain([(name, value)])
            .filter(|(_, text)| !text.is_empty())
            .map(|(filter, text)| (filter.to_owned(), text.to_owned()))
            .collect();
        match pairs.is_empty() {
            true => list.to_owned(),
            false => format!("{list}?{}", written(&pairs)),
        }
    }

    /// The token of this answer's forms.
    pub(crate) fn csrf(&self) -> &str {
        self.session.form_token.shown()
    }

    /// For the hidden field that makes a form count once.
    pub(crate) fn once(&self) -> String {
        random_id(&mut System).unwrap_or_default()
    }

    /// Whether the person signed in a short while ago.
    pub(crate) fn is_fresh(&self) -> bool {
        self.now.saturating_sub(self.session.opened) < self.fresh
    }

    /// Refuses an action that needs a fresh session.
    pub(crate) fn must_be_fresh(&self) -> Result<(), Failure> {
        if self.is_fresh() {
            return Ok(());
        }
        let span = minutes(self.fresh);
        let message = if self.is_portal() {
            format!(
                "You opened this page more than {span} ago, which is too long for live keys. Nothing was changed. Go back, open the page again, and send the form again."
            )
        } else {
            format!(
                "You signed in more than {span} ago, which is too long for this. Nothing was changed. Sign in again with a new link, and send the form again."
            )
        };
        Err(Failure::new(Code::SessionTooOld, message))
    }

    /// Whether the session covers live keys: one that a test key opened does not.
    pub(crate) fn is_live(&self) -> bool {
        self.session
            .tenant()
            .is_none_or(|tenant| tenant.mode.is_live())
    }

    /// Whether it is in the portal of an account.
    pub(crate) fn is_portal(&self) -> bool {
        self.session.tenant().is_some()
    }

    /// The list of keys that the person comes from.
    pub(crate) fn home(&self) -> &'static str {
        if self.is_portal() {
            PORTAL.home
        } else {
            CONSOLE.home
        }
    }

    /// The title of the list.
    pub(crate) fn list_name(&self) -> &'static str {
        if self.is_portal() { "API keys" } else { "Keys" }
    }

    /// A key as the person may see it.
    pub(crate) fn seen(&self, key: Key) -> Key {
        if self.is_portal() {
            key.for_customer()
        } else {
            key
        }
    }

    /// The page of a key.
    pub(crate) fn key_home(&self, id: &str) -> String {
        format!("{}/{id}", self.home())
    }

    /// The company that offers the portal.
    pub(crate) fn provider(&self) -> &str {
        self.brand.name.as_deref().unwrap_or("your provider")
    }

    /// Whether the session covers more than one account.
    pub(crate) fn is_tree(&self) -> bool {
        self.session.tenant().is_none_or(|tenant| tenant.has_below)
    }

    fn portal(&self) -> Option<InPortal> {
        let tenant = self.session.tenant()?;
        Some(InPortal {
            account: tenant
                .name
                .clone()
                .unwrap_or_else(|| tenant.account.clone()),
            return_url: tenant.return_url.clone(),
            brand: Arc::clone(&self.brand),
        })
    }

    /// The data for the document around a page.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            actor: self.session.person.shown().to_owned(),
            role: self.session.role_name().to_owned(),
            ends_in: self.session.until.saturating_sub(self.now),
            csrf: self.csrf().to_owned(),
            path: self.path.clone(),
            portal: self.portal(),
        }
    }

    /// The hidden fields of a form: the session's token, and `once`, which makes the API carry the form out once.
    pub(crate) fn hidden(&self) -> Markup {
        let once = self
            .form
            .given("once")
            .map_or_else(|| self.once(), str::to_owned);
        html! {
            input type="hidden" name="csrf" value=(self.csrf());
            input type="hidden" name="once" value=(once);
        }
    }

    /// A page.
    pub(crate) fn page(&self, title: &str, body: Markup) -> Reply {
        self.page_with(StatusCode::OK, title, body)
    }

    /// The same, with another status.
    pub(crate) fn page_with(&self, status: StatusCode, title: &str, body: Markup) -> Reply {
        Reply::page(status, layout::page(&self.frame(), title, body))
    }
}

/// `15 minutes`.
pub(crate) fn minutes(seconds: u64) -> String {
    match seconds {
        ..60 => format!("{seconds} seconds"),
        60..120 => "a minute".to_owned(),
        _ => format!("{} minutes", seconds / 60),
    }
}
