//! Stripe's own SDKs, and other clients people have, cannot know keyward's answers from Stripe's. The scripts are in `tests/sdk`; what they
//! have to do, and what must come of it, is here: one list of steps for all languages, Envoy's access log, and what reached the upstream.

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
