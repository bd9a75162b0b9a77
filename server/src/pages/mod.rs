//! Pages for people, made on the server.

#![allow(dead_code, reason = "parts are made before the pages that use them")]

mod ask;
pub(crate) mod assets;
mod create;
mod enter;
mod exchange;
mod form;
mod keys;
mod objects;
pub(crate) mod parts;
mod reply;
mod table;
mod value;
mod visit;

pub(crate) use exchange::router;
