//! Pages for people, made on the server.

mod accounts;
mod activity;
mod ask;
pub(crate) mod assets;
mod create;
mod enter;
mod exchange;
mod form;
mod gateways;
mod grant_sets;
mod incident;
mod key;
mod keys;
mod lookup;
mod objects;
pub(crate) mod parts;
mod reply;
mod sessions;
mod table;
mod value;
mod visit;

pub(crate) use exchange::router;
