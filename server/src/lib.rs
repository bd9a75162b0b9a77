//! keyward-server: keys made at run time, over Stripe's own API.

mod api;
mod app;
mod caller;
pub mod commands;
pub mod configuration;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod identify;
pub mod init;
mod metrics;
pub mod openapi;
mod parameter;
pub mod permission;
mod plans;
mod publish;
mod quota;
mod randomness;
mod recheck;
pub mod resume;
mod route;
pub mod routes;
pub mod serve;
mod service;
mod shown;
mod span;
pub mod store;
mod time;
pub mod uid;
