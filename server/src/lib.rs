//! keyward-server: keys made at run time, over Stripe's own API.

mod api;
mod app;
mod caller;
pub mod commands;
pub mod configuration;
mod console;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod identify;
pub mod init;
pub mod link;
mod logs;
mod metrics;
pub mod openapi;
pub mod pages;
mod parameter;
pub mod permission;
mod plans;
mod portal;
mod publish;
mod quota;
mod randomness;
mod recheck;
pub mod resume;
mod route;
pub mod routes;
pub mod serve;
mod service;
mod session;
mod shown;
mod sign_in;
mod span;
pub mod store;
mod time;
pub mod uid;
