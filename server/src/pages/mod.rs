//! Pages for people, made on the server.

mod accounts;
mod activity;
mod ask;
pub(crate) mod assets;
mod begin;
mod bounds;
mod brand;
mod check;
mod checks;
mod create;
mod enter;
mod entries;
mod exchange;
mod forget;
mod form;
mod gateways;
mod grant_sets;
mod gzip;
mod incident;
mod key;
mod keys;
mod last_list;
mod lines;
mod lookup;
mod named;
mod objects;
pub(crate) mod parts;
mod place;
mod policies;
mod portal;
mod reply;
mod sessions;
mod table;
mod value;
mod visit;
mod wording;

pub(crate) use exchange::router;

use crate::routes::{ROUTES, Route, Verb};
use crate::session::Role;

/// A page, for the test of who may do what: its method, its path, and the endpoint whose permission it asks for.
#[derive(Clone, Copy)]
pub struct Listed {
    /// GET, or POST for what a form of it does.
    pub method: Verb,
    /// Literals, and `{id}`.
    pub template: &'static str,
    /// The endpoint.
    pub needs: &'static Route,
}

/// All pages.
#[must_use]
pub fn listed() -> Vec<Listed> {
    let pages = table::PAGES.iter().chain(portal::PAGES).filter_map(|page| {
        let table::Needs(method, template) = page.needs;
        let needs = ROUTES
            .iter()
            .find(|route| route.method == method && route.template == template)?;
        Some(Listed {
            method: page.method,
            template: page.template,
            needs,
        })
    });
    pages.collect()
}

/// All roles, each with the permissions that it holds.
#[must_use]
pub fn roles() -> Vec<(&'static str, keyward::management::Granted)> {
    Role::ALL
        .iter()
        .map(|role| (role.name(), role.granted()))
        .collect()
}
