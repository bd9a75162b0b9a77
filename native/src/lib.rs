//! The filter as a native module of Envoy. Like the wasm filter, it is a host of `keyward::filter`.
//!
//! A configuration is loaded once, on Envoy's main thread, and all workers share it. A request is
//! decided on its worker, in the hook for its headers. Nothing else of the request is read.

mod abi;
mod boundary;
mod census;
mod clock;
mod counts;
mod fault;
mod feed;
mod hooks;
mod loading;
mod metrics;
mod node;
mod plugin;
mod registry;
mod request;
mod serving;
mod store;
mod timer;
#[cfg(feature = "trap-door")]
mod trap_door;
mod workers;

#[cfg(test)]
#[path = "../tests/fake/mod.rs"]
mod fake;
