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
pub mod filter;
pub mod header_map;
pub mod json;
mod json_place;
pub mod judge;
pub mod key;
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
pub mod spelling;
pub mod upstream;
pub mod usage;
pub mod version;
pub mod wire;

/// The version that is built.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that is built, as far as it is known.
pub const COMMIT: &str = env!("KEYWARD_COMMIT");
