//! `keyward logs` and `keyward audit` on the access log of a real Envoy: their numbers agree
//! exactly with what was sent.

mod agree;
mod alike;
mod collector;
pub mod evidence;
mod loggers;
mod page;
mod privilege;
mod rewritten;
mod world;
