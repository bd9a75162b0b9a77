//! Runs `keyward logs` and `keyward audit` on the access log of a real Envoy: they agree with what
//! was sent, to the request.

mod agree;
mod alike;
mod collector;
pub mod evidence;
mod loggers;
mod page;
mod privilege;
mod rewritten;
mod world;
