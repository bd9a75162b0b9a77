//! keyward-server: keys made at run time, over Stripe's own API.

mod api;
mod app;
mod caller;
pub mod commands;
pub mod configuration;
#[doc(hidden)]
pub mod fuzzing;
mod http;
pub mod init;
pub mod link;
mod logs;
mod metrics;
pub mod openapi;
pub mod pages;
mod parameter;
pub mod permission;
mod publish;
mod randomness;
mod recheck;
mod route;
pub mod routes;
pub mod serve;
mod service;
mod session;
mod shown;
pub mod store;
mod time;
pub mod uid;
