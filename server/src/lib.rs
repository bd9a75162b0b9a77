//! keyward-server: keys made at run time, over Stripe's own API.

pub mod store;
