//! Hostile and broken pushes to a real Envoy that continues to serve: a rejected push loses
//! nothing, and its log line names a place and never content.

mod alternating;
mod everywhere;
mod malformed;
mod packed;
