//! `keyward-server`: keys made at run time, over Stripe's own API.

fn main() {}
