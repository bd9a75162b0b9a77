//! Expansions: `expand[]=data.customer` in a query asks for another object inside the reply, so the
//! request reads that object as well. This module finds the parameters that ask for expansions, and
//! what each of them reads, by a graph compiled in from `catalogue/`.
//!
//! Source: <https://docs.stripe.com/expand>, and the type declarations of Stripe's Node SDK.

mod graph;
mod parameter;
mod stripe;

#[cfg(test)]
mod tests;

pub use graph::{Graph, Target, Unknown, Way};
pub use parameter::{Parameter, parameters};
pub use stripe::{STRIPE, returned};
