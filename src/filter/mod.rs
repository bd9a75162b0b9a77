//! The filter: what it does with a request, on any host. A host runs it and implements
//! [`host::Host`]: a VM in Envoy, or a test.

mod census;
pub mod counter;
pub mod exchange;
#[cfg(test)]
mod fake;
pub mod followers;
pub mod following;
pub mod host;
mod ledger;
pub mod load;
pub mod monitor;
pub mod plugin_id;
mod plugin_instance;
pub mod plugin_instances;
mod ruling;
pub mod usage;
#[cfg(target_arch = "wasm32")]
mod wasm;
