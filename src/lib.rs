//! API keys with Stripe's key model, checked inside Envoy.

#[cfg(feature = "cli")]
pub mod access_log;
pub mod account;
pub mod address;
mod ascii;
#[cfg(feature = "cli")]
pub mod cli;
pub mod configuration;
pub mod credential;
pub mod decision;
pub mod digest;
pub mod endpoint;
pub mod expansion;
#[cfg(target_arch = "wasm32")]
mod filter;
pub mod header_map;
mod json;
mod json_place;
pub mod judge;
pub mod key;
#[cfg(feature = "cli")]
pub mod key_file;
pub mod mask;
mod order;
mod parameter;
mod percent;
pub mod permission;
pub mod principal;
pub mod profile;
pub mod query;
pub mod reason;
pub mod refusal;
pub mod reply;
pub mod request;
mod rows;
pub mod snapshot;
mod spelling;
pub mod upstream;
pub mod usage;
pub mod version;
#[cfg(feature = "cli")]
pub mod visible;
mod wire;
