//! keyward-server: keys made at run time, over Stripe's own API.

mod api;
mod app;
mod caller;
pub mod commands;
pub mod configuration;
mod http;
pub mod init;
mod metrics;
pub mod openapi;
mod parameter;
pub mod permission;
mod publish;
mod randomness;
mod recheck;
mod route;
pub mod routes;
pub mod serve;
mod service;
pub mod store;
mod time;
pub mod uid;
