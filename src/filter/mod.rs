//! The filter: what it does with a request, on any host. A host is what runs it, and says so by [`host::Host`]: a VM of Envoy's, or a test.

pub mod counter;
pub mod exchange;
#[cfg(test)]
mod fake;
pub mod host;
mod ledger;
mod ruling;
#[cfg(target_arch = "wasm32")]
mod wasm;
