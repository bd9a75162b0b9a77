//! `keyward keys`, with the real binary: the rules on keys, incidents, what must never be lost or
//! shown, and the help texts. `keys::life` among the tests with Envoy runs a key's life in a
//! running Envoy.

mod bulk;
mod help;
mod incident;
#[cfg(target_os = "linux")]
mod lost;
mod names;
mod pasted;
mod rules;
#[cfg(target_os = "linux")]
mod taken_back;

use crate::support::keys::Desk;
