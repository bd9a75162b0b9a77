//! Stripe's own SDKs, and other common clients, cannot distinguish keyward's answers from Stripe's.
//! The scripts are in `tests/sdk`. Their steps and the expected results are here: one list of steps
//! for all languages, Envoy's access log, and the requests that reached the upstream.

mod curl;
mod denials;
mod expected;
mod features;
mod grpc;
mod http2;
pub mod life;
mod retries;
pub mod script;
mod stripe;
mod world;
