//! What the tests against a real Envoy stand on: an Envoy started from the bootstrap we ship, clients that send any byte,
//! and an upstream that tells what it saw. Everything is on loopback and bounded by time-outs.

pub mod bootstrap;
pub mod builder;
pub mod envoy;
pub mod find;
pub mod h2;
pub mod http;
pub mod observe;
pub mod packed;
pub mod pb;
pub mod process;
#[cfg(target_os = "linux")]
pub mod pty;
pub mod push;
pub mod upstream;
pub mod wait;

#[allow(unused_imports, reason = "for the tests, whichever of them there are")]
pub use self::{
    builder::Ecds,
    envoy::Envoy,
    packed::packed,
    pb::Wrapper,
    push::Push,
    upstream::Upstream,
    wait::{BOUND, LONG, eventually},
};
