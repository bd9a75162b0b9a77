//! API keys with Stripe's key model, checked inside Envoy.

pub mod account;
pub mod address;
mod ascii;
pub mod configuration;
pub mod credential;
pub mod decision;
pub mod digest;
pub mod endpoint;
pub mod expansion;
pub mod feed;
pub mod filter;
pub mod header_map;
pub mod id;
pub mod invariant;
pub mod json;
mod json_place;
pub mod judge;
pub mod key;
// The filter makes no keys, so the rules that only a management API needs stay out of the `.wasm`.
#[cfg(not(target_arch = "wasm32"))]
pub mod management;
pub mod mask;
mod order;
mod parameter;
pub mod permission;
pub mod principal;
pub mod profile;
pub mod query;
pub mod reason;
pub mod refusal;
pub mod reply;
pub mod request;
mod rows;
pub mod signify;
pub mod snapshot;
pub mod spelling;
pub mod state;
pub mod upstream;
pub mod usage;
pub mod version;
pub mod wire;
pub mod word;
