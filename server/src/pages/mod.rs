//! Pages for people, made on the server.

#![allow(dead_code, reason = "parts are made before the pages that use them")]

pub(crate) mod assets;
pub(crate) mod parts;
