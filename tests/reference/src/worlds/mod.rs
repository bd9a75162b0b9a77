//! Generated configurations, and requests that come near their rules.

mod accounts;
mod callers;
pub mod dice;
pub mod expanding;
mod naming;
pub mod requests;
mod rows;
pub mod world;
