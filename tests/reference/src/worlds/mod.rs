//! Generated configurations, and requests that come near their rules.

pub mod dice;
pub mod expanding;
mod naming;
pub mod requests;
mod rows;
pub mod world;
