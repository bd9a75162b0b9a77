//! `keyward keys` with a running Envoy: a key's whole life, and the tour of the help texts.

mod help;
mod life;

use crate::support::keys::Desk;
